"""Interfaces of models, and what those with an encoder and a decoder share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.core import DataError, Output, SettingError
from vaekit.data.dataset import to_unit
from vaekit.data.labels import check_labels, in_turn, one_hot
from vaekit.distributions import Likelihood, build_likelihood
from vaekit.networks import Pair, Spec, build_networks, choose_network


class Model(nn.Module, ABC):
    """Something that can be trained and draws images.

    Attributes:
        shape: shape of one image, (C, H, W) or (D,).
        classes: K, number of classes that it is told of each image; 0 for a model without labels,
            which takes no notice of any y.
        arguments: what the constructor was given, resolved and JSON-able; `Model(**arguments)` builds
            the same architecture again.
        prior_method: key of PRIORS: what `vaekit prior` fits to its codes; None where it has none.
    """

    prior_method: ClassVar[str | None] = None
    shape: tuple[int, ...]
    classes: int = 0
    arguments: dict[str, Any]

    @abstractmethod
    def sample(
        self,
        count: int,
        y: Tensor | None = None,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """New images, (count, *shape), in [0, 1] for pixels; the mean of p(x|z) at draws of z.

        Args:
            y: (count,) labels of a conditional model; None lets its classes take turns.
        """  # fmt: skip

    @abstractmethod
    def prepare(self, images: Tensor) -> None:
        """Takes what it needs from the training images, (N, *shape) as stored, before the first step."""

    @property
    def sampled_classes(self) -> int:
        """Number of classes of which `sample` takes labels; 0 where it takes no notice of any."""
        return self.classes

    def condition(self, y: Tensor | None, count: int) -> Tensor | None:
        """What the networks are told of `count` images: `one_hot` labels, (count, K); None without classes.

        Raises:
            DataError: labels that are missing or wrong. Their range is not looked at in a training step
                on an accelerator, which would have to be waited for: `fit` has looked.
        """
        if not self.classes:
            return None
        look = y is None or y.device.type == "cpu" or not self.training
        parameter = next(self.parameters())
        return one_hot(check_labels(y, count, self.classes, look), self.classes, like=parameter)

    def chosen_labels(self, y: Tensor | None, count: int) -> Tensor | None:
        """Labels to sample under: those given, else all classes in turn; None without classes."""
        return in_turn(count, self.classes) if y is None and self.classes else y


CANNOT_SAMPLE = (
    "it cannot sample: its codes have no prior yet; fit one after the training: vaekit prior {run}"
)


class CodeDensity(Model):
    """A density of the codes of another model, fitted after it: what that model then samples from.

    Its `sample` gives codes, (count, *shape), instead of images.
    """


class Autoencoder(Model):
    """A model that takes images apart and puts them together again.

    Attributes:
        likelihood: p(x|z), from what the decoder gives.
        own_prior: whether it can sample without one.
        fitted: gives that prior, once there is one (`vaekit.runs.load.load_run` sets it).
    """

    likelihood: Likelihood
    own_prior: ClassVar[bool] = False
    fitted: Callable[[], CodeDensity] | None = None

    def __init__(self) -> None:
        super().__init__()
        self._fresh = True  # its weights are still those of its initialisation
        self.register_load_state_dict_post_hook(_used)

    @abstractmethod
    def reconstruct(self, x: Tensor, y: Tensor | None = None, *, redraw_as: Tensor | None = None) -> Tensor:
        """Images (B, *shape) after the way through the code: deterministic, in eval mode.

        Args:
            y: (B,) labels of the images, for a conditional model.
            redraw_as: (B,) labels to decode under instead: the same style as another class.
        """

    @abstractmethod
    def codes_for_prior(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """What a prior is fitted to, floats (B, ...): codes of images (B, *shape), in eval mode."""

    def options_of_prior(self) -> dict[str, Any]:
        """Options of the prior that this model decides."""
        return {}

    def can_sample(self) -> bool:
        """Whether there is a prior to draw codes from.

        Raises:
            RunError: there is one, of other weights.
        """
        if self.fitted is None:
            return self.own_prior
        try:
            return self.fitted() is not None
        except SettingError:
            return False

    def codes_of_prior(
        self, count: int, y: Tensor | None, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        """Draws of the fitted prior, (count, ...), on the model's device.

        Raises:
            SettingError: there is none.
        """
        if self.fitted is None:
            raise SettingError(CANNOT_SAMPLE.format(run="RUN"))
        codes = self.fitted().sample(count, y, temperature=temperature, generator=generator)
        return codes.to(next(self.parameters()).device)

    def picture(self, likelihood: Distribution) -> Tensor:
        """The mean image of p(x|z), kept in [0, 1] where pixels are."""
        mean = likelihood.mean
        return mean if self.arguments["pixels"] == "real" else mean.clamp(0.0, 1.0)

    def check_images(self, x: Tensor) -> Tensor:
        """Images as floats on the model's device.

        Raises:
            DataError: the images do not have the model's shape; names both.
        """
        parameter = next(self.parameters())
        if tuple(x.shape[1:]) != self.shape:
            given = "x".join(str(size) for size in x.shape[1:])
            raise DataError(
                f"images of shape {given} given to a model of {'x'.join(map(str, self.shape))} images."
            )
        return to_unit(x.to(parameter.device)).to(parameter.dtype)


class LatentModel(Autoencoder):
    """A model with an encoder and a decoder: AE, VAE and their kin. Objectives call `forward`.

    Args:
        shape: shape of one image, (C, H, W), or (D,) for arrays of features.
        latent_dim: D, number of latent dimensions.
        network: key of NETWORKS, or `auto`.
        width, depth: size of the network; None leaves it to the network.
        likelihood: key of LIKELIHOODS, or `auto`: what suits the pixels.
        sigma: standard deviation of the `gaussian` likelihood; where the other gaussians start.
        mixtures: components of the `logistic-mixture` likelihood.
        pixels: key of PIXELS: what the values are (`data.pixels`).
        classes: K, number of classes (`data.classes`): encoder and decoder are told the class of each
            image, `labels.one_hot` (Kingma et al. 2014b, eq. 6; Sohn et al. 2015). 0 for a model without labels.
        encoder, decoder: own modules instead of a network's name: (B, *shape), None -> (B, codes * D)
            and (B, D), None -> (B, C, H, W). Loading such a run asks for them again.

    Attributes:
        codes: numbers that the encoder returns for each latent dimension.

    Raises:
        SettingError: an unknown name, a size below 1, or a likelihood that does not fit the pixels.
    """

    codes: ClassVar[int]
    prior_method = "mixture"

    def __init__(
        self,
        shape: tuple[int, ...],
        latent_dim: int = 20,
        network: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        likelihood: str = "auto",
        sigma: float = 0.1,
        mixtures: int = 10,
        *,
        pixels: str = "8-bit",
        classes: int = 0,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if (encoder is None) != (decoder is None):
            raise SettingError("pass both encoder and decoder, or neither and a network's name.")
        if classes < 0:
            raise SettingError(f"classes must be 0 (no labels) or their number, not {classes}.")
        self.shape, self.latent_dim, self.classes = tuple(shape), latent_dim, classes
        likelihood, self.likelihood = build_likelihood(likelihood, pixels, self.shape, sigma, mixtures)
        if encoder is not None and decoder is not None:
            network, pair = "custom", Pair(encoder, decoder, None)
        elif network == "custom":
            raise SettingError("network 'custom' wants its own modules: pass encoder= and decoder=.")
        else:
            network = choose_network(network, self.shape)
            spec = Spec(
                self.shape,
                self.codes * latent_dim,
                latent_dim,
                self.likelihood.numbers,
                condition=classes,
                width=width,
                depth=depth,
            )
            pair = build_networks(network, spec)
        self.encoder, self.decoder, self._pair = pair.encoder, pair.decoder, pair
        self.arguments = {
            "shape": list(self.shape),
            "pixels": pixels,
            "classes": classes,
            "latent_dim": latent_dim,
            "network": network,
            "width": width,
            "depth": depth,
            "likelihood": likelihood,
            "sigma": sigma,
            "mixtures": mixtures,
        }

    @abstractmethod
    def prior(self) -> Distribution | None:
        """p(z), batch shape (D,) or over the whole of z; None where codes have no distribution."""

    @abstractmethod
    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """q(z|x), batch shape (B, D); `.mean` is the embedding. x: (B, *shape), float in [0, 1] or uint8.

        Args:
            y: (B,) labels, for a conditional model, whose q(z|x, y) and p(x|z, y) depend on them.
        """

    @abstractmethod
    def forward(self, x: Tensor, y: Tensor | None = None, samples: int | None = None) -> Output:
        """p(x|z) at a draw of z from q(z|x), with the latents. x: (B, *shape), float.

        Args:
            samples: S draws an image: z is (S, B, D) and p(x|z) has batch shape (S, B), the encoder
                sees each image once. None: one draw, without that dimension.
        """

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """p(x|z), batch shape (..., B), for z (..., B, D): leading sample dimensions are kept.

        Args:
            y: (B,) or (..., B) labels, for a conditional model.
        """
        if y is not None and y.shape == z.shape[-2:-1]:
            y = y.expand(z.shape[:-1])
        condition = self.condition(None if y is None else y.flatten(), prod(z.shape[:-1]))
        raw = self.decoder(z.flatten(0, -2), condition)
        return self.likelihood(raw.unflatten(0, z.shape[:-1]))

    def prepare(self, images: Tensor) -> None:
        """Starts the decoder of a fresh model at the mean training image, where the network allows it."""
        bias = self._pair.output_bias
        if bias is None or not self._fresh:
            return
        self._fresh = False
        mean = mean_image(images).to(bias.device)
        if bias.numel() != prod(self.shape) * self.likelihood.numbers:  # one number a channel
            mean = mean.flatten(1).mean(1)[:, None, None]
        with torch.no_grad():
            bias.copy_(self.likelihood.raw_of_mean(mean).flatten())

    def codes_for_prior(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """A draw of q(z|x) for each image, (B, D): together they are the aggregate posterior."""
        with evaluating(self), torch.inference_mode():
            return self.encode(x, y).sample()

    def reconstruct(self, x: Tensor, y: Tensor | None = None, *, redraw_as: Tensor | None = None) -> Tensor:
        """Mean of p(x|z) at the posterior mean, (B, *shape): deterministic, in eval mode.

        Args:
            y: (B,) labels of the images, for a conditional model.
            redraw_as: (B,) labels to decode under instead: the same style as another class.
        """
        with evaluating(self), torch.inference_mode():
            return self.picture(self.decode(self.encode(x, y).mean, y if redraw_as is None else redraw_as))

    def encoded(self, x: Tensor, y: Tensor | None) -> Tensor:
        """What the encoder returns for images, checked, and their labels: (B, codes * D)."""
        return self.encoder(
            self.check_images(x), self.condition(y, x.shape[0])
        )  # len() would fix an export's batch


def mean_image(images: Tensor, most: int = 10_000) -> Tensor:
    """Mean over at most `most` evenly spaced images, in [0, 1] for pixels: (*shape). A few at a time."""
    chosen = images[:: -(-len(images) // most)]
    return torch.stack([to_unit(part).sum(0) for part in chosen.split(100)]).sum(0) / len(chosen)


def _used(model: nn.Module, incompatible_keys: object) -> None:
    """After weights were loaded: what training does to a fresh model would spoil them."""
    assert isinstance(model, Autoencoder)
    model._fresh = False


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode within the block; every submodule gets its own mode back afterwards."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
