"""What the page can offer for a model, and the few calls it makes on one.

Everything that depends on the kind of model is here. Page and server ask for capabilities, never for a
method's name; a model has them by what its class has: an encoder and decoder of latent vectors
(`LatentModel`), a generator of them (`Generator`), or a grid of codes (`GridModel`).

A code travels as float32 numbers whatever it is: the latent vector (D,), or the numbers of the codes of
a grid, row by row (h * w,).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Normal

from vaekit.core import Latent, SettingError
from vaekit.data.dataset import to_unit
from vaekit.distributions.kl import kl_by_dimension
from vaekit.models.base import HasPrior, Model, evaluating
from vaekit.models.latent import LatentModel
from vaekit.runs.load import Run


@runtime_checkable
class Generator(Protocol):
    """Pictures from latent vectors, z ~ N(0, I), and no encoder (a GAN)."""

    latent_dim: int

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor: ...


class Codebook(Protocol):
    size: int

    def vectors(self, indices: Tensor) -> Tensor: ...


@runtime_checkable
class GridModel(Protocol):
    """Pictures from a grid of codes out of a codebook (a VQ-VAE)."""

    grid: tuple[int, int]
    quantizer: Codebook

    def encode_codes(self, x: Tensor) -> Tensor: ...
    def decode_vectors(self, z: Tensor) -> Distribution: ...
    def picture(self, likelihood: Distribution) -> Tensor: ...


@runtime_checkable
class HasFittedPrior(Protocol):
    """Codes from a prior that is fitted after the training, once there is one."""

    @property
    def sampled_classes(self) -> int: ...
    def can_sample(self) -> bool: ...
    def codes_of_prior(
        self, count: int, y: Tensor | None, temperature: float, generator: torch.Generator | None
    ) -> Tensor: ...


@dataclass(frozen=True)
class Capabilities:
    """What a model can do.

    Attributes:
        length: how many numbers a code has.
        latent: D, where the code is a latent vector, else 0.
        grid: (h, w), where it is a grid of codes.
        codes: K, number of codes that each of its cells chooses among.
        encodes: images have a code.
        scores: images have a score, in nats.
        prior: how codes are drawn: "normal" is N(0, I), "fitted" the model's own draws, "" not at all.
        classes: number of classes that must be told; 0 where none is asked for.
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
    model: Model

    def __init__(self, run: Run) -> None:
        self.run = run
        channels, height, width = run.config.data.shape
        self.shape = (int(channels), int(height), int(width))
        self.pixels: str = run.config.data.pixels
        self.uploads = self.pixels != "real" and channels != 2
        self.range = (0.0, 1.0)
        if self.pixels == "real":
            self.range = (float(run.previews.images.min()), float(run.previews.images.max()))

    @abstractmethod
    def pictures(self, codes: Tensor, y: Tensor | None = None) -> Tensor:
        """Pictures (N, C, H, W) as floats of codes (N, length)."""

    def codes(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of the codes of images (N, C, H, W), (N, length) each."""
        raise NotImplementedError

    def nats(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Score of images, (N,)."""
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def images(self, stored: Tensor) -> Tensor:
        """Images (N, C, H, W) as the model takes them; binary models see grey above a half as white."""
        x = to_unit(stored)
        return (x > 0.5).float() if self.pixels == "binary" else x

    def encode(self, stored: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`codes` of images as stored, on the CPU."""
        with evaluating(self.model), torch.inference_mode():
            mean, stddev = self.codes(self.images(stored).to(self.device), y)
            return mean.float().cpu(), stddev.float().cpu()

    def decode(self, codes: Tensor, y: Tensor | None = None) -> Tensor:
        """Pictures (N, C, H, W) uint8 of codes (N, length), on the CPU."""
        with evaluating(self.model), torch.inference_mode():
            return self.to_bytes(self.pictures(codes.to(self.device), y).float().cpu())

    def score(self, stored: Tensor, y: Tensor | None = None) -> Tensor:
        """`nats` of images as stored, on the CPU."""
        with evaluating(self.model), torch.inference_mode():
            return self.nats(self.images(stored).to(self.device), y).float().cpu()

    def draw(self, seed: int, y: Tensor | None = None) -> Tensor:
        """A code from the fitted prior, (1, length), under a seed; y: (1,), its class, None for any."""
        assert isinstance(self.model, HasFittedPrior)
        generator = torch.Generator().manual_seed(seed)
        with evaluating(self.model), torch.inference_mode():
            return self.model.codes_of_prior(1, y, 1.0, generator).reshape(1, -1).float().cpu()

    def valid(self, codes: Tensor) -> bool:
        """Whether numbers are a code."""
        return True

    def to_bytes(self, pictures: Tensor) -> Tensor:
        """Values as levels 0 to 255; real ones between the least and the largest of the previews."""
        low, high = self.range
        return ((pictures - low) / max(high - low, 1e-12) * 255).round().clamp(0, 255).to(torch.uint8)


class OfLatents(Subject):
    """An encoder and a decoder of latent vectors."""

    def __init__(self, run: Run, model: LatentModel) -> None:
        super().__init__(run)
        self.model: LatentModel = model
        self.can = Capabilities(
            length=model.latent_dim,
            latent=model.latent_dim,
            encodes=True,
            scores=True,
            prior="normal"
            if isinstance(model, HasPrior) and isinstance(model.prior(), Normal)
            else fitted_prior(model),
            classes=model.classes,
            uploads=self.uploads,
        )

    def pictures(self, codes: Tensor, y: Tensor | None = None) -> Tensor:
        return self.model.picture(self.model.decode(codes, y))

    def codes(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        posterior = self.model.encode(x, y)
        return posterior.mean, posterior.stddev

    def nats(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Distortion at the posterior mean, plus the KL to the prior where there is one.

        Deterministic, and close to the negative ELBO, whose distortion is a mean over draws of z.
        """
        posterior = self.model.encode(x, y)
        prior = self.model.prior() if isinstance(self.model, HasPrior) else None
        distortion = -self.model.decode(posterior.mean, y).log_prob(x)
        if prior is None:
            return distortion
        return distortion + kl_by_dimension(Latent(posterior, prior, posterior.mean)).sum(1)


class OfGenerator(Subject):
    """Pictures from latent vectors, without an encoder."""

    def __init__(self, run: Run, model: Generator) -> None:
        super().__init__(run)
        assert isinstance(model, Model)
        self.model, self.generate = model, model.generate
        self.can = Capabilities(
            length=model.latent_dim,
            latent=model.latent_dim,
            prior="normal",
            classes=model.classes,
        )

    def pictures(self, codes: Tensor, y: Tensor | None = None) -> Tensor:
        return self.generate(codes, y) if self.can.classes else self.generate(codes)


class OfGrid(Subject):
    """Pictures from a grid of codes."""

    def __init__(self, run: Run, model: GridModel) -> None:
        super().__init__(run)
        assert isinstance(model, Model)
        self.model, self.grid_model = model, model
        height, width = (int(side) for side in model.grid)
        prior = fitted_prior(model)
        self.can = Capabilities(
            length=height * width,
            grid=(height, width),
            codes=model.quantizer.size,
            encodes=True,
            prior=prior,
            drawn=model.sampled_classes if prior and isinstance(model, HasFittedPrior) else 0,
            uploads=self.uploads,
        )

    def pictures(self, codes: Tensor, y: Tensor | None = None) -> Tensor:
        assert self.can.grid is not None
        vectors = self.grid_model.quantizer.vectors(codes.long().unflatten(1, self.can.grid))
        return self.grid_model.picture(self.grid_model.decode_vectors(vectors))

    def codes(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        found = self.grid_model.encode_codes(x).flatten(1).float()
        return found, torch.zeros_like(found)

    def valid(self, codes: Tensor) -> bool:
        return bool(((codes >= 0) & (codes < self.can.codes) & (codes == codes.round())).all())


def subject_of(run: Run) -> Subject:
    """The model of a run, by what it can do.

    Raises:
        SettingError: it is not one of pictures, or nothing can be decoded.
    """
    shape = run.config.data.shape
    if len(shape) != 3:
        raise SettingError(
            f"{run.path} was trained on rows of {shape[0]} features; there are no pictures to explore."
        )
    if isinstance(run.model, LatentModel):
        return OfLatents(run, run.model)
    if isinstance(run.model, GridModel):
        return OfGrid(run, run.model)
    if isinstance(run.model, Generator):
        return OfGenerator(run, run.model)
    raise SettingError(f"{run.path}: a {run.settings.method} has no code that pictures are decoded from.")


def fitted_prior(model: object) -> str:
    return "fitted" if isinstance(model, HasFittedPrior) and model.can_sample() else ""


class Call(nn.Module):
    """A method of a subject as a module, for exporters: its parameters are the model's."""

    def __init__(self, subject: Subject, method: str) -> None:
        super().__init__()
        self.model, self.method = subject.model, getattr(subject, method)

    def forward(self, given: Tensor, y: Tensor | None = None) -> Any:
        return self.method(given, y)


@contextmanager
def labels_unchecked(subject: Subject) -> Iterator[None]:
    """Within the block labels become what networks are told unseen: a graph cannot look at what it is given."""
    count = subject.can.classes
    if not count:
        yield
        return

    told = subject.model.condition(torch.arange(count), count)  # a row a class
    assert told is not None

    def condition(y: Tensor, images: int) -> Tensor:
        return (y[:, None] == torch.arange(count, device=y.device)).to(told.dtype) @ told

    object.__setattr__(subject.model, "condition", condition)
    try:
        yield
    finally:
        object.__delattr__(subject.model, "condition")
