"""`interpolate`: from one image to another through the latents of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from vaekit import inference
from vaekit.core import SettingError, choose
from vaekit.data import Split, to_unit
from vaekit.models.capabilities import Decodes, Encodes, check_needs
from vaekit.runs.array_files import headings_of
from vaekit.runs.ask import run_of
from vaekit.runs.given import given_example
from vaekit.runs.load import Run
from vaekit.runs.outputs import IMAGE_FILES, check_holds, check_out, write_images

WAYS = ("spherical", "linear")


@dataclass(frozen=True)
class Interpolation:
    """A walk from one image to another.

    Attributes:
        names: of the two images.
        latents: the walk, (S, D), from one posterior mean to the other.
        images: means of p(x|z) along it, (S, *shape).
        ends: the two images as they were shown to the model, (2, *shape).

    Example:
        >>> walk = vaekit.interpolate(run, images[0], images[1], steps=5)
        >>> walk.latents.shape, walk.images.shape
        (torch.Size([5, 3]), torch.Size([5, 1, 8, 8]))
    """

    names: list[str]
    latents: Tensor = field(repr=False)
    images: Tensor = field(repr=False)
    ends: Tensor = field(repr=False)


def _called(given: object, split: Split, place: int) -> str:
    """The name of an end: of the only row of a table or an array, which is row 0 at both ends, that of its file."""
    name = split.names[0] if split.names else str(place)
    return Path(given).name if name == "0" and isinstance(given, str | Path) else name


def lerp(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """Latents on the straight line from a to b, (D,) each: (steps, D)."""
    t = torch.linspace(0, 1, steps)[:, None]
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """Latents on the arc from a to b, (D,) each: (steps, D) (Shoemake 1985).

    Where the ends are parallel, opposite or zero there is no arc, and the line is taken.
    """
    norms = a.norm() * b.norm()
    cosine = ((a @ b) / norms).clamp(-1, 1) if norms > 0 else torch.ones(())
    angle = torch.arccos(cosine)
    if torch.sin(angle) < 1e-4:
        return lerp(a, b, steps)
    t = torch.linspace(0, 1, steps)[:, None]
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def interpolate(
    run: Run | str | Path,
    first: object,
    last: object,
    *,
    steps: int = 10,
    way: str = "spherical",
    label: str | None = None,
    out: str | Path | None = None,
    device: str = "auto",
) -> Interpolation:
    """Walks from one image to another in equal steps between their posterior means, and decodes what lies between.

    Args:
        run: from `load_run`, or its folder; of an ae or a vae.
        first, last: a file, or one example each as in `Run.load_data`.
        steps: images on the walk, both ends (as the model reconstructs them) among them.
        way: spherical keeps the length that draws of the prior have (White 2016); linear goes straight.
        label: class under which a conditional run decodes.
        out: a file to write too: .png (the first image, the walk, the last), .npz, .npy, a table, or a folder of PNGs.
        device: where a folder's model is computed.

    Returns:
        The walk: latents and images.

    Raises:
        SettingError: a model that does not encode and decode, more images than one, a number or word out of range.
        DataError: an image cannot be used.
        RunError: `out` cannot be written.

    Example:
        >>> walk = vaekit.interpolate("runs/first", "photos/sky/000.png", "photos/sea/000.png", out="walk.png")
        >>> walk.images.shape
        torch.Size([10, 1, 8, 8])
    """
    choose(way, WAYS, "way")
    if steps < 2:
        raise SettingError(f"steps={steps}: must be at least 2.")
    if out is not None:
        check_out(Path(out), IMAGE_FILES, first, last, run=run)
    run = run_of(run, device)
    model = run.model
    check_needs(model, (Encodes, Decodes), f"interpolate in {run.path}")
    assert isinstance(model, Encodes) and isinstance(model, Decodes)
    if out is not None:
        check_holds(Path(out), model.shape, model.pixels)
    takes = "interpolate takes one image at each end"
    ends = [given_example(run, one, label, takes) for one in (first, last)]
    start, end = (inference.encode(model, split) for split in ends)
    walk = (slerp if way == "spherical" else lerp)(start.mean[0], end.mean[0], steps)
    labels = None if start.labels is None else start.labels[:1].repeat(steps)
    images = inference.decode(model, walk, labels)
    names = [
        _called(one, split, place) for place, (one, split) in enumerate(zip((first, last), ends, strict=True))
    ]
    shown = torch.cat([inference.shown_images(model, split) for split in ends])
    if out is not None:
        beside = Path(out).suffix.lower() == ".png"
        written = torch.cat([shown[:1], images, shown[1:]]) if beside else images
        columns = len(written) if beside else None
        write_images(
            to_unit(written), Path(out), model.pixels, columns=columns, headings=headings_of(run.config.data)
        )
    return Interpolation(names, walk, images, shown)
