"""`vaekit features`."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.cli.command_options import FeaturesOptions
from vaekit.cli.output import Result, note, say
from vaekit.config.options import DataSettings
from vaekit.runs.outputs import check_out

if TYPE_CHECKING:
    from vaekit.data import Data


def features(options: FeaturesOptions) -> Result:
    """Trains features of a source's images, in which `evaluate` then measures distances."""
    if options.out is not None:
        check_out(Path(options.out), (".safetensors",))
    from vaekit.data import load_data
    from vaekit.evaluation.samples.features.store import load_features

    data = load_data(
        **{field.name: getattr(options, field.name) for field in dataclasses.fields(DataSettings)}
    )
    for line in data.notes:
        note(line)
    labelled = data.train.labels is not None
    kind = options.kind if options.kind != "auto" else ("classifier" if labelled else "pca")
    out = (
        Path(options.out) if options.out is not None else Path("features") / f".new.{os.getpid()}.safetensors"
    )
    about = _classifier(data, options, out) if kind == "classifier" else _pca(data, options, out)
    name = load_features(out).name
    if options.out is None:
        os.replace(out, out := out.with_name(f"{name}.safetensors"))
    values = {
        "features": name,
        "kind": kind,
        "out": str(out),
        "shape": list(data.shape),
        **about,
        "figures": [f"fd_{name}", f"kd_{name}"],
    }
    accuracy = f", test accuracy {about['test_accuracy']:.4f}" if "test_accuracy" in about else ""
    return Result(
        values, f"{about['dimensions']} features {name} in {out}{accuracy}: figures fd_{name}, kd_{name}"
    )


def _classifier(data: Data, options: FeaturesOptions, out: Path) -> dict[str, Any]:
    from vaekit.evaluation.samples.features.classifier import train_classifier
    from vaekit.evaluation.samples.features.store import save_classifier

    def report(epoch: int, accuracy: float | None) -> None:
        held_out = "" if accuracy is None else f": validation accuracy {accuracy:.4f}"
        say(f"epoch {epoch} of {options.epochs}{held_out}")

    trained = train_classifier(
        data,
        dimensions=options.dimensions,
        epochs=options.epochs,
        seed=options.seed,
        device=options.device,
        report=report,
    )
    save_classifier(out, trained, data)
    about = {"dimensions": options.dimensions, "epoch": trained.epoch, "test_accuracy": trained.accuracy}
    if trained.validation_accuracy is not None:
        about["validation_accuracy"] = trained.validation_accuracy
    return about


def _pca(data: Data, options: FeaturesOptions, out: Path) -> dict[str, Any]:
    from vaekit.evaluation.samples.features.pca import fit_pca
    from vaekit.evaluation.samples.features.store import save_pca

    fitted = fit_pca(data, options.dimensions)
    save_pca(out, fitted)
    return {"dimensions": fitted.dimensions}
