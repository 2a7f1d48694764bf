"""Features: what images are turned into before their distributions are compared.

A Fréchet distance is a figure of its features as much as of the images, so every set of features has
a name of its own, and every figure carries that name: `fd_mnist_v1`, never plain FID.

    mnist_v1                    shipped classifier of MNIST digits, 28x28 grey only
    NAME_HASH8                  classifier that `vaekit features` trained; hash of its file
    pca64_NAME_HASH8            principal components of the training images; fingerprint of the data
    onnx_HASH8                  the user's own network, an ONNX file; hash of the file
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit.core import RunError, SettingError, near_miss
from vaekit.data import Data
from vaekit.evaluation.samples.features.base import Features, content_of, label
from vaekit.evaluation.samples.features.classifier import Classifier, Trained, as_stored
from vaekit.evaluation.samples.features.classifier_features import ClassifierFeatures
from vaekit.evaluation.samples.features.onnx import ONNXFeatures
from vaekit.evaluation.samples.features.pca import PCAFeatures, fit_pca
from vaekit.runs.files import read_tensors, write_tensors, writing

FORMAT = 1

WEIGHTS = Path(__file__).parent / "weights"

SHIPPED = {  # name -> SHA-256 of its file, checked at every load
    "mnist_v1": "3871fadf3c06b68875834e7bb17da7f42b4eb067ee52d9dbb280e9aeada56c71",
}


def features_for(data: Data, wanted: str | Path | None = None) -> Features:
    """The features to measure images of this data set in.

    Args:
        data: the real images.
        wanted: a name in SHIPPED or the path of a file; None takes `mnist_v1` for MNIST, and for
            anything else principal components of its training images.

    Raises:
        SettingError: no such name or file.
        RunError: the file is damaged.
        DataError: the features are not defined for such images.
    """
    if wanted is None and not is_mnist(data):
        return fit_pca(data)
    features = load_features(wanted or "mnist_v1", data.shape)
    features.check(data.shape)
    return features


def load_features(wanted: str | Path, shape: tuple[int, ...] | None = None) -> Features:
    """Features by name or from a file.

    Args:
        wanted: a name in SHIPPED, or a .safetensors of `vaekit features`, or an .onnx file.
        shape: of one image; only an .onnx file asks for it.

    Raises:
        SettingError: no such name or file.
        RunError: the file is damaged, or not of `vaekit features`.
    """
    if str(wanted) in SHIPPED:
        path = WEIGHTS / f"{wanted}.safetensors"
        if hashlib.sha256(content_of(path)).hexdigest() != SHIPPED[str(wanted)]:
            raise RunError(f"{path} is not the file that was shipped (other SHA-256); install vaekit anew.")
        return _read(path, str(wanted))
    path = Path(wanted)
    if not path.is_file():
        raise SettingError(
            f"features {str(wanted)!r}: no such name or file.{near_miss(str(wanted), SHIPPED)} "
            f"Names: {', '.join(SHIPPED)}; files: .safetensors of vaekit features, or .onnx."
        )
    if path.suffix.lower() == ".onnx":
        if shape is None:
            raise SettingError(f"features {path}: an .onnx file needs the shape of an image; pass shape=.")
        return ONNXFeatures(path, shape)
    return _read(path, None)


def save_classifier(path: Path, trained: Trained, data: Data) -> None:
    """Writes a classifier; its weights take two bytes each.

    Raises:
        RunError: it cannot be written.
    """
    classifier = trained.classifier
    about = {
        "format": FORMAT,
        "kind": "classifier",
        "name": label(data),
        "shape": list(data.shape),
        "dimensions": classifier.embed.out_features,
        "class_names": data.class_names,
        "accuracy": trained.accuracy,
        "validation_accuracy": trained.validation_accuracy,
        "epoch": trained.epoch,
        "images": {name: len(split) for name, split in data.splits.items()},
        "fingerprint": data.fingerprint,
    }
    _write(path, {name: as_stored(tensor) for name, tensor in classifier.state_dict().items()}, about)


def save_pca(path: Path, features: PCAFeatures) -> None:
    """Writes principal components, in single precision.

    Raises:
        RunError: it cannot be written.
    """
    about = {"format": FORMAT, "kind": "pca", "name": features.name, "shape": list(features.shape)}
    _write(path, {"mean": features.mean, "components": features.components}, about)


def is_mnist(data: Data) -> bool:
    """Returns whether the shipped classifier was made for these images."""
    return data.source == "mnist" and data.shape == (1, 28, 28)


def _write(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, tensors, {"features": about})


def _read(path: Path, name: str | None) -> Features:
    """Features from a file of ours; a classifier without a name is named by the file's hash."""
    tensors, header = read_tensors(path)
    about = header.get("features")
    if not isinstance(about, dict) or not isinstance(about.get("format"), int):
        raise RunError(f"{path} is not a file of vaekit features.")
    if about["format"] > FORMAT:
        raise RunError(f"{path} is of a newer vaekit (format {about['format']}); update vaekit.")
    try:
        if about["kind"] == "pca":
            return PCAFeatures(about["name"], tuple(about["shape"]), tensors["mean"], tensors["components"])
        classifier = Classifier(tuple(about["shape"]), len(about["class_names"]), about["dimensions"])
        classifier.load_state_dict({key: tensor.to(_kind(tensor)) for key, tensor in tensors.items()})
    except (KeyError, TypeError, RuntimeError) as error:
        raise RunError(f"{path} is damaged: {' '.join(str(error).split())[:160]}.") from None
    digest = hashlib.sha256(content_of(path)).hexdigest()[:8]
    return ClassifierFeatures(name or f"{about['name']}_{digest}", classifier, about)


def _kind(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.is_floating_point() else tensor.dtype
