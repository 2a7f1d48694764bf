"""Budgets, plans and what is refused before any training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vaekit import RunError, SettingError, load_data
from vaekit.comparison import plan as planning
from vaekit.comparison.plan import Request, make_plan, whole_epochs
from vaekit.config.methods import METHODS
from vaekit.config.network_parts import Patches
from vaekit.config.options import DataSettings


def test_a_budget_is_whole_epochs() -> None:
    assert whole_epochs(10.0, 3.0, "vae") == 3
    assert whole_epochs(3.0, 3.0, "vae") == 1
    with pytest.raises(
        SettingError, match=r"one epoch of gan takes 3\.5 s here; give at least 4s, or epochs=1"
    ):
        whole_epochs(3.0, 3.5, "gan")


@pytest.mark.parametrize(
    ("budget", "seconds", "of_prior", "epochs"),
    [
        (100.0, 10.0, 5.0, (5, 10)),  # 50 and 50
        (90.0, 25.0, 20.0, (1, 3)),  # 25, and the prior has what that leaves
        (90.0, 25.0, 60.0, (1, 1)),
        (90.0, 10.0, 60.0, (3, 1)),  # half of it would leave the prior none
        (45.0, 30.0, 15.0, (1, 1)),  # more than half for one epoch
    ],
)
def test_a_model_and_its_prior_share_the_budget(
    budget: float, seconds: float, of_prior: float, epochs: tuple[int, int]
) -> None:
    assert planning.shared_epochs(budget, seconds, of_prior, "vqvae") == epochs
    assert epochs[0] * seconds + epochs[1] * of_prior <= budget


def test_a_budget_too_short_for_model_and_prior() -> None:
    with pytest.raises(
        SettingError, match=r"one epoch of vqvae takes 30\.0 s .* prior 15\.2 s; give at least 46s"
    ):
        planning.shared_epochs(45.0, 30.0, 15.2, "vqvae")


def test_discrete_codes_get_a_prior_and_vectors_none() -> None:
    assert [name for name in METHODS if planning.wants_prior(name)] == ["vqvae"]


def wish(**changes: Any) -> Request:
    values: dict[str, Any] = {
        "data": DataSettings("digits"), "methods": ("ae", "gan"), "seeds": (0, 1), "budget": None, "epochs": 2,
        "options": {"width": 8, "device": "cpu"},
    }  # fmt: skip
    return Request(**values | changes)


def test_a_plan_is_kept_and_the_same_wish_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_data("digits")
    asked: list[str] = []

    def pretend(settings: Any, data: Any) -> float:
        asked.append(settings.method)
        return {"ae": 0.4, "gan": 1.1}[settings.method]

    monkeypatch.setattr(planning, "epoch_seconds", pretend)
    timed = wish(epochs=None, budget=5.0)
    plan = make_plan(timed, data, tmp_path / "a")
    assert plan.epochs == {"ae": 12, "gan": 4}
    monkeypatch.setattr(planning, "epoch_seconds", lambda settings, data: 99.0)
    assert make_plan(timed, data, tmp_path / "a") == plan, "the number is recorded, not timed again"
    assert plan.settings("gan", 1).fit.epochs == 4
    assert (plan.settings("gan", 1).fit.seed, plan.settings("gan", 1).flat()["width"]) == (1, 8)
    assert plan.settings("gan", 1).flat()["beta1"] == METHODS["gan"].overrides["beta1"]
    assert [name for name, _, _ in plan.names] == ["ae-0", "gan-0", "ae-1", "gan-1"]


def test_a_prior_is_planned_in_its_own_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_data("digits")

    def pretend(settings: Any, data: Any) -> float:
        assert (settings.method == "code-prior") == (data.shape == (1, 2, 2))
        return {"ae": 1.0, "vqvae": 2.0, "code-prior": 0.5}[settings.method]

    monkeypatch.setattr(planning, "epoch_seconds", pretend)
    timed = wish(methods=("ae", "vqvae"), epochs=None, budget=10.0)
    plan = make_plan(timed, data, tmp_path / "a")
    assert (plan.epochs, plan.prior_epochs) == ({"ae": 10, "vqvae": 2}, {"vqvae": 12})
    assert plan.prior_options("vqvae", 3)["epochs"] == 12
    assert plan.prior_options("vqvae", 3)["seed"] == 3
    assert make_plan(timed, data, tmp_path / "a") == plan
    passes = make_plan(wish(methods=("ae", "vqvae"), epochs=7), data, tmp_path / "b")
    assert (passes.epochs, passes.prior_epochs) == ({"ae": 7, "vqvae": 7}, {"vqvae": 7})
    (tmp_path / "b" / "plan.json").write_text(
        json.dumps({"format": 1, "wish": passes.wish.as_dict(), "fingerprint": data.fingerprint})
    )
    with pytest.raises(RunError, match=r"plan\.json: epochs is missing"):
        make_plan(passes.wish, data, tmp_path / "b")


def test_sizes_of_networks_go_where_there_is_a_choice_of_networks() -> None:
    asked = wish(options={"width": 8, "depth": 1, "batch_size": 50, "device": "cpu"})
    assert planning.settings_of(asked, "vae", {}).flat()["width"] == 8
    own = planning.settings_of(asked, "vqvae", {})
    assert (own.model.network, own.fit.batch_size) == (Patches(), 50)


def test_of_two_plans_for_one_folder_the_second_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other comes while this one is being timed."""
    data = load_data("digits")
    monkeypatch.setattr(
        planning, "epoch_seconds", lambda settings, data: make_plan(other, data, tmp_path) and 1.0
    )
    other = wish(epochs=7)
    with pytest.raises(RunError, match=r"plan\.json is there already"):
        make_plan(wish(methods=("ae",), epochs=None, budget=5.0), data, tmp_path)
    assert json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))["epochs"] == {"ae": 7, "gan": 7}


