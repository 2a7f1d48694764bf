"""A model as the page sees it: what it can do, its latents and pictures.

Everything that depends on the kind of model is here. Page and server ask for capabilities, never for a
method's name; a model has them by the protocols of `vaekit.models.capabilities` that it implements.

Latents travel as float32 numbers whatever they are: a vector (D,), all layers one after another, or the
numbers of the codes of a grid, row by row (h * w,).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vaekit import inference
from vaekit.core import SettingError
from vaekit.data import Split
from vaekit.data.kinds.image import why_no_pictures
from vaekit.distributions import kl_by_dimension
from vaekit.inference import Embedding, asking
from vaekit.models.base import Model
from vaekit.models.capabilities import Decodes, Encodes, Generates, HasPrior, Quantizes, TakesPrior
from vaekit.models.which_prior import is_standard
from vaekit.runs.load import Run
from vaekit.runtime.random import seed_noise


@dataclass(frozen=True)
class Capabilities:
    """The capabilities of a model, as the page needs them.

    Attributes:
        length: how many latents an image has.
        latent: D, where they are a vector, else 0.
        grid: (h, w), where they are a grid of codes.
        codes: K, number of codes that each of its cells chooses among.
        encodes: images can be encoded.
        scores: images have a score, in nats.
        prior: how latents are drawn: "normal" is N(0, I), "own" draws of the model's own other prior, "fitted" draws
            of the one that was fitted to its latents, "" not at all.
        classes: number of classes that the networks are conditioned on; 0 where no class is asked for.
        drawn: number of classes that draws of the fitted prior can be asked for; 0 where it knows none.
        uploads: pictures of the user's own can be brought to the run's form.
    """

    length: int
    prior: str
    latent: int = 0
    grid: tuple[int, int] | None = None
    codes: int = 0
    encodes: bool = False
    scores: bool = False
    classes: int = 0
    drawn: int = 0
    uploads: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Subject(ABC):
    """The model of a run as the page sees it. Without gradients, in eval mode, on the model's device."""

    can: Capabilities

    def __init__(self, run: Run) -> None:
        self.run, self.model = run, run.model
        channels, height, width = run.model.shape
        self.shape = (int(channels), int(height), int(width))
        self.pixels = run.model.pixels
        self.uploads = not why_no_pictures(self.shape, self.pixels) and channels != 2
        self.range = (0.0, 1.0)
        if self.pixels == "real":
            self.range = (float(run.previews.images.min()), float(run.previews.images.max()))

    @abstractmethod
    def pictures(self, latents: Tensor, y: Tensor | None = None) -> Tensor:
        """Pictures (N, C, H, W) as floats of latents (N, length): a graph, for exporters too."""

    def moments(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of the latents of images as they are shown, (N, length) each: a graph."""
        raise NotImplementedError

    def nats(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Score of images as they are shown, (N,): a graph."""
        raise NotImplementedError

    def embed(self, split: Split) -> Embedding:
        """Posteriors of images as stored."""
        raise NotImplementedError

    def shown(self, split: Split) -> Tensor:
        """Images as the model takes them, (N, C, H, W) float32, on the CPU."""
        return inference.shown_images(self.model, split).float()

    def encode(self, stored: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of the latents of images as stored, on the CPU."""
        found = self.embed(Split(stored, y))
        return found.mean, found.stddev

    def decode(self, latents: Tensor, y: Tensor | None = None) -> Tensor:
        """Pictures (N, C, H, W) uint8 of latents (N, length), on the CPU."""
        with asking(self.model) as device:
            return self.to_bytes(self.pictures(latents.to(device), y).float().cpu())

    def score(self, stored: Tensor, y: Tensor | None = None) -> Tensor:
        """`nats` of images as stored, on the CPU."""
        with asking(self.model):
            parts = [self.nats(*part).float().cpu() for part in inference.shown(self.model, Split(stored, y))]
        return torch.cat(parts)

    def draw(self, seed: int, y: Tensor | None = None) -> Tensor:
        """Latents from the prior, (1, length), under a seed; y: (1,), the class for a fitted one, None for any."""
        with asking(self.model) as device:
            if self.can.prior == "own" and isinstance(self.model, HasPrior):
                seed_noise(device, seed)
                return self.model.prior().sample(torch.Size([1])).float().cpu()
            assert isinstance(self.model, TakesPrior)
            generator = torch.Generator().manual_seed(seed)
            return self.model.latents_of_prior(1, y, 1.0, generator).reshape(1, -1).float().cpu()

    def valid(self, latents: Tensor) -> bool:
        """Returns whether numbers can be latents."""
        return True

    def to_bytes(self, pictures: Tensor) -> Tensor:
        """Values as levels 0 to 255; real ones between the least and the largest of the previews."""
        low, high = self.range
        return ((pictures - low) / max(high - low, 1e-12) * 255).round().clamp(0, 255).to(torch.uint8)


class OfLatents(Subject):
    """A decoder of latent vectors, in however many layers, and mostly an encoder."""

    def __init__(self, run: Run, model: Decodes) -> None:
        super().__init__(run)
        self.decoder = model
        self.can = Capabilities(
            length=run.model.latent_dim,
            latent=run.model.latent_dim,
            encodes=isinstance(model, Encodes),
            scores=isinstance(model, Encodes),
            prior=prior_of(run.model),
            classes=run.model.classes,
            uploads=self.uploads,
        )

    @property
    def encoder(self) -> Encodes:
        assert isinstance(self.model, Encodes)
        return self.model

    def pictures(self, latents: Tensor, y: Tensor | None = None) -> Tensor:
        return self.decoder.picture(self.decoder.decode(latents, y))

    def moments(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return inference.flat_moments(self.encoder.infer(x, y))

    def nats(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Distortion at the posterior means, plus the KL of all layers where there is one.

        Deterministic, and close to the negative ELBO, whose distortion is a mean over draws of z.
        """
        latents = self.encoder.infer(x, y)
        distortion = -self.decoder.decode(inference.flat_moments(latents)[0], y).log_prob(x)
        if any(latent.prior is None for latent in latents):
            return distortion
        return distortion + torch.cat([kl_by_dimension(latent) for latent in latents], dim=1).sum(1)

    def embed(self, split: Split) -> Embedding:
        return inference.encode(self.encoder, split)


class OfGenerator(Subject):
    """Pictures from latent vectors, without an encoder."""

    def __init__(self, run: Run, model: Generates) -> None:
        super().__init__(run)
        self.generator = model
        length, classes = run.model.latent_dim, run.model.classes
        self.can = Capabilities(length=length, latent=length, prior="normal", classes=classes)

    def pictures(self, latents: Tensor, y: Tensor | None = None) -> Tensor:
        return self.generator.generate(latents, y)


class OfGrid(Subject):
    """Pictures from a grid of codes."""

    def __init__(self, run: Run, model: Quantizes) -> None:
        super().__init__(run)
        self.quantized = model
        height, width = (int(side) for side in model.grid)
        prior = prior_of(run.model)
        self.can = Capabilities(
            length=height * width,
            grid=(height, width),
            codes=model.quantizer.size,
            encodes=True,
            prior=prior,
            drawn=run.model.sampled_classes if prior else 0,
            uploads=self.uploads,
        )

    def pictures(self, latents: Tensor, y: Tensor | None = None) -> Tensor:
        assert self.can.grid is not None
        return self.quantized.decode_codes(latents.long().unflatten(1, self.can.grid))

    def moments(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        found = self.quantized.encode_codes(x).flatten(1).float()
        return found, torch.zeros_like(found)

    def embed(self, split: Split) -> Embedding:
        found = inference.encode_codes(self.quantized, split).flatten(1).float()
        return Embedding(found, torch.zeros_like(found), labels=split.labels)

    def valid(self, latents: Tensor) -> bool:
        return bool(((latents >= 0) & (latents < self.can.codes) & (latents == latents.round())).all())


def subject_of(run: Run) -> Subject:
    """The model of a run, by what it can do.

    Raises:
        SettingError: it is not one of pictures, or nothing can be decoded.
    """
    if len(run.model.shape) != 3:
        raise SettingError(
            f"{run.path} was trained on rows of {run.model.shape[0]} features; there are no pictures to explore."
        )
    if isinstance(run.model, Decodes):
        return OfLatents(run, run.model)
    if isinstance(run.model, Quantizes):
        return OfGrid(run, run.model)
    if isinstance(run.model, Generates):
        return OfGenerator(run, run.model)
    raise SettingError(f"{run.path}: a {run.settings.method} has no latents that pictures are decoded from.")


def prior_of(model: Model) -> str:
    """Returns how latents are drawn, as in `Capabilities.prior`."""
    if isinstance(model, HasPrior):
        with torch.no_grad():
            return "normal" if is_standard(model.prior()) else "own"
    return "fitted" if isinstance(model, TakesPrior) and model.can_sample() else ""


class Call(nn.Module):
    """A method of a subject as a module, for exporters: its parameters are the model's."""

    def __init__(self, subject: Subject, method: str) -> None:
        super().__init__()
        self.model, self.method = subject.model, getattr(subject, method)

    def forward(self, given: Tensor, y: Tensor | None = None) -> Any:
        return self.method(given, y)


@contextmanager
def exportable(subject: Subject) -> Iterator[None]:
    """A model as other programs can hold it, within the block: no validation of labels, no float64."""
    units = subject.model.units
    with labels_unchecked(subject), nullcontext() if units is None else units.narrow():
        yield


@contextmanager
def labels_unchecked(subject: Subject) -> Iterator[None]:
    """Skips the validation of labels within the block, which torch.export cannot trace."""
    count = subject.can.classes
    if not count:
        yield
        return

    rows = subject.model.condition(torch.arange(count), count)  # one for each class
    assert rows is not None

    def condition(y: Tensor, images: int) -> Tensor:
        return (y[:, None] == torch.arange(count, device=y.device)).to(rows.dtype) @ rows

    object.__setattr__(subject.model, "condition", condition)
    try:
        yield
    finally:
        object.__delattr__(subject.model, "condition")
