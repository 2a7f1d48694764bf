"""The variational autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Normal

from vaekit.core import Latent, Output
from vaekit.distributions import bounded_normal, reparameterize, standard_normal
from vaekit.models.base import evaluating
from vaekit.models.latent import LatentModel


class VAE(LatentModel):
    """p(z) = N(0, I), p(x|z) a likelihood, q(z|x) a diagonal normal (Kingma & Welling 2014).

    With classes it is a conditional VAE: p(x|z, y), q(z|x, y), and z independent of y under the prior, so
    that z is left to say what the class does not: style (Kingma et al. 2014b, eq. 6: M2, all labels known).

    Own modules: the encoder returns means and log-variances; `LatentModel` has their shapes.

    Args:
        shape: of one image, (C, H, W), or (D,) of rows of features.
        options: latent dimensions, network and likelihood, as objects or by name; `help(VAE.__init__)` lists them.
        pixels: key of PIXELS: what the values are (`data.pixels`).
        classes: K, number of classes (`data.classes`), on which both networks are conditioned; 0 for none.
        encoder, decoder: own modules, both or neither, in the place of a network's name; they are tried with one example.
        seed: of the weights; None draws them from torch's own generator.

    Raises:
        SettingError: an unknown name, a size below 1, or a likelihood that does not fit the pixels.

    Example:
        >>> model = vaekit.VAE(data.shape, latent_dim=10, seed=0)
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, progress=False)
        >>> model.sample(16).shape
        torch.Size([16, 1, 8, 8])
        >>> model.embed(images).shape
        torch.Size([8, 10])
        >>> model.reconstruct(images).shape
        torch.Size([8, 1, 8, 8])
    """

    numbers_per_latent = 2

    def prior(self) -> Normal:
        """p(z) = N(0, I), batch shape (D,), on the device of the weights."""
        return standard_normal(self.latent_dim, like=next(self.parameters()))

    def encode(self, x: Tensor, y: Tensor | None = None) -> Normal:
        return bounded_normal(self.encoded(x, y))

    def forward(self, x: Tensor, y: Tensor | None = None, samples: int | None = None) -> Output:
        posterior = self.encode(x, y)
        z = reparameterize(posterior, samples)
        return Output(self.decode(z, y), (Latent(posterior, self.prior(), z),))

    def log_joint(self, x: Tensor, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x, z) in nats, (..., B), for x (B, *shape) float and z (..., B, D).

        Args:
            x: images (B, *shape), float.
            z: latents (..., B, D).
            y: (B,) labels, for a conditional model.
        """
        return self.decode(z, y).log_prob(x) + self.prior().log_prob(z).sum(-1)

    def sample(
        self, count: int, y: Tensor | None = None, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:  # fmt: skip
        """New images, (count, *shape): the mean of p(x|z) at z ~ N(0, temperature^2 I), whatever the class, or at
        draws of the prior that was fitted to the latents.

        Args:
            count: number of images.
            y: (count,) labels, for a conditional model; None cycles through its classes.
            temperature: of the draws; 1 is the prior itself, less is closer to what is most likely.
            generator: of torch, on the CPU; None takes torch's own.
        """
        if self.fitted is not None:
            z = self.latents_of_prior(count, y, temperature, generator)
        else:
            z = temperature * torch.randn(count, self.latent_dim, generator=generator)
        z = z.to(self.prior().mean)
        with evaluating(self), torch.no_grad():
            return self.picture(self.decode(z, self.chosen_labels(y, count)))
