"""The request of an evaluation: model, images and conditions; what cannot be measured is refused here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit.core import DataError, SettingError, warn_of
from vaekit.data import Data, Factor, Split
from vaekit.data.for_models import load_for
from vaekit.data.view import has_grey
from vaekit.distributions.likelihoods import check_support
from vaekit.evaluation.factors.disentanglement import factors_wanted
from vaekit.evaluation.samples.features.store import Features, features_for
from vaekit.evaluation.samples.quality import why_too_few
from vaekit.inference import device_of
from vaekit.metrics import KINDS, Under
from vaekit.models import Model
from vaekit.models.doors import a_kind, as_labels, stored_examples
from vaekit.models.which_prior import priors_of
from vaekit.runs.ask import check_images_come, data_of
from vaekit.runs.load import Run
from vaekit.runtime.device import choose_precision


@dataclass(frozen=True)
class Asked:
    """The measures to take, and the data to take them on.

    Attributes:
        model: the model.
        data: the data set, or one split of images.
        test: the images that are measured.
        train: the images that the model was trained on; None where these are not known or others.
        factors: what the factors of the images are, where disentanglement is to be measured.
        features: in which samples are compared, if at all.
    """

    model: Model
    data: Data | Split
    test: Split
    train: Split | None
    factors: tuple[Factor, ...] | None
    features: Features | None = None


def asked_of(
    model: Model | Run,
    data: object,
    label: str | None,
    features: Features | str | Path | None,
    disentanglement: str,
) -> Asked:
    """Raises SettingError for what `evaluate` cannot measure."""
    run = model if isinstance(model, Run) else None
    if run is not None and not isinstance(data, Split):
        check_images_come(run)
        data = data_of(run, data, label)
    model = model.model if isinstance(model, Run) else model
    if not isinstance(model, Model):
        raise SettingError(
            f"model is {a_kind(model)}; give a model of vaekit, a run, or its folder.", "model"
        )
    if data is None:
        raise SettingError("evaluate(model) needs images too: evaluate(model, data.test).")
    if not isinstance(data, Data | Split):
        data = given_images(model, data)
    if features is not None and isinstance(data, Split):
        raise SettingError(
            "the quality of samples needs training images too: pass the data set, not a split."
        )
    where = data.source if isinstance(data, Data) else "the split"
    wanted = factors_wanted(model, data, disentanglement, where)
    check_pixels(model, data)
    if isinstance(data, Split):
        return Asked(model, data, data, None, None)
    features = features_of(model, data, features)
    train = data.train if run is None or data.fingerprint == run.config.data.fingerprint else None
    return Asked(model, data, data.test, train, data.factors if wanted else None, features)


def given_images(model: Model, data: Any) -> Data | Split:
    """A named set or a path loaded, or all images of what is in memory, (images, labels) or images alone, as one split.

    Raises:
        DataError: images that the model does not take.
    """
    if isinstance(data, str | Path):
        return load_for(model.pixels, data)
    labels = None
    if isinstance(data, tuple) and len(data) == 2:
        data, labels = data
    images = stored_examples(data, model.shape, model.pixels)
    return Split(images, None if labels is None else as_labels(labels, len(images)))


def features_of(model: Model, data: Data, wanted: Features | str | Path | None) -> Features | None:
    """The features to compare samples in; None, with a warning, where "auto" has too few images for it.

    Raises:
        DataError: too few images for features that were asked for.
    """
    if wanted is None or not model.can_sample():
        return None
    if isinstance(wanted, str | Path) and not len(data.train):
        reason = f"{len(data.test)} images are too few to split, and there are none to compare with"
        if wanted != "auto":
            raise DataError(f"{data.source}: {reason}; leave features= away.")
        warn_of([f"{data.source}: the quality of samples is left out: {reason}."])
        return None
    found = (
        features_for(data, None if wanted == "auto" else wanted) if isinstance(wanted, str | Path) else wanted
    )
    reason = why_too_few(found, test=len(data.test), training=len(data.train))
    if reason is None:
        return found
    if wanted != "auto":
        raise DataError(f"{data.source}: {reason}.")
    warn_of([f"{data.source}: the quality of samples is left out: {reason}."])
    return None


def check_pixels(model: Model, data: Data | Split) -> None:
    """Raises SettingError when the model's likelihood is not defined on the data's pixels."""
    if isinstance(data, Data) and model.likelihood_name is not None:
        check_support(model.likelihood_name, data.pixels)


def describe(asked: Asked, under: Under, seed: int, precision: str) -> dict[str, Any]:
    """Model, data and conditions, for the record."""
    model, test, data = asked.model, asked.test, asked.data
    device = device_of(model)
    about: dict[str, Any] = {
        "model": type(model).__name__,
        "images": len(test),
        "seed": seed,
        "device": str(device),
        "precision": choose_precision(precision, device),
    }
    if isinstance(data, Data):
        about |= {"data": data.source, "split": "test"}
    about |= priors_of(model)
    if model.classes:
        about["classes"] = model.classes
    if model.pixels == "binary" and has_grey(test.images):
        about["binarisation"] = "one fixed draw of each image"
    if under.likelihood:
        about |= {
            "likelihood": under.likelihood,
            "likelihood_kind": under.kind,
            "likelihood_means": KINDS[under.kind].meaning,
        }
    return about
