"""Features of a classifier: its last hidden layer."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vaekit.evaluation.samples.features.base import Features
from vaekit.evaluation.samples.features.classifier import Classifier


class ClassifierFeatures(Features):
    """The last hidden layer of a classifier.

    Args:
        name: of the features.
        classifier: trained.
        about: what its file says of it.
    """

    def __init__(self, name: str, classifier: Classifier, about: dict[str, Any]) -> None:
        self.name, self.classifier, self.about = name, classifier.eval(), about
        self.shape, self.dimensions = tuple(about["shape"]), about["dimensions"]

    @property
    def class_names(self) -> list[str]:
        return self.about["class_names"]

    @property
    def accuracy(self) -> float:
        """Share of held-out test images that it reads as labelled."""
        return self.about["accuracy"]

    def compute(self, x: Tensor) -> Tensor:
        return self.classifier.features(x)

    def classify(self, images: Tensor) -> Tensor:
        """Log-probability of each class, (N, K), for images (N, *shape), uint8 or in [0, 1].

        Raises:
            DataError: images of another shape.
        """
        return self.by_chunks(self.classifier, images).log_softmax(1)
