"""`vaekit.compare` from Python; from the command line it is in tests/cli/commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import vaekit
from vaekit import SettingError
from vaekit.config.compare_options import CompareSettings
from vaekit.core import VaekitWarning
from vaekit.evaluation.samples.features.pca import fit_pca
from vaekit.evaluation.samples.features.store import save_pca

TINY: dict[str, Any] = {
    "epochs": 1, "width": 8, "latent_dim": 2, "batch_size": 400, "device": "cpu", "features": "f.safetensors",
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> vaekit.Data:
    monkeypatch.chdir(tmp_path)
    data = vaekit.load_data("digits")
    save_pca(tmp_path / "f.safetensors", fit_pca(data, 6))
    return data


def test_the_record_has_what_the_files_have_and_the_command_goes_on_with_it(terminal, data) -> None:
    lines: list[str] = []
    asked = iter(range(10_000))
    methods = ["ae", "vae"]
    stopped = vaekit.compare(
        data,
        methods,
        seeds=1,
        should_stop=lambda: "enough" if next(asked) >= 5 else None,
        tell=lines.append,
        **TINY,
    )
    assert (stopped.interrupted, stopped.table, stopped.page) == ("enough", None, None)
    assert lines[0] == f"comparing ae, vae on digits, 1 seed each, in {Path('runs/compare-digits-1')}"
    found = vaekit.compare("digits", methods, seeds=1, **TINY)
    assert found.out == stopped.out and found.interrupted is None
    assert found.table is not None and found.page is not None and found.numbers is not None
    numbers = json.loads(found.numbers.read_text(encoding="utf-8"))
    for method in methods:
        run = vaekit.load_run(found.out / f"{method}-0")
        x = data.test.images
        error = float((run.model.reconstruct(x) - x / 255).square().mean())  # type: ignore[operator]
        spread = found.table.get(method, "reconstruction_mse")
        assert spread is not None and spread.mean == pytest.approx(error, rel=1e-4)
        assert numbers["methods"][method]["reconstruction_mse"]["mean"] == spread.mean
    words = [w for k, v in TINY.items() for w in (f"--{k.replace('_', '-')}", v)]
    outcome = terminal(
        "compare",
        "--data",
        "digits",
        "--methods",
        *methods,
        "--seeds",
        1,
        *words,
        "--out",
        found.out,
        "--json",
    )
    assert outcome.status == 0, outcome.err
    assert json.loads(outcome.out)["figures"]["vae"]["fd"] == numbers["methods"]["vae"]["fd"]["mean"]
    assert "1 of 2" not in outcome.err, "nothing is trained again"


def test_shared_options_are_those_that_differ_from_the_defaults_and_the_device() -> None:
    given = CompareSettings.of({"data": "digits", "latent_dim": 20, "sigma": 0.2, "likelihood": "gaussian"})
    assert given.shared == {"device": "auto", "latent_dim": 20, "likelihood": "gaussian", "sigma": 0.2}
    assert CompareSettings.of({"data": "digits"}).shared == {"device": "auto"}, "the data decide the rest"
    assert given.source.data == "digits"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"beta": 2.0}, "unknown option 'beta'"),
        ({"methods": ["vea"]}, "Did you mean vae?"),
        ({"budget": "5s"}, "budget= and epochs= exclude each other"),
        ({"steps": 5}, "epochs= and steps= exclude each other"),
        ({"features": "mnst"}, "features 'mnst': no such name or file"),
        ({"binarize": "dynamic"}, "binarize= is for a source"),
    ],
)
def test_bad_arguments_before_any_training(data: vaekit.Data, given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        vaekit.compare(data, **{**TINY, **given})
    assert not Path("runs").exists()


@pytest.mark.parametrize("kind", ["test", "train"])
def test_too_few_images_of_either_kind_are_named_and_samples_are_not_judged(
    data: vaekit.Data, kind: str
) -> None:
    """Kernel distances take subsets: of fewer than 50 images they would be no numbers."""
    few = data.replace(**{kind: data.splits[kind].take(torch.arange(49))})
    counts = f"{len(few.test):,} test, {len(few.train):,} training"
    with pytest.warns(
        VaekitWarning, match=f"digits: samples are not judged: .* at least 50 .* not {counts}; give"
    ):
        found = vaekit.compare(few, ["vae"], seeds=1, **TINY)
    assert found.table is not None
    assert found.table.get("vae", "reconstruction_mse") is not None
    assert found.table.get("vae", "fd") is None
