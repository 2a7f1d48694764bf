"""The generative adversarial network, for comparison: it draws images, and encodes none."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.func import functional_call

from vaekit.config.configured import configured
from vaekit.config.model_options import GANSettings
from vaekit.models.base import Model, check_classes, checked_shape, evaluating, units_for
from vaekit.networks import Spec, decide_network
from vaekit.runtime.device import full_precision
from vaekit.runtime.random import normal, weights_of


class GAN(Model):
    """x = G(z), z ~ N(0, I), and D(x), the log-odds that x is a real image (Goodfellow et al. 2014).

    G is the decoder of a network and D its encoder with a single output, so that the two together have
    the size of an autoencoder. D is part of the model: it is saved and resumed, and not needed to draw.

    Args:
        shape: shape of one image, (C, H, W), or (D,) for arrays of features.
        options: latent dimensions and network, as an object or by name.
        pixels: key of PIXELS: what the values are (`data.pixels`).
        classes: K, number of classes (`data.classes`): both networks are conditioned on the class of each image
            (Mirza & Osindero 2014); 0 for none.
        seed: of the weights; None draws them from torch's own generator.

    Raises:
        SettingError: an unknown name, or a size below 1.

    Example:
        >>> model = vaekit.GAN(data.shape, latent_dim=10, seed=0)
        >>> history = vaekit.fit(model, vaekit.Adversarial(), data, steps=2, progress=False)
        >>> model.sample(4).shape
        torch.Size([4, 1, 8, 8])
    """

    @configured(GANSettings)
    def __init__(
        self,
        shape: tuple[int, ...],
        options: GANSettings,
        *,
        pixels: str = "8-bit",
        classes: int = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.latent_dim = checked_shape(shape, pixels), options.latent_dim
        self.classes = check_classes(classes)
        self.units = units_for(self.shape, pixels)
        network = decide_network(options.network, self.shape)
        with weights_of(seed):
            pair = network.build(Spec(self.shape, 1, self.latent_dim, condition=classes))
        self.generator, self.discriminator = pair.decoder, pair.encoder
        self.options = dataclasses.replace(options, network=network)
        about = {"shape": list(self.shape), "pixels": pixels, "classes": classes}
        self.arguments = about | self.options.flat()

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """G(z), (B, *shape), in [0, 1] where pixels are; z: (B, D), y: (B,) labels or None."""
        z = self.check_latents(z)
        raw = full_precision(self.generator(z, self.condition(y, z.shape[0]))).view(-1, *self.shape)
        return raw.sigmoid() if self.units is None else self.units.restored(raw)

    def judge(self, x: Tensor, y: Tensor | None = None, fixed: bool = False) -> Tensor:
        """D(x) in nats, (B,): above 0 for what looks real. x: (B, *shape), float; y: (B,) labels or None.

        Args:
            fixed: the discriminator's parameters are constants, x alone has a gradient.
        """
        centred = 2 * x - 1 if self.units is None else self.standard(x).to(next(self.parameters()).dtype)
        parameters: dict[str, Tensor] = dict(self.discriminator.named_parameters())
        if fixed:
            parameters = {name: parameter.detach() for name, parameter in parameters.items()}
        given = centred, self.condition(y, len(x))
        return full_precision(functional_call(self.discriminator, parameters, given)).squeeze(1)

    def draw(self, count: int, y: Tensor | None = None) -> Tensor:
        """G at `count` draws from the prior, with the noise of training.

        Args:
            count: number of images.
            y: (count,) labels, for a conditional model.
        """
        return self.generate(normal((count, self.latent_dim), next(self.parameters()).device), y)

    def prepare(self, images: Tensor) -> None:
        """Takes the units of real data."""
        self.take_units(images)
        self._fresh = False

    def sample(
        self, count: int, y: Tensor | None = None, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:  # fmt: skip
        """New images, (count, *shape): G(z) at z ~ N(0, temperature^2 I), whatever the class.

        Args:
            count: number of images.
            y: (count,) labels, for a conditional model; None cycles through its classes.
            temperature: of the draws; 1 is the prior itself, less is closer to what is most likely.
            generator: of torch, on the CPU; None takes torch's own.
        """
        z = temperature * torch.randn(count, self.latent_dim, generator=generator)
        with evaluating(self), torch.no_grad():
            images = self.generate(z.to(next(self.parameters())), self.chosen_labels(y, count))
            return images if self.units is None else self.units.handed_out(images)
