"""The autoencoder, for comparison: deterministic latents and no prior."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.core import Latent, Output, SettingError
from vaekit.distributions import Point
from vaekit.models.base import evaluating
from vaekit.models.latent import LatentModel
from vaekit.runtime.device import full_precision


class AE(LatentModel):
    """z = f(x), p(x|z) a likelihood; the lesson's §1 "regular autoencoder".

    `LatentModel` has the shapes of own modules.

    Args:
        shape: of one image, (C, H, W), or (D,) of rows of features.
        options: latent dimensions, network and likelihood, as objects or by name; `help(AE.__init__)` lists them.
        pixels: key of PIXELS: what the values are (`data.pixels`).
        classes: K, number of classes (`data.classes`), on which both networks are conditioned; 0 for none.
        encoder, decoder: own modules, both or neither, in the place of a network's name; they are tried with one example.
        seed: of the weights; None draws them from torch's own generator.

    Raises:
        SettingError: an unknown name, a size below 1, or a likelihood that does not fit the pixels.

    Example:
        >>> model = vaekit.AE(data.shape, latent_dim=10, seed=0)
        >>> history = vaekit.fit(model, vaekit.Reconstruction(), data, steps=2, progress=False)
        >>> model.embed(images).shape
        torch.Size([8, 10])
    """

    numbers_per_latent = 1

    def encode(self, x: Tensor, y: Tensor | None = None) -> Point:
        return Point(full_precision(self.encoded(x, y)))

    def forward(self, x: Tensor, y: Tensor | None = None, samples: int | None = None) -> Output:
        if samples is not None:
            raise SettingError("an autoencoder has no posterior to draw samples from; train a vae.")
        z = self.encode(x, y).mean
        return Output(self.decode(z, y), (Latent(None, None, z),))

    def sample(
        self, count: int, y: Tensor | None = None, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:  # fmt: skip
        """New images, (count, *shape), from draws of the prior that was fitted to the latents.

        Args:
            count: number of images.
            y: (count,) labels, for a conditional model; None cycles through its classes.
            temperature: of the draws; 1 is the prior itself, less is closer to what is most likely.
            generator: of torch, on the CPU; None takes torch's own.

        Raises:
            SettingError: there is none: an autoencoder by itself does not say where its latents lie.
        """
        z = self.latents_of_prior(count, y, temperature, generator)
        with evaluating(self), torch.no_grad():
            return self.picture(self.decode(z, self.chosen_labels(y, count)))
