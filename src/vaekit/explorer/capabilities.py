"""What the page can offer for a model, and the few calls it makes on one.

Everything that depends on the kind of model is here: page and server ask for capabilities, never for a
method's name.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal

from vaekit.core import Latent, SettingError
from vaekit.data.dataset import to_unit
from vaekit.distributions.priors import kl_by_dimension
from vaekit.models.base import LatentModel, evaluating
from vaekit.runs import Run


@dataclass(frozen=True)
class Capabilities:
    """What a model can do.

    Attributes:
        latent: D, length of the vector that pictures are decoded from; 0 where there is none.
        encodes: images have a code.
        scores: images have a score, in nats.
        prior: codes can be drawn from N(0, I).
        classes: number of classes that must be told; 0 where none is asked for.
        uploads: pictures of the user's own can be brought to the run's form.
    """

    latent: int
    encodes: bool
    scores: bool
    prior: bool
    classes: int
    uploads: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def capabilities_of(run: Run) -> Capabilities:
    """What the model of a run can do.

    Raises:
        SettingError: it is not one of pictures, or nothing can be decoded.
    """
    shape, pixels = run.config["data"]["shape"], run.config["data"]["pixels"]
    if len(shape) != 3:
        raise SettingError(f"{run.path} was trained on rows of {shape[0]} features; there are no pictures to explore.")
    model = run.model
    if not isinstance(model, LatentModel):
        raise SettingError(f"{run.path}: a {run.settings.method} has no code that pictures are decoded from.")
    return Capabilities(
        latent=model.latent_dim,
        encodes=True,
        scores=True,
        prior=isinstance(model.prior(), Normal),
        classes=0,
        uploads=pixels != "real" and shape[0] != 2,
    )


class Subject:
    """The model of a run as the page sees it. Without gradients, in eval mode, on the model's device.

    Args:
        run: a loaded run.

    Raises:
        SettingError: see `capabilities_of`.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.can = capabilities_of(run)
        assert isinstance(run.model, LatentModel)
        self.model: LatentModel = run.model
        self.shape: tuple[int, int, int] = tuple(run.config["data"]["shape"])
        self.pixels: str = run.config["data"]["pixels"]
        self.range = (0.0, 1.0)
        if self.pixels == "real":
            self.range = (float(run.previews.images.min()), float(run.previews.images.max()))

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def images(self, stored: Tensor) -> Tensor:
        """Images (N, C, H, W) as the model takes them; binary models see grey above a half as white."""
        x = to_unit(stored)
        return (x > 0.5).float() if self.pixels == "binary" else x

    def encode(self, stored: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of codes, (N, D) each, on the CPU."""
        with evaluating(self.model), torch.inference_mode():
            posterior = self.model.encode(self.images(stored), y)
            return posterior.mean.float().cpu(), posterior.stddev.float().cpu()

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Pictures (N, C, H, W) uint8 of codes (N, D), on the CPU."""
        with evaluating(self.model), torch.inference_mode():
            pictures = self.model.picture(self.model.decode(z.to(self.device), y)).float().cpu()
        return self.to_bytes(pictures)

    def score(self, stored: Tensor, y: Tensor | None = None) -> Tensor:
        """Nats an image, (N,), on the CPU: see `nats`."""
        with evaluating(self.model), torch.inference_mode():
            return nats(self.model, self.images(stored).to(self.device), y).float().cpu()

    def to_bytes(self, pictures: Tensor) -> Tensor:
        """Values as levels 0 to 255; real ones between the least and the largest of the previews."""
        low, high = self.range
        return ((pictures - low) / max(high - low, 1e-12) * 255).round().clamp(0, 255).to(torch.uint8)


def nats(model: LatentModel, x: Tensor, y: Tensor | None = None) -> Tensor:
    """Distortion at the posterior mean, plus the KL to the prior where there is one: nats an image, (B,).

    Deterministic, and close to the negative ELBO, whose distortion is a mean over draws of z.
    """
    posterior, prior = model.encode(x, y), model.prior()
    distortion = -model.decode(posterior.mean, y).log_prob(x)
    if prior is None:
        return distortion
    return distortion + kl_by_dimension(Latent(posterior, prior, posterior.mean)).sum(1)
