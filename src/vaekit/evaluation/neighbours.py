"""`search`: the images nearest to one; `duplicates`: pairs that are nearly the same. Both by distance of latents."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit import inference
from vaekit.core import SettingError
from vaekit.data import Split, to_unit
from vaekit.data.kinds.image import why_no_pictures
from vaekit.data.picking import picked
from vaekit.evaluation.samples.precision_recall import squared_distances
from vaekit.models.capabilities import Encodes, Reconstructs, check_needs
from vaekit.plain_files import utf8
from vaekit.runs.ask import run_of
from vaekit.runs.given import data_of, given_example
from vaekit.runs.load import Run
from vaekit.runs.outputs import check_out, write_file, write_images
from vaekit.runtime.pulse import ProgressCallback, pulse, report

NEIGHBOURS = 5  # of each image that are compared with it as pixels


@dataclass(frozen=True)
class Neighbours:
    """The images nearest to one, the nearest first.

    Attributes:
        query: name of the image that was searched for.
        source: where the others come from.
        names: of the nearest images.
        labels: name of the class of each, or None where there are no labels.
        distances: Euclidean, between posterior means, in units of the latents (the prior has standard deviation 1), (K,).
        images: the nearest as they were shown to the model, (K, *shape).
        sheet: a PNG of the query, then the nearest row by row, where one was written.

    Example:
        >>> found = vaekit.search(run, images[0], count=5)
        >>> found.images.shape
        torch.Size([5, 1, 8, 8])
        >>> bool((found.distances.diff() >= 0).all())
        True
    """

    query: str
    source: str
    names: list[str]
    labels: list[str] | None
    distances: Tensor
    images: Tensor = field(repr=False)
    sheet: Path | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: names, labels and distances."""
        return {"query": self.query, "source": self.source, "names": self.names, "labels": self.labels} | {
            "distances": self.distances.tolist()
        }


def search(
    run: Run | str | Path,
    image: object,
    data: object = None,
    *,
    count: int = 15,
    split: str = "all",
    label: str | None = None,
    out: str | Path | None = None,
    device: str = "auto",
) -> Neighbours:
    """Finds the images whose latents are nearest to those of one image.

    Args:
        run: from `load_run`, or its folder; of an ae or a vae.
        image: a file, or one example as in `Run.load_data`.
        data: where to search, a data set or source; the run's own by default.
        count: number of images to find.
        split: train, validation, test or all of what is searched.
        label: class of images without labels, for a conditional run.
        out: a .png to write too: the image, then the nearest row by row.
        device: where a folder's model is computed.

    Returns:
        The nearest images, with names, distances and the images themselves.

    Raises:
        SettingError: a model that does not encode, a number out of range, or more images than one.
        DataError: an image or source cannot be used.
        RunError: `out` cannot be written.

    Example:
        >>> found = vaekit.search("runs/first", "photos/sky/000.png", count=5, out="near.png")
        >>> len(found.names), found.sheet.name
        (5, 'near.png')
    """
    if count < 1:
        raise SettingError(f"count={count}: must be at least 1.")
    if out is not None:
        check_out(Path(out), (".png",), image, data, run=run)
    run = run_of(run, device)
    check_needs(run.model, (Encodes,), f"search of {run.path}")
    assert isinstance(run.model, Encodes)
    asked = given_example(run, image, label, "search takes one image")
    found = data_of(run, data, label)
    among = picked(found, split)
    point = inference.encode(run.model, asked).mean
    others = inference.encode(run.model, among).mean
    distances = (others - point).double().norm(dim=1)
    order = torch.argsort(distances, stable=True)[:count]
    nearest = among.take(order)
    pictures = to_unit(nearest.images)
    if out is not None and not why_no_pictures(run.model.shape, run.model.pixels):
        write_images(torch.cat([to_unit(asked.images), pictures]), Path(out), run.model.pixels)
    names = found.class_names
    labels = (
        None if nearest.labels is None else [names[i] if names else str(i) for i in nearest.labels.tolist()]
    )
    return Neighbours(
        named(asked)[0], found.source, named(among, order), labels, distances[order], pictures,
        Path(out) if out is not None and Path(out).exists() else None,
    )  # fmt: skip


