"""Budgets, plans and what is refused before any training."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from vaekit import RunError, SettingError, load_data
from vaekit.comparison import plan as planning
from vaekit.comparison.budget import Cost, time_all
from vaekit.comparison.plan import make_plan
from vaekit.comparison.wish import Request, default_methods, settings_of, wants_prior
from vaekit.config.methods import METHODS, PRIORS
from vaekit.config.network_parts import Patches
from vaekit.config.options import DataSettings
from vaekit.training.lengths import Pace


def test_discrete_codes_get_a_prior_and_vectors_none() -> None:
    assert [name for name in METHODS if wants_prior(name)] == ["vqvae"]


def wish(**changes: Any) -> Request:
    values: dict[str, Any] = {
        "data": DataSettings("digits"), "methods": ("ae", "gan"), "seeds": (0, 1), "budget": None, "epochs": 2,
        "options": {"width": 8, "device": "cpu"},
    }  # fmt: skip
    return Request(**values | changes)


def test_a_plan_is_kept_and_the_same_wish_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_data("digits")
    monkeypatch.setattr(planning, "time_all", pretend({"ae": 0.4, "gan": 1.1}))
    timed = wish(epochs=None, budget=5.0)
    plan = make_plan(timed, data, tmp_path / "a")
    assert plan.lengths == {"ae": {"steps": 12}, "gan": {"steps": 4}}
    monkeypatch.setattr(planning, "time_all", pretend({"ae": 99.0, "gan": 99.0}))
    assert make_plan(timed, data, tmp_path / "a") == plan, "the number is recorded, not timed again"
    assert plan.settings("gan", 1).fit.length == {"steps": 4}
    assert (plan.settings("gan", 1).fit.seed, plan.settings("gan", 1).flat()["width"]) == (1, 8)
    assert plan.settings("gan", 1).flat()["beta1"] == METHODS["gan"].overrides["beta1"]
    assert [name for name, _, _ in plan.names] == ["ae-0", "gan-0", "ae-1", "gan-1"]


def pretend(steps: dict[str, float], priors: dict[str, float] | None = None) -> Any:
    """Timing that finds these seconds of a step."""

    def costs(seconds: dict[str, float]) -> dict[str, Cost]:
        return {method: Cost(0.0, Pace(step, 0.0), 10) for method, step in seconds.items()}

    return lambda wish, settings, data, two: (costs(steps), costs(priors or {}))


def test_what_the_data_decide_is_kept_with_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_data("digits")
    plan = make_plan(wish(options={"device": "cpu"}), data, tmp_path / "a")
    decided = plan.decided["ae"]
    assert {"batch_size", "latent_dim", "learning_rate", "init"} <= decided.keys()
    assert decided.items() <= plan.settings("ae", 0).flat().items()
    assert decided["batch_size"] == plan.settings("gan", 1).fit.batch_size
    monkeypatch.setattr(planning, "decide", lambda wish, data: {})
    assert make_plan(plan.wish, data, tmp_path / "a") == plan


def test_a_prior_is_planned_in_its_own_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_data("digits")
    monkeypatch.setattr(planning, "time_all", pretend({"ae": 1.0, "vqvae": 2.0}, {"vqvae": 0.5}))
    timed = wish(methods=("ae", "vqvae"), epochs=None, budget=10.0)
    plan = make_plan(timed, data, tmp_path / "a")
    assert plan.lengths == {"ae": {"steps": 10}, "vqvae": {"steps": 2}}
    assert plan.prior_lengths == {"vqvae": {"steps": 12}}
    assert plan.described("vqvae") == "2 steps + 12 of its prior"
    assert plan.prior_options("vqvae", 3) == {
        "width": 64,
        "depth": 2,
        "device": "cpu",
        "steps": 12,
        "seed": 3,
    }
    assert make_plan(timed, data, tmp_path / "a") == plan
    passes = make_plan(wish(methods=("ae", "vqvae"), epochs=7), data, tmp_path / "b")
    assert passes.lengths == {"ae": {"epochs": 7}, "vqvae": {"epochs": 7}}
    assert passes.prior_lengths == {"vqvae": {"epochs": 7}}
    steps = make_plan(wish(epochs=None, steps=30), data, tmp_path / "c")
    assert [steps.settings(method, 0).fit.length for method in ("ae", "gan")] == [{"steps": 30}] * 2
    (tmp_path / "b" / "plan.json").write_text(
        json.dumps({"format": 1, "wish": passes.wish.as_dict(), "fingerprint": data.fingerprint})
    )
    with pytest.raises(RunError, match=r"plan\.json: lengths is missing"):
        make_plan(passes.wish, data, tmp_path / "b")


def test_the_priors_time_is_that_of_the_code_prior_on_the_models_codes() -> None:
    data = load_data("digits")
    asked = wish(methods=("vqvae",), epochs=None, budget=0.2)
    (own,), (prior,) = (
        costs.values()
        for costs in time_all(asked, {"vqvae": settings_of(asked, "vqvae", {})}, data, ["vqvae"])
    )
    assert own.steps_per_epoch == math.ceil(
        len(data.train) / settings_of(asked, "vqvae", {"batch_size": 32}).fit.batch_size
    )
    assert prior.steps_per_epoch == math.ceil(len(data.train) / PRIORS["code-prior"].overrides["batch_size"])
    assert min(own.pace.step, prior.pace.step) > 0


def test_sizes_of_networks_go_where_there_is_a_choice_of_networks() -> None:
    asked = wish(options={"width": 8, "depth": 1, "batch_size": 50, "device": "cpu"})
    assert settings_of(asked, "vae", {}).flat()["width"] == 8
    own = settings_of(asked, "vqvae", {})
    assert (own.model.network, own.fit.batch_size) == (Patches(), 50)


def test_of_two_plans_for_one_folder_the_second_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other comes while this one is being timed."""
    data = load_data("digits")
    monkeypatch.setattr(
        planning, "time_all", lambda *given: make_plan(other, data, tmp_path) and pretend({"ae": 1.0})(*given)
    )
    other = wish(epochs=7)
    with pytest.raises(RunError, match=r"plan\.json is there already"):
        make_plan(wish(methods=("ae",), epochs=None, budget=5.0), data, tmp_path)
    assert json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))["lengths"]["gan"] == {"epochs": 7}


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
    assert json.loads((first / "plan.json").read_text(encoding="utf-8"))["lengths"]["ae"] == {"epochs": 2}


def test_the_default_is_the_lessons_methods_that_fit() -> None:
    assert {"ae", "vae", "beta-vae", "gan"} <= set(default_methods(labelled=False))
    unfit = set(default_methods(labelled=True)) - set(default_methods(labelled=False))
    assert all(METHODS[name].labels for name in unfit)
