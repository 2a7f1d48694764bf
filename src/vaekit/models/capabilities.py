"""Protocols of what models can do: a class has one by implementing its methods, built in or a user's own.

Commands, evaluation, figures and pages ask `isinstance(model, Encodes)`, never for a class by name; objectives say in
`needs` what they ask of a model.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import Latent, SettingError


class Codebook(Protocol):
    """K vectors.

    Attributes:
        size: K.
    """

    size: int


@runtime_checkable
class Encodes(Protocol):
    """Encodes examples as latent variables."""

    def infer(self, x: Tensor, y: Tensor | None = None) -> tuple[Latent, ...]:
        """Every layer of latents from the top, each at its mean given the means above: deterministic.

        Args:
            x: (B, *shape), float as shown to the model, or uint8 as stored.
            y: (B,) labels, for a conditional model.
        """
        ...


@runtime_checkable
class EncodesVector(Protocol):
    """Encodes an example as one vector, the only layer of latents."""

    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """q(z|x), batch shape (B, D); `.mean` is the embedding."""
        ...


@runtime_checkable
class Decodes(Protocol):
    """Decodes latent vectors."""

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """p(x|z), batch shape (..., B), for z (..., B, D): all layers, flattened, one after another from the top."""
        ...

    def picture(self, likelihood: Distribution) -> Tensor:
        """The mean image of p(x|z), kept in [0, 1] where pixels are."""
        ...


@runtime_checkable
class HasPrior(Protocol):
    """Has a prior over z of its own.

    So it samples by itself, and has a KL and bounds on log p(x)."""

    def prior(self) -> Distribution:
        """p(z) over the whole of z as `decode` takes it: batch shape (D,), or event shape (D,)."""
        ...


@runtime_checkable
class Reconstructs(Protocol):
    """Reconstructs examples."""

    def reconstruct(self, x: Tensor, y: Tensor | None = None, *, redraw_as: Tensor | None = None) -> Tensor:
        """Images (B, *shape) after the way through the latents: deterministic, in eval mode."""
        ...


@runtime_checkable
class Quantizes(Protocol):
    """Encodes an image as a grid of codes out of a codebook.

    Attributes:
        grid: (h, w).
    """

    grid: tuple[int, int]

    @property
    def quantizer(self) -> Codebook:
        """The codebook."""
        ...

    def encode_codes(self, x: Tensor) -> Tensor:
        """Encodes images to codes, (B, C, H, W) -> (B, h, w) int64; in eval mode."""
        ...

    def decode_codes(self, indices: Tensor) -> Tensor:
        """Images of codes, (B, h, w) int64 -> (B, C, H, W); in eval mode."""
        ...

    def decode_indices(self, indices: Tensor) -> Distribution:
        """p(x|z) for codes, (B, h, w) int64."""
        ...

    def picture(self, likelihood: Distribution) -> Tensor:
        """The mean image of p(x|z), kept in [0, 1] where pixels are."""
        ...


@runtime_checkable
class Generates(Protocol):
    """Generates images from latent vectors, z ~ N(0, I), without an encoder."""

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Images (B, *shape), for z (B, D)."""
        ...


@runtime_checkable
class Discriminates(Protocol):
    """Draws images with the noise of training and judges whether images are real.

    Beside the methods it has the modules `generator` and `discriminator`.
    """

    def draw(self, count: int, y: Tensor | None = None) -> Tensor:
        """Images (count, *shape) at draws from the prior."""
        ...

    def judge(self, x: Tensor, y: Tensor | None = None, fixed: bool = False) -> Tensor:
        """Log-odds that images are real, (B,); with `fixed` the discriminator's parameters are constants."""
        ...


@runtime_checkable
class TakesPrior(Protocol):
    """Takes a prior that is fitted to its latents after the training."""

    def latents_for_prior(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Returns what a prior is fitted to, floats (B, ...): latents of images (B, *shape), in eval mode."""
        ...

    def fitted_prior(self) -> Any:
        """The prior that was fitted to its latents, a `CodeDensity`; None without one."""
        ...

    def latents_of_prior(
        self, count: int, y: Tensor | None, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        """Draws of the fitted prior, (count, ...)."""
        ...


@runtime_checkable
class HasMarginal(Protocol):
    """Has a density of latents, whatever the class."""

    def marginal_nats(self, x: Tensor) -> Tensor:
        """-log p of latents, (B,)."""
        ...


@runtime_checkable
class HasDensity(Protocol):
    """Has a density of latent vectors in closed form."""

    def density(self) -> Distribution:
        """p(z), batch shape (), event shape (D,)."""
        ...


HAVE: dict[type, tuple[str, ...]] = {  # the models that come with vaekit and have a capability, for messages
    Encodes: ("VAE", "AE"), EncodesVector: ("VAE", "AE"), Decodes: ("VAE", "AE"), HasPrior: ("VAE",),
    Reconstructs: ("VAE", "AE", "VQVAE"), Quantizes: ("VQVAE",), Generates: ("GAN",), Discriminates: ("GAN",),
    TakesPrior: ("VAE", "AE", "VQVAE"),
}  # fmt: skip


def check_needs(model: object, needs: tuple[type, ...], who: str, instead: str = "") -> None:
    """Checks that a model can do what something asks of it.

    Args:
        needs: protocols of this module.
        who: asks, for the message.
        instead: what else helps, for the message.

    Raises:
        SettingError: names both, what is missing, and which models have all that is asked.
    """
    missing = next((need for need in needs if not isinstance(model, need)), None)
    if missing is None:
        return
    line = (missing.__doc__ or missing.__name__).split("\n")[0].rstrip(".")
    fitting = [name for name in HAVE.get(needs[0], ()) if all(name in HAVE.get(need, ()) for need in needs)]
    articles = [f"{'an' if name[0] == 'A' else 'a'} {name}" for name in fitting]
    listed = " or ".join(filter(None, [", ".join(articles[:-1]), *articles[-1:]]))
    remedies = ", or ".join(filter(None, [listed, instead]))
    have = f"; take {remedies}" if remedies else ""
    raise SettingError(
        f"{who} needs a model that {line[0].lower()}{line[1:]}; {type(model).__name__} does not{have}."
    )
