"""`vaekit features`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import FeaturesOptions
from vaekit.cli.output import Result, say
from vaekit.config.options import DataSettings


def features(options: FeaturesOptions) -> Result:
    """Trains features of a source's images, in which `evaluate` then measures distances."""
    found = vaekit.features(
        kind=options.kind,
        dimensions=options.dimensions,
        epochs=options.epochs,
        seed=options.seed,
        device=options.device,
        out=options.out,
        tell=say,
        **options.those_of(DataSettings),
    )
    judged = {
        "epoch": found.epoch,
        "test_accuracy": found.test_accuracy,
        "validation_accuracy": found.validation_accuracy,
    }
    values = {
        "features": found.name,
        "kind": found.kind,
        "out": str(found.path),
        "shape": list(found.shape),
        "dimensions": found.dimensions,
        **{name: value for name, value in judged.items() if value is not None},
        "figures": found.figures,
    }
    accuracy = "" if found.test_accuracy is None else f", test accuracy {found.test_accuracy:.4f}"
    head = f"{found.dimensions} features {found.name} in {found.path}{accuracy}"
    return Result(values, f"{head}: figures {', '.join(found.figures)}")
