"""`features`: learns what sets of images are compared in, from a source's own images, into a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from vaekit.config.configured import documented, strict
from vaekit.config.fields import of_choices
from vaekit.config.options import DataSettings
from vaekit.core import warn_of
from vaekit.data import Data
from vaekit.data.moments import in_standard_units
from vaekit.data.sources import as_data
from vaekit.evaluation.samples.features.classifier import Trained, train_classifier
from vaekit.evaluation.samples.features.pca import fit_pca
from vaekit.evaluation.samples.features.store import load_features, save_classifier, save_pca
from vaekit.runs.files import writing
from vaekit.runs.outputs import check_out
from vaekit.runs.temporaries import temporary

ProgressCallback = Callable[[str], object]


@dataclass(frozen=True)
class Learned:
    """Features in a file: what `evaluate` and `compare` take as `features=`.

    Attributes:
        name: with a hash of the content; figures carry it, `fd_NAME` and `kd_NAME`.
        kind: classifier or pca.
        path: the .safetensors file.
        shape: of an image, (C, H, W) or (D,).
        dimensions: number of features.
        epoch: whose weights were kept, of a classifier.
        test_accuracy, validation_accuracy: shares of images that it reads as they are labelled; None for pca, or
            without a validation split.

    Example:
        >>> learned = vaekit.features("digits", "pca", dimensions=8, out="digits.safetensors")
        >>> result = vaekit.evaluate(run, images=20, samples=2, features=learned.path, progress="none")
        >>> result.quality is not None
        True
    """

    name: str
    kind: str
    path: Path
    shape: tuple[int, ...]
    dimensions: int
    epoch: int | None = None
    test_accuracy: float | None = None
    validation_accuracy: float | None = None

    @property
    def figures(self) -> list[str]:
        """Names of the distances that are measured in them."""
        return [f"fd_{self.name}", f"kd_{self.name}"]


@strict
@documented(DataSettings)
def features(
    data: object,
    kind: str = "auto",
    *,
    dimensions: int = 64,
    epochs: int = 12,
    seed: int = 0,
    device: str = "auto",
    labels: object | None = None,
    out: str | Path | None = None,
    tell: ProgressCallback = lambda line: None,
    **options: Any,
) -> Learned:
    """Learns features of a source's images, in which the quality of samples is then measured.

    Args:
        data: a source as in `load_data`, an array, or a data set that is loaded already.
        kind: classifier, which needs labels, or pca; auto takes a classifier where there are labels.
        dimensions: number of features; pca takes fewer where images are few or small.
        epochs: passes over the training images; the best on validation is kept (classifier).
        seed: of weights, order and noise (classifier).
        device: auto, cpu, cuda or mps.
        labels: class numbers or names of an array's images, (N,).
        out: a .safetensors file; None makes features/NAME.safetensors.
        tell: is given a line after every epoch.
        options: as in `load_data`.

    Returns:
        The features: their name, file and kind.

    Raises:
        SettingError: an option or number that is wrong.
        DataError: data that cannot be used, or no labels for a classifier.
        RunError: the file cannot be written.

    Example:
        >>> learned = vaekit.features("digits", "pca", dimensions=8, out="digits.safetensors")
        >>> learned.dimensions
        8
    """
    of_choices("kind", kind, ("auto", "classifier", "pca"))
    if out is not None:
        check_out(Path(out), (".safetensors",), data)
    images = as_data(data, labels=labels, **options)
    warn_of(images.notes)
    if kind == "auto":
        kind = "pca" if images.train.labels is None else "classifier"
    folder = Path("features") if out is None else Path(out).parent
    if kind == "pca":
        fitted = fit_pca(images, dimensions)
        learned, save = (
            Learned("", kind, folder, images.shape, fitted.dimensions),
            partial(save_pca, features=fitted),
        )
    else:
        trained = _classifier(images, dimensions, epochs, seed, device, tell)
        judged = (trained.epoch, trained.accuracy, trained.validation_accuracy)
        learned = Learned("", kind, folder, images.shape, dimensions, *judged)
        save = partial(save_classifier, trained=trained, data=images)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with temporary(folder / "features.safetensors") as place:
            save(place)
            name = load_features(place).name
            path = folder / f"{name}.safetensors" if out is None else Path(out)
            os.replace(place, path)
    return replace(learned, name=name, path=path)


def _classifier(
    data: Data, dimensions: int, epochs: int, seed: int, device: str, tell: ProgressCallback
) -> Trained:
    def report(epoch: int, accuracy: float | None) -> None:
        held_out = "" if accuracy is None else f": validation accuracy {accuracy:.4f}"
        tell(f"epoch {epoch} of {epochs}{held_out}")

    return train_classifier(
        in_standard_units(data), dimensions=dimensions, epochs=epochs, seed=seed, device=device, report=report
    )