def test_another_comparison_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    data = load_data("digits")
    make_plan(wish(), data, tmp_path / "a")
    with pytest.raises(RunError, match=r"another comparison is there \(its methods and seeds differ\)"):
        make_plan(wish(methods=("ae",), seeds=(0,)), data, tmp_path / "a")
    with pytest.raises(RunError, match="the images of digits have changed"):
        make_plan(wish(), data.replace(fingerprint="other"), tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RunError, match="something else is there"):
        make_plan(wish(), data, tmp_path / "b")


def test_nothing_is_written_for_what_cannot_be_trained(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="latent_dim must be at least 1"):
        make_plan(wish(options={"latent_dim": 0, "device": "cpu"}), load_data("digits"), tmp_path / "a")
    with pytest.raises(SettingError, match="seed must be at least 0"):
        make_plan(wish(seeds=(-1, 0)), load_data("digits"), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_an_unfinished_comparison_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data, mine = load_data("digits"), wish()
    first = planning.find_folder(mine, "digits")
    assert first == Path("runs") / "compare-digits-1"
    make_plan(mine, data, first)
    assert planning.find_folder(mine, "digits") == first
    assert planning.find_folder(wish(epochs=3), "digits").name == "compare-digits-2"
    (first / "comparison.html").write_text("done", encoding="utf-8")
    assert planning.find_folder(mine, "digits").name == "compare-digits-2"
    assert json.loads((first / "plan.json").read_text(encoding="utf-8"))["epochs"] == {"ae": 2, "gan": 2}


def test_the_default_is_the_lessons_methods_that_fit() -> None:
    assert {"ae", "vae", "beta-vae", "gan"} <= set(planning.default_methods(labelled=False))
    unfit = set(planning.default_methods(labelled=True)) - set(planning.default_methods(labelled=False))
    assert all(METHODS[name].labels for name in unfit)
