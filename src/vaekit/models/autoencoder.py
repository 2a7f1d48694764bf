"""The base of models that encode and reconstruct images, and the prior fitted to their latents."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import SettingError
from vaekit.distributions import Likelihood
from vaekit.models.base import CodeDensity, Model
from vaekit.models.capabilities import HasPrior

CANNOT_SAMPLE = (
    "it cannot sample: its latents have no prior yet; fit one after the training: vaekit prior {run}"
)


class Autoencoder(Model):
    """A model that takes images apart and puts them together again.

    Attributes:
        likelihood: p(x|z), from what the decoder gives.
    """

    likelihood: Likelihood

    @abstractmethod
    def reconstruct(self, x: Tensor, y: Tensor | None = None, *, redraw_as: Tensor | None = None) -> Tensor:
        """Images (B, *shape) after the way through the latents: deterministic, in eval mode.

        Args:
            x: (B, *shape), float in [0, 1] or uint8.
            y: (B,) labels of the images, for a conditional model.
            redraw_as: (B,) labels to decode under instead: the same style as another class.
        """

    @abstractmethod
    def latents_for_prior(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Returns what a prior is fitted to, floats (B, ...): latents of images (B, *shape), in eval mode."""

    def can_sample(self) -> bool:
        """Returns whether there is a prior to draw latents from: its own, or a fitted one.

        Raises:
            RunError: there is a fitted one, of other weights.
        """
        return isinstance(self, HasPrior) or self.fitted_prior() is not None

    def fitted_prior(self) -> CodeDensity | None:
        """The prior that was fitted to its latents; None without one.

        Raises:
            RunError: there is one, of other weights.
        """
        if self.fitted is None:
            return None
        try:
            return self.fitted()
        except SettingError:
            return None

    def latents_of_prior(
        self, count: int, y: Tensor | None, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        """Draws of the fitted prior, (count, ...), on the model's device.

        Raises:
            SettingError: there is none.
        """
        if self.fitted is None:
            raise SettingError(CANNOT_SAMPLE.format(run="RUN"))
        latents = self.fitted().sample(count, y, temperature=temperature, generator=generator)
        return latents.to(next(self.parameters()).device)

    def picture(self, likelihood: Distribution) -> Tensor:
        """The mean image of p(x|z), kept in [0, 1] where pixels are."""
        return likelihood.mean if self.pixels == "real" else likelihood.mean.clamp(0.0, 1.0)
