"""Checks of every command on a run of a method: it works, or it refuses in one line."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.core import VaekitWarning
from vaekit.models.base import Model
from vaekit.models.capabilities import Decodes, Encodes, Generates, Quantizes, Reconstructs
from vaekit.runs.load import Run, load_run
from vaekit.runs.records import read_summary
from vaekit.testing.made_up import KINDS, Subject

EPOCHS = 2


def typed(*words: object, refused: bool = False) -> dict[str, Any]:
    """Returns what a command line with --json gives.

    Args:
        refused: it is to end with status 2 and one line.

    Raises:
        AssertionError: it ends otherwise.
    """
    from vaekit.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    line = [str(word) for word in words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore", VaekitWarning)
        status = main([*line, "--json"])
    said = err.getvalue().strip().splitlines()
    shown = f"vaekit {' '.join(line)} ends with {status}: {said[-1] if said else ''}"
    assert status == (2 if refused else 0), shown
    if refused:
        assert said and said[-1].startswith("vaekit: error: "), shown
        return {}
    return json.loads(out.getvalue())


def trained(subject: Subject) -> Path:
    """The folder of a small run; trained when first asked for."""
    run = subject.place / "run"
    if not run.exists():
        typed("train", subject.method, *_options(subject), "--epochs", EPOCHS, "--out", run)
    return run


def _options(subject: Subject) -> Sequence[object]:
    return ["--data", subject.source, *_flags(subject.small), "--device", "cpu"]


def _flags(options: Mapping[str, Any]) -> list[object]:
    """Options as they are typed."""
    from vaekit.cli.parsing import option_name

    words: list[object] = []
    for name, value in options.items():
        flag = option_name(name)
        words += [flag if value else f"--no-{flag[2:]}"] if isinstance(value, bool) else [flag, value]
    return words


def model_of(subject: Subject) -> Model:
    return load_run(trained(subject)).model


def train_and_load(subject: Subject) -> None:
    """A run is trained from the command line and loaded, with the options it was given."""
    run = load_run(trained(subject))
    assert run.settings.method == subject.method
    assert tuple(run.model.shape) == KINDS["8-bit"]
    _has_its_options(run, subject)


def _has_its_options(run: Run, subject: Subject) -> None:
    """The options given stand in config.json, and the model was built with it."""
    for what, values in (("the folder", run.settings.flat()), ("the loaded model", run.model.arguments)):
        other = [name for name, value in subject.small.items() if values.get(name, value) != value]
        assert not other, f"{what} has other values of {', '.join(other)}"
    lost = subject.small.keys() - run.settings.flat().keys()
    assert not lost, f"the folder lacks {', '.join(lost)}"


def resume(subject: Subject) -> None:
    """A run that is stopped after a step ends with the weights of one that was not."""
    from vaekit.training.resume import resume as go_on

    whole, stopped = load_run(trained(subject)), subject.place / "stopped"
    _train_one_step(subject, stopped)
    go_on(stopped, progress="none")
    again = load_run(stopped)
    _has_its_options(again, subject)
    state = again.model.state_dict()
    differing = [name for name, tensor in whole.model.state_dict().items() if not tensor.equal(state[name])]
    assert not differing, f"after a resume these weights differ: {', '.join(differing)}"


def _train_one_step(subject: Subject, out: Path) -> None:
    """Begins the run of `trained` and stops it after a step."""
    from vaekit.training.train import train

    train(
        subject.method, subject.source, out=out, progress="none", should_stop=lambda: "stopped",
        **{"epochs": EPOCHS, "device": "cpu", **subject.small},
    )  # fmt: skip


def sample(subject: Subject) -> None:
    """Samples come as an array, or the command says why not."""
    run, can = trained(subject), model_of(subject).can_sample()
    out = subject.place / "samples.npz"
    typed("sample", run, "--count", 5, "--out", out, refused=not can)
    if can:
        assert np.load(out)["images"].shape[0] == 5, "samples in the file"


def reconstruct(subject: Subject) -> None:
    """Each preview beside its reconstruction, with their mean squared error."""
    run, can = trained(subject), isinstance(model_of(subject), Reconstructs)
    found = typed("reconstruct", run, "--out", subject.place / "again.npz", refused=not can)
    assert not can or found["mean_squared_error"] >= 0


def encode(subject: Subject) -> None:
    """Embeddings of all images: means and deviations of all layers, or grids of codes."""
    run, model, out = trained(subject), model_of(subject), subject.place / "codes.npz"
    can = isinstance(model, Encodes | Quantizes)
    typed("encode", run, "--split", "test", "--out", out, refused=not can)
    if can and isinstance(model, Encodes):
        assert np.load(out)["mean"].shape[1] == model.latent_dim, "embeddings of all layers"


def evaluate(subject: Subject) -> None:
    """Whatever can be measured of it is measured and kept."""
    found = typed("evaluate", trained(subject), "--samples", 4, "--annealed", 2)
    assert found["images"] > 0
    kept = read_summary(trained(subject))
    assert kept is not None and kept.evaluation, "the evaluation is kept with the run"


def score(subject: Subject) -> None:
    """Every image has its scores, or the command says why not."""
    run, can = trained(subject), isinstance(model_of(subject), Encodes)
    out = subject.place / "scores.csv"
    found = typed("score", run, "--split", "test", "--samples", 4, "--out", out, refused=not can)
    assert not can or len(out.read_text(encoding="utf-8").splitlines()) == found["images"] + 1


def figures(subject: Subject) -> None:
    """Figures that fit are drawn, the others left out with a reason, and the report written."""
    found = typed("figures", trained(subject))
    assert all(Path(path).stat().st_size > 1000 for path in found["figures"].values())
    assert all(found["left_out"].values()), "a figure is left out without a reason"
    assert "report" in found


def compare(subject: Subject) -> None:
    """It stands in a comparison beside another, with the options that a comparison shares among its methods."""
    from vaekit.cli.command_options import CompareOptions

    out = subject.place / "comparison"
    shared = {name: value for name, value in subject.options.items() if name in CompareOptions.names()}
    found = typed(
        "compare", "--data", subject.source, "--methods", subject.method, "ae" if subject.method != "ae" else "vae",
        "--epochs", 1, "--seeds", 1, "--out", out, "--device", "cpu", *_flags(shared),
    )  # fmt: skip
    assert not found["failed"], f"failed: {found['failed']}"
    assert (out / "comparison.html").exists()


def explore(subject: Subject) -> None:
    """The page of the explorer has what it loads: its numbers, places on the map, pictures, scores."""
    from vaekit.explorer.material import Material

    run = load_run(trained(subject))
    if not _explorable(run.model):
        return
    material = Material(run, run.load_data())
    for name, content in material.files().items():
        assert content(), f"{name} is empty"


def export(subject: Subject) -> None:
    """The networks as ONNX agree with torch, those of a codebook aside, and the page of its own is written."""
    run, model = trained(subject), model_of(subject)
    can, codebook = _explorable(model), isinstance(model, Quantizes)
    out = subject.place / "onnx"
    onnx = typed("export", run, "--format", "onnx", "--out", out, refused=codebook or not can)
    typed("export", run, "--format", "web", "--out", subject.place / "web", refused=not can)
    for name, difference in onnx.get("max_difference", {}).items():
        assert difference < 1e-3, f"{name} differs from torch by {difference}"


def _explorable(model: Model) -> bool:
    return isinstance(model, Decodes | Quantizes | Generates)


COMMAND_CHECKS: dict[str, Callable[[Subject], None]] = {
    check.__name__.replace("_", " "): check
    for check in (
        train_and_load, resume, sample, reconstruct, encode, evaluate, score, figures, compare, explore, export,
    )
}  # fmt: skip
