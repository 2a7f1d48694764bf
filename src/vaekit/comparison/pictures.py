"""Pictures of all methods side by side: the same images in, whatever comes out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaekit.core import SettingError
from vaekit.data import Data, Split, to_unit
from vaekit.data.kinds.image import why_no_pictures
from vaekit.data.picking import mixed
from vaekit.evaluation.samples.generated import generate
from vaekit.images.sheet import contact_sheet
from vaekit.inference import decode, encode, reconstruct, shown_images
from vaekit.models import Model
from vaekit.models.capabilities import Decodes, Encodes, Reconstructs
from vaekit.plots.paths import choose_pairs
from vaekit.runs.interpolate import lerp

SAMPLES, COLUMNS = 32, 8
REBUILT, STEPS, PAIRS = 10, 8, 2
SIDE = 44  # dots, about, of a tile


@dataclass(frozen=True)
class Picture:
    """A picture, and what is said under it; without content, why there is none."""

    content: bytes | None
    caption: str


def samples(model: Model, data: Data) -> Picture:
    """Samples; where the model cannot, N(0, I) decoded, if there is a decoder of vectors."""
    try:
        images, _ = generate(model, data.train, SAMPLES, seed=0)
        return Picture(sheet(images, COLUMNS), "samples")
    except SettingError as error:
        if not isinstance(model, Decodes):
            return Picture(None, str(error))
    normal = torch.randn(SAMPLES, model.latent_dim, generator=torch.Generator().manual_seed(0))
    y = None if data.train.labels is None else mixed(data.train, SAMPLES).labels
    return Picture(sheet(decode(model, normal, y), COLUMNS), "decoded N(0, I): it has no prior of its own")


def originals(data: Data) -> Picture:
    """Some test images, of all classes."""
    return Picture(sheet(to_unit(mixed(data.test, REBUILT).images), REBUILT), "test images")


def reconstructions(model: Model, data: Data) -> Picture:
    """The same images after the way through the latents."""
    if not isinstance(model, Reconstructs):
        return Picture(None, "no encoder")
    return Picture(sheet(reconstruct(model, mixed(data.test, REBUILT)), REBUILT), "reconstructed")


def interpolations(model: Model, data: Data) -> Picture:
    """From one test image to another, through the decoded latents on the straight line between theirs."""
    if not isinstance(model, Reconstructs):
        return Picture(None, "no encoder")
    if not (isinstance(model, Encodes) and isinstance(model, Decodes)):
        return Picture(None, "its codes are discrete: there is nothing halfway between two of them")
    rows = []
    for first, last in choose_pairs(data.test.labels, len(data.test), PAIRS):
        ends = data.test.take(torch.tensor([first, last]))
        (a, b), images = encode(model, ends).mean, shown_images(model, ends)
        middle = decode(model, lerp(a, b, STEPS), _repeated(ends))
        rows += [images[:1], middle, images[1:]]
    return (
        Picture(sheet(torch.cat(rows), STEPS + 2), "outermost the images themselves")
        if rows
        else Picture(None, "needs two test images")
    )


def drawable(data: Data) -> bool:
    """Returns whether images can be shown at all."""
    return not why_no_pictures(data.shape, data.pixels)


def sheet(images: Tensor, columns: int) -> bytes:
    """PNG of tiles of about SIDE dots, each pixel enlarged to whole dots."""
    scale = max(1, round(SIDE / max(images.shape[-2:])))
    return contact_sheet(images, columns, scale, gap=2, optimize=True)


def _repeated(ends: Split) -> Tensor | None:
    """The class of the first end for every step, where there are labels."""
    return None if ends.labels is None else ends.labels[:1].repeat(STEPS)
