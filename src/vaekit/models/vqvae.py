"""The vector-quantised autoencoder."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor
from torch.compiler import is_exporting
from torch.distributions import Distribution

from vaekit.config.configured import configured
from vaekit.config.likelihood_parts import decide_likelihood
from vaekit.config.model_options import VQVAESettings
from vaekit.core import DataError, Latent, Output, Quantized, SettingError
from vaekit.distributions import Likelihood
from vaekit.models.autoencoder import Autoencoder
from vaekit.models.base import checked_shape, evaluating, units_for
from vaekit.models.doors import as_tensor
from vaekit.models.latent import mean_image, parts_of
from vaekit.networks import Spec
from vaekit.networks.quantizers import Quantizer
from vaekit.runtime.random import weights_of

VECTORS_A_CODE = 64  # of the encoder's output, on which the codebook starts


class VQVAE(Autoencoder):
    """An image as a grid of codes out of K (van den Oord et al. 2017).

    A patch of `downsample` x `downsample` pixels becomes a vector, that vector one of K codes, and
    the image is decoded from the codes' vectors. z is not random and has no KL: images are drawn
    from a prior over grids of codes, which is fitted afterwards.

    Args:
        shape: (C, H, W).
        options: network, quantiser and likelihood, as objects or by name. The likelihood is by default
            `gaussian-optimal`, whose variance is the error itself, so that the scale of the pixels does not
            matter (the authors' code divides by the variance of the data, which does not fall with the error).
        pixels: key of PIXELS.
        seed: of the weights; None draws them from torch's own generator.

    Raises:
        SettingError: data that are no images, an unknown name or a number out of range.

    Example:
        >>> model = vaekit.VQVAE(data.shape, downsample=2, codes=32, width=16, depth=1, seed=0)
        >>> history = vaekit.fit(model, vaekit.QuantizedReconstruction(), data, steps=2, progress=False)
        >>> codes = model.encode_codes(images)
        >>> codes.shape  # a grid of numbers from 0 to 31 for each image
        torch.Size([8, 4, 4])
        >>> model.decode_codes(codes).shape
        torch.Size([8, 1, 8, 8])
    """

    prior_method = "code-prior"

    @configured(VQVAESettings)
    def __init__(
        self,
        shape: tuple[int, ...],
        options: VQVAESettings,
        *,
        pixels: str = "8-bit",
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.shape = checked_shape(shape, pixels)
        self.units = units_for(self.shape, pixels)
        auto = "bernoulli" if pixels == "binary" else "gaussian-optimal"
        likelihood = decide_likelihood(options.likelihood, pixels, auto)
        self.likelihood: Likelihood = likelihood.build(self.shape)
        with weights_of(seed):
            self.quantizer: Quantizer = options.quantizer.build()
            dim = self.quantizer.dim
            networks = options.network.build(Spec(self.shape, dim, dim, self.likelihood.num_params))
        self.encoder, self.decoder, self.grid = networks.encoder, networks.decoder, networks.grid
        self.options = dataclasses.replace(options, likelihood=likelihood)
        self.arguments = {"shape": list(self.shape), "pixels": pixels, **self.options.flat()}

    def quantize(self, x: Tensor) -> Quantized:
        """Codes of images (B, C, H, W), float in [0, 1] or uint8.

        Args:
            x: (B, C, H, W), float in [0, 1] or uint8.
        """
        return self.quantizer(self.encoder(self.check_images(x)))

    def decode_vectors(self, z: Tensor) -> Distribution:
        """p(x|z) for the vectors of codes, (B, D, h, w).

        Args:
            z: (B, D, h, w).
        """
        return self.in_units(self.likelihood(self.decoder(z)))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Output:
        """p(x|z) of images by their codes, with the quantiser's penalties and counts of codes.

        Args:
            x: (B, C, H, W), float.
            y: not used: a VQ-VAE has no classes.
        """
        quantized = self.quantize(x)
        likelihood = self.decode_vectors(quantized.z)
        picture = None
        if self.pixels != "real":
            with torch.no_grad():
                picture = self.picture(likelihood)
        return Output(
            likelihood,
            (Latent(None, None, quantized.z),),
            quantized.penalties,
            {"code": quantized.counts},
            picture,
        )

    def encode_codes(self, x: Tensor) -> Tensor:
        """Encodes images to codes, (B, C, H, W) -> (B, h, w) int64; in eval mode.

        Args:
            x: (B, C, H, W), float in [0, 1] or uint8.
        """
        with evaluating(self), torch.no_grad():
            return self.quantize(x).indices

    def decode_codes(self, indices: Tensor) -> Tensor:
        """Images of codes, (B, h, w) int64 -> (B, C, H, W); in eval mode.

        Args:
            indices: (B, h, w), whole numbers from 0 to K - 1.

        Raises:
            DataError: other numbers, or another grid.
        """
        codes = as_tensor(indices)
        if tuple(codes.shape[1:]) != self.grid or codes.is_floating_point() or codes.is_complex():
            kind = f"{codes.dtype} of shape {tuple(codes.shape)}".removeprefix("torch.")
            raise DataError(f"codes must be whole numbers (B, {self.grid[0]}, {self.grid[1]}), not {kind}.")
        looked = codes.numel() > 0 and not is_exporting()  # where there are no values to look at
        if looked and not (int(codes.min()) >= 0 and int(codes.max()) < self.quantizer.size):
            raise DataError(f"codes must be from 0 to {self.quantizer.size - 1}.")
        with evaluating(self), torch.no_grad():
            return self.picture(self.decode_indices(codes.long().to(next(self.parameters()).device)))

    def decode_indices(self, indices: Tensor) -> Distribution:
        """p(x|z) for codes, (B, h, w) int64.

        Args:
            indices: (B, h, w) int64.
        """
        return self.decode_vectors(self.quantizer.vectors(indices))

    def latents_for_prior(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.encode_codes(x)[:, None].float()

    def options_of_prior(self) -> dict[str, Any]:
        return {"codes": self.quantizer.size}

    @property
    def sampled_classes(self) -> int:
        prior = self.fitted_prior()
        return 0 if prior is None else prior.classes

    def reconstruct(self, x: Tensor, y: Tensor | None = None, *, redraw_as: Tensor | None = None) -> Tensor:
        """Images after the way through their codes, (B, C, H, W): deterministic, in eval mode.

        Args:
            x: (B, C, H, W), float in [0, 1] or uint8.
            y: not used: a VQ-VAE has no classes.
            redraw_as: must be None, since the codes say the class too.

        Raises:
            SettingError: a class to redraw as.
        """
        if redraw_as is not None:
            raise SettingError(
                "the codes of an image say its class too: a VQ-VAE cannot redraw it as another."
            )
        return self.decode_codes(self.encode_codes(x))

    def sample(
        self, count: int, y: Tensor | None = None, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:  # fmt: skip
        """New images, (count, C, H, W), decoded from codes that the fitted prior draws.

        Args:
            count: number of images.
            y: (count,) labels, for a conditional model; None cycles through its classes.
            temperature: of the draws; 1 is the prior itself, less is closer to what is most likely.
            generator: of torch, on the CPU; None takes torch's own.

        Raises:
            SettingError: there is no prior yet.
        """
        codes = self.latents_of_prior(count, y, temperature, generator)
        return self.decode_codes(codes.long().view(count, *self.grid))

    def prepare(self, images: Tensor) -> None:
        """Starts the decoder of a fresh model at the mean colour, and the codebook where the encoder's output lies."""
        if not self._fresh:
            return
        self.take_units(images)
        self._fresh = False
        self.likelihood.begin_from(parts_of(images))
        bias = self.decoder.last.bias
        assert bias is not None
        mean = self.standard(mean_image(images)).float().flatten(1).mean(1)[:, None, None]
        with torch.no_grad():
            raw = self.likelihood.params_from_mean(mean).flatten().to(bias.device)
            bias.copy_(raw.repeat_interleave(bias.numel() // raw.numel()))
            wanted = -(-VECTORS_A_CODE * self.quantizer.size // (self.grid[0] * self.grid[1]))
            parts = images[:: max(1, len(images) // wanted)][:wanted].split(100)
            vectors = [self.encoder(self.check_images(part)).movedim(1, -1).flatten(0, -2) for part in parts]
            self.quantizer.start(torch.cat(vectors))
