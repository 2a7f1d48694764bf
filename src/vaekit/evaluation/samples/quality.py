"""Measures generated images as a set: distances of distributions, fidelity, variety, sharpness, copying.

Every figure is measured a second time with training images in the place of the generated ones. That
is its `floor`: what a perfect model reaches with as many images, since a finite number of images is
never at distance 0 from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vaekit.core import DataError
from vaekit.data.dataset import to_unit
from vaekit.data.picking import some
from vaekit.evaluation.samples.estimate import Estimate, mean_of, ratio_of_means, share_of
from vaekit.evaluation.samples.features.store import Features
from vaekit.evaluation.samples.frechet import frechet_estimate
from vaekit.evaluation.samples.kernel import kernel_distance
from vaekit.evaluation.samples.memorisation import as_bytes, memorisation
from vaekit.evaluation.samples.precision_recall import Manifolds, compare_manifolds

FEWEST = 50  # images of each kind

MOST_TRAINING, MOST_TEST = 60_000, 10_000  # images among which neighbours in pixels are sought

# Beyond these, by three standard errors, a note is made. MNIST's own unseen validation images have 0.10 and
# 0.017, because they share their writers with the training images and not with the test images.
SUSPICIOUS = {"memorised": 0.2, "near_copies": 0.05}


@dataclass(frozen=True)
class SampleQuality:
    """All figures of one set of generated images.

    Attributes:
        features: name of the features; part of the names of the figures that depend on them.
        counts: images that were compared: "compared" (of each kind), "training" and "test" (among
            which neighbours were sought for memorisation).
        figures: `fd_mnist_v1`, ..., `sharpness`, `memorised`, ...: generated against test images.
        floor: the same with training images instead of generated ones, where that makes sense.
        notes: what a reader should know, a line each.
    """

    features: str
    counts: Mapping[str, int]
    figures: Mapping[str, Estimate]
    floor: Mapping[str, Estimate]
    notes: list[str] = field(default_factory=list)

    def flat(self) -> dict[str, float]:
        """name, name_se, name_floor, name_floor_se -> value, for summary.json; of shares name_low and name_high too."""
        values: dict[str, float] = {}
        for suffix, figures in (("", self.figures), ("_floor", self.floor)):
            for name, estimate in figures.items():
                values |= {name + suffix: estimate.value, f"{name}{suffix}_se": estimate.error}
                if estimate.interval is not None:
                    values |= dict(
                        zip((f"{name}{suffix}_low", f"{name}{suffix}_high"), estimate.interval, strict=True)
                    )
        return values


def sample_quality(
    images_generated: Tensor,
    images_test: Tensor,
    images_train: Tensor,
    extractor: Features,
    *,
    seed: int = 0,
) -> SampleQuality:
    """Measures generated images against test images, and training images in the same way, as the floor.

    As many images of each kind are compared: a Fréchet distance and the neighbourhoods depend on
    their number. Where the test images are 8-bit, so are the generated ones made, as a file would.

    Args:
        images_generated: (M, *shape), in [0, 1] or uint8.
        images_test: (N, *shape), as stored.
        images_train: (T, *shape), as stored: those that the model was trained on.
        extractor: of the features.
        seed: of the choice of images and of subsets.

    Raises:
        DataError: too few images, or of another shape than the features are defined for.
    """
    sizes = {"generated": len(images_generated), "test": len(images_test), "training": len(images_train)}
    count = min(sizes.values())
    if reason := why_too_few(extractor, **sizes):
        raise DataError(f"{reason}.")
    images_generated = images_generated.cpu()
    generated = as_bytes(images_generated) if images_test.dtype == torch.uint8 else images_generated
    chosen = [
        images[some(len(images), count, seed, "quality", name)]
        for name, images in (("generated", generated), ("test", images_test), ("train", images_train))
    ]
    features = [extractor(images).double() for images in chosen]
    figures = compare_features(features[0], features[1], extractor.name, seed)
    floor = compare_features(features[2], features[1], extractor.name, seed)
    if images_test.ndim == 4 and min(images_test.shape[2:]) >= 3:
        energies = [laplacian_energy(images) for images in chosen]
        if energies[1].sum() > 0:
            figures["sharpness"] = ratio_of_means(energies[0], energies[1])
            floor["sharpness"] = ratio_of_means(energies[2], energies[1])
    test = images_test[some(len(images_test), MOST_TEST, seed, "quality", "all test")]
    training = images_train[some(len(images_train), MOST_TRAINING, seed, "quality", "all training")]
    figures |= memorisation(chosen[0], test, training)
    counts = {"compared": count, "test": len(test), "training": len(training)}
    return SampleQuality(
        extractor.name, counts, figures, floor, _notes(count, len(images_generated), figures)
    )


def compare_features(generated: Tensor, real: Tensor, name: str, seed: int = 0) -> dict[str, Estimate]:
    """Every figure that is made of features.

    Args:
        generated, real: (N, D) float64.
        name: of the features.
    """
    manifolds: Manifolds = compare_manifolds(generated, real)
    return {
        f"fd_{name}": frechet_estimate(generated, real, seed),
        f"kd_{name}": kernel_distance(generated, real, seed),
        f"precision_{name}": share_of(manifolds.inside),
        f"recall_{name}": share_of(manifolds.reached),
        f"density_{name}": mean_of(manifolds.density),
        f"coverage_{name}": share_of(manifolds.covered),
    }


def laplacian_energy(images: Tensor) -> Tensor:
    """Mean square of each image's discrete Laplacian, (N,) float64: how much fine detail there is.

    Args:
        images: (N, C, H, W) of at least 3x3 pixels.
    """
    energies = []
    for part in images.split(1000):
        x = to_unit(part).double()
        around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
        energies.append((4 * x[..., 1:-1, 1:-1] - around).square().flatten(1).mean(1))
    return torch.cat(energies)


def why_too_few(features: Features, **counts: int) -> str | None:
    """Says why sets of images cannot be compared in these features, and the remedy; None if they can.

    Args:
        counts: number of images of each kind, under its name.
    """
    least = max(FEWEST, features.dimensions + 2)
    if min(counts.values()) >= least:
        return None
    listed = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    return (
        f"sample quality needs at least {least} images of each kind with the {features.dimensions} features "
        f"{features.name}, not {listed}; give a larger data set"
    )


def _notes(count: int, given: int, figures: Mapping[str, Estimate]) -> list[str]:
    notes = [f"{count:,} images of each kind were compared; Fréchet distances depend on that number."]
    if given > count:
        notes.append(f"{given - count:,} generated images were left out: there are no more real ones.")
    for name, limit in SUSPICIOUS.items():
        estimate = figures[name]
        if estimate.value - 3 * estimate.error > limit:
            notes.append(
                f"{name} = {estimate.value:.2f} is above {limit}: the model may repeat training images; "
                f"look at samples beside their nearest training images."
            )
    return notes