@dataclass(frozen=True)
class Duplicates:
    """Pairs of images that are nearly the same, the most alike first.

    Attributes:
        source: where they come from.
        first, second: names of the images of each pair.
        differences: mean squared difference of their values, (P,); 0 of exact copies.
        limits: what it had to stay below: `share` of the mean squared error of their reconstructions, (P,).
        distances: between their posterior means, in units of the latents, (P,).
        splits: where each of the two lies, "train and test": a pair across splits makes figures of the test too good.
        compared: number of images.
        share: as it was given.

    Example:
        >>> found = vaekit.duplicates(run, share=0.0, progress="none")  # exact copies alone
        >>> found.compared, len(found)
        (1797, 0)
    """

    source: str
    first: list[str]
    second: list[str]
    differences: Tensor
    limits: Tensor
    distances: Tensor
    splits: list[str]
    compared: int
    share: float

    def __len__(self) -> int:
        return len(self.first)

    def table(self) -> str:
        """CSV with a line for each pair."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["first", "second", "squared_difference", "limit", "latent_distance", "splits"])
        numbers = zip(self.differences.tolist(), self.limits.tolist(), self.distances.tolist(), strict=True)
        for a, b, values, splits in zip(self.first, self.second, numbers, self.splits, strict=True):
            writer.writerow([a, b, *(f"{value:.6g}" for value in values), splits])
        return text.getvalue()


def duplicates(
    run: Run | str | Path,
    data: object = None,
    *,
    share: float = 0.25,
    split: str = "all",
    label: str | None = None,
    out: str | Path | None = None,
    progress: str = "auto",
    tell: ProgressCallback | None = None,
    device: str = "auto",
) -> Duplicates:
    """Finds pairs of images that are nearly the same: copies that were saved anew, brightened, scaled.

    Of each image the 5 nearest by latents are compared with it value by value. A pair is nearly the same where the mean
    squared difference is below `share` of the mean squared error that the model makes of the two: what the model itself
    would hardly tell apart.

    Args:
        run: from `load_run`, or its folder; of an ae or a vae.
        data: a data set or source; the run's own by default.
        share: of the error of reconstruction; 0 finds exact copies alone.
        split: train, validation, test or all.
        label: class of images without labels, for a conditional run.
        out: a .csv to write too, one line for each pair.
        progress: "auto" shows how far it is and the time left, on standard error; "none" nothing.
        tell: called with the progress instead.
        device: where a folder's model is computed.

    Returns:
        The pairs, the most alike first.

    Raises:
        SettingError: a model that does not encode and reconstruct, or a number out of range.
        DataError: a source cannot be used.
        RunError: `out` cannot be written.

    Example:
        >>> pairs = vaekit.duplicates("runs/first", split="test", out="pairs.csv", progress="none")
        >>> pairs.compared
        313
    """
    if not share >= 0:
        raise SettingError(f"share={share}: must be 0 or more.")
    if out is not None:
        check_out(Path(out), (".csv",), data, run=run)
    run = run_of(run, device)
    check_needs(run.model, (Encodes, Reconstructs), f"duplicates of {run.path}")
    assert isinstance(run.model, Encodes) and isinstance(run.model, Reconstructs)
    found = data_of(run, data, label)
    among = picked(found, split)
    with pulse(progress, tell) as told:
        means = inference.encode(run.model, among).mean
        shown = inference.shown_images(run.model, among)
        errors = inference.squared_errors(shown, inference.reconstruct(run.model, among), run.model)
        pairs, distances = near_pairs(means, told)
    differences = inference.squared_errors(shown[pairs[:, 0]], shown[pairs[:, 1]], run.model)
    limits = share * errors[pairs].mean(1)
    kept = torch.nonzero((differences < limits) | (differences == 0))[:, 0]
    kept = kept[torch.argsort(differences[kept], stable=True)]
    pairs, where = pairs[kept], splits_of(found, among)
    result = Duplicates(
        found.source, named(among, pairs[:, 0]), named(among, pairs[:, 1]), differences[kept], limits[kept],
        distances[kept], [" and ".join(sorted({where[a], where[b]})) for a, b in pairs.tolist()], len(among), share,
    )  # fmt: skip
    if out is not None:
        write_file(Path(out), utf8(result.table()))
    return result


def near_pairs(points: Tensor, tell: ProgressCallback | None = None) -> tuple[Tensor, Tensor]:
    """Pairs of points one of which is among the NEIGHBOURS nearest to the other.

    Returns:
        Numbers of the two, the smaller first, each pair once, (P, 2), and their distance, (P,).
    """
    found = []
    points = points.double()
    for rows, block, _ in squared_distances(points, points):
        block.diagonal(rows.start).fill_(torch.inf)
        near = block.topk(min(NEIGHBOURS, len(points) - 1), largest=False).indices
        own = torch.arange(rows.start, rows.stop)[:, None].expand_as(near)
        found.append(torch.stack([own, near], -1).flatten(0, 1))
        report(tell, "pairs", rows.stop, len(points))
    pairs = torch.cat(found).sort(1).values.unique(dim=0)
    return pairs, (points[pairs[:, 0]] - points[pairs[:, 1]]).norm(dim=1)


def named(split: Split, order: Tensor | None = None) -> list[str]:
    """Names of images, their numbers where they have none."""
    numbers = list(range(len(split))) if order is None else order.tolist()
    return [split.names[i] if split.names else str(i) for i in numbers]


def splits_of(data: Any, among: Split) -> list[str]:
    """The split that each of some images of a data set lies in."""
    if among.names is None:
        return [name for name, split in data.splits.items() for _ in range(len(split))][: len(among)]
    where = {name: own for own, split in data.splits.items() for name in split.names or []}
    return [where.get(name, "") for name in among.names]
