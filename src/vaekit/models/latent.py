"""The base of models with one layer of latent vectors: AE, VAE and their kin."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterator
from math import prod
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.config.configured import configured
from vaekit.config.likelihood_parts import decide_likelihood
from vaekit.config.model_options import AutoencoderSettings
from vaekit.config.parts import CUSTOM, Undecided
from vaekit.core import Latent, Output, SettingError
from vaekit.data.dataset import Split, to_unit
from vaekit.distributions import Likelihood
from vaekit.models.autoencoder import Autoencoder
from vaekit.models.base import check_classes, checked_shape, evaluating, units_for
from vaekit.models.capabilities import HasPrior
from vaekit.models.doors import as_examples
from vaekit.models.own_networks import own_pair
from vaekit.networks import Pair, Spec, decide_network
from vaekit.networks.principal import (
    PrincipalPath,
    held_out_curve,
    principal_components,
    spread,
    varying_directions,
)
from vaekit.runtime.random import weights_of

AT_ONCE = 2**22  # values of images that are embedded at a time


class LatentModel(Autoencoder):
    """A model with an encoder and a decoder: AE, VAE and their kin. Objectives call `forward`.

    Args:
        shape: shape of one image, (C, H, W), or (D,) for arrays of features.
        options: latent dimensions, network and likelihood, as objects or by name; see `help(VAE.__init__)`.
        pixels: key of PIXELS: what the values are (`data.pixels`).
        classes: K, number of classes (`data.classes`): encoder and decoder are conditioned on the class of each
            image, `labels.one_hot` (Kingma et al. 2014b, eq. 6; Sohn et al. 2015). 0 for a model without labels.
        encoder, decoder: own modules instead of a network's name: (B, *shape), None -> (B, numbers_per_latent * D)
            and (B, D), None -> (B, C, H, W), or of one argument; they are tried with one example. What the decoder gives
            are logits for a Bernoulli likelihood, without a sigmoid. Loading such a run asks for them again.
        seed: of the weights, which are then those of `vaekit.train(seed=)`; None draws them from torch's own generator.

    Attributes:
        numbers_per_latent: numbers that the encoder returns for each latent dimension.

    Raises:
        SettingError: an unknown name, a size below 1, or a likelihood that does not fit the pixels.
    """

    numbers_per_latent: ClassVar[int]
    prior_method = "mixture"

    @configured(AutoencoderSettings)
    def __init__(
        self,
        shape: tuple[int, ...],
        options: AutoencoderSettings,
        *,
        pixels: str = "8-bit",
        classes: int = 0,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        if (encoder is None) != (decoder is None):
            raise SettingError("pass both encoder and decoder, or neither and a network's name.")
        self.shape, self.latent_dim = checked_shape(shape, pixels), options.latent_dim
        self.classes = check_classes(classes)
        self.units = units_for(self.shape, pixels)
        likelihood = decide_likelihood(options.likelihood, pixels)
        self.likelihood: Likelihood = likelihood.build(self.shape)
        numbers = self.numbers_per_latent * self.latent_dim, self.latent_dim, self.likelihood.num_params
        spec = Spec(self.shape, *numbers, condition=classes)
        if encoder is not None and decoder is not None:
            free = "logits" if self.likelihood.logits else "means of any size" * (self.units is not None)
            network = Undecided(CUSTOM)
            pair = own_pair(encoder, decoder, spec, model=type(self).__name__, free=free)
        elif options.network == Undecided(CUSTOM):
            raise SettingError("network 'custom' wants its own modules: pass an encoder and a decoder.")
        else:
            network = decide_network(options.network, self.shape)
            with weights_of(seed):
                pair = network.build(spec)
        self.encoder, self.decoder, self._pair = pair.encoder, pair.decoder, pair
        init = init_of(options, self.likelihood.normal, pair)
        linear = init == "pca"
        self.principal = PrincipalPath(prod(self.shape), self.latent_dim, classes) if linear else None
        self.options = dataclasses.replace(options, network=network, likelihood=likelihood, init=init)
        about = {"shape": list(self.shape), "pixels": pixels, "classes": classes}
        self.arguments = about | self.options.flat()

    @abstractmethod
    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """q(z|x), batch shape (B, D); `.mean` is the embedding. x: (B, *shape), float in [0, 1] or uint8.

        Out of training its numbers carry no graph, unless x wants gradients. `embed` gives those of any number of images.

        Args:
            y: (B,) labels, for a conditional model, whose q(z|x, y) and p(x|z, y) depend on them.
        """

    @abstractmethod
    def forward(self, x: Tensor, y: Tensor | None = None, samples: int | None = None) -> Output:
        """p(x|z) at a draw of z from q(z|x), with the latents. x: (B, *shape), float.

        Args:
            x: (B, *shape), float.
            y: (B,) labels, for a conditional model.
            samples: S draws per image: z is (S, B, D) and p(x|z) has batch shape (S, B), the encoder
                sees each image once. None: one draw, without that dimension.
        """

    def infer(self, x: Tensor, y: Tensor | None = None) -> tuple[Latent, ...]:
        """The one layer of latents at its mean; without a prior the latent, which is not random.

        Args:
            x: (B, *shape), float in [0, 1] or uint8.
            y: (B,) labels, for a conditional model.
        """
        posterior = self.encode(x, y)
        if isinstance(self, HasPrior):
            return (Latent(posterior, self.prior(), posterior.mean),)
        return (Latent(None, None, posterior.mean),)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """p(x|z), batch shape (..., B), for z (..., B, D): leading sample dimensions are kept.

        Args:
            z: latents (..., B, D).
            y: (B,) or (..., B) labels, for a conditional model.
        """
        z = self.check_latents(z)
        if y is not None and y.shape == z.shape[-2:-1]:
            y = y.expand(z.shape[:-1])
        with self.graph(z):
            condition = self.condition(None if y is None else y.flatten(), prod(z.shape[:-1]))
            raw = self.decoder(z.flatten(0, -2), condition)
            if self.principal is not None:
                raw = raw + self.principal.decoding(z.flatten(0, -2), condition).view(raw.shape)
            return self.in_units(self.likelihood(raw.unflatten(0, z.shape[:-1])))

    def prepare(self, images: Tensor) -> None:
        """Starts a fresh model where the training images say: see `prepare_from`."""
        self.prepare_from(Split(images))

    def prepare_from(self, split: Split) -> None:
        """Starts a fresh model at probabilistic PCA of the training images, or the decoder at their mean.

        As its `init` says; the mean only where the network allows it. Real data say its units.
        """
        if not self._fresh:
            return
        self.take_units(split.images)
        self._fresh = False
        self.likelihood.begin_from(parts_of(split.images))
        if self.principal is not None:
            self._begin_at_components(self.principal, split)
        elif self._pair.output_bias is not None:
            self._begin_at_mean(self._pair.output_bias, split.images)

    def _begin_at_components(self, path: PrincipalPath, split: Split) -> None:
        """Both networks say nothing yet, and the path beside them is probabilistic PCA within each class."""
        rows, means = centred(split, self.classes, self.shown_rows)
        directions = None if self.units is None else varying_directions(rows)
        rows = rows if directions is None else rows @ directions
        most = min(self.latent_dim, len(rows) - 1, rows.shape[1] - 1)
        count = held_out_curve(rows, most).best(most)
        found = principal_components(rows, count)
        sigma = self.likelihood.begin_at(found.left**0.5)
        path.begin(found if directions is None else found.within(directions), means, sigma)
        for head in self._pair.heads:
            for weights in head.parameters():
                nn.init.zeros_(weights)

    @property
    def begins_fitted(self) -> bool:
        """At probabilistic PCA."""
        return self.principal is not None

    def shown_rows(self, images: Tensor) -> Tensor:
        """Images as the networks see them, flattened: (N, *shape) -> (N, P), on the CPU."""
        return self.standard(to_unit(images)).float().flatten(1)

    def _begin_at_mean(self, bias: nn.Parameter, images: Tensor) -> None:
        mean = self.standard(mean_image(images)).to(bias)
        if bias.numel() != prod(self.shape) * self.likelihood.num_params:  # one number per channel
            mean = mean.flatten(1).mean(1)[:, None, None]
        with torch.no_grad():
            bias.copy_(self.likelihood.params_from_mean(mean).flatten())

    def embed(self, x: Any, y: Any = None) -> Any:
        """Embeddings of any number of images, the means of q(z|x), (N, D) float32: in eval mode, a few at a time.

        Args:
            x: (N, *shape), float in [0, 1] or uint8; real values as the data have them. A tensor gives a tensor, on the
                CPU and without graph; an array, a list, Pillow's images, a table or a loader give an array.
            y: (N,) labels, for a conditional model.

        Raises:
            DataError: images of another shape, or of other values than the model takes.
        """
        images = as_examples(x, self.shape, self.pixels)
        size = max(1, AT_ONCE // prod(self.shape))
        with evaluating(self), torch.no_grad():
            parts = [
                self.encode(images[i : i + size], None if y is None else y[i : i + size]).mean.float().cpu()
                for i in range(0, max(len(images), 1), size)
            ]
        return torch.cat(parts)

    def latents_for_prior(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """A draw of q(z|x) for each image, (B, D): together they are the aggregate posterior."""
        with evaluating(self), torch.no_grad():
            return self.encode(x, y).sample()

    def reconstruct(self, x: Tensor, y: Tensor | None = None, *, redraw_as: Tensor | None = None) -> Tensor:
        """Mean of p(x|z) at the posterior mean, (B, *shape): deterministic, in eval mode.

        Args:
            x: (B, *shape), float in [0, 1] or uint8.
            y: (B,) labels of the images, for a conditional model.
            redraw_as: (B,) labels to decode under instead: the same style as another class.
        """
        with evaluating(self), torch.no_grad():
            return self.picture(self.decode(self.encode(x, y).mean, y if redraw_as is None else redraw_as))

    def encoded(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Returns the encoder's outputs for images, checked, and their labels: (B, numbers_per_latent * D)."""
        x = self.check_images(x)
        with self.graph(x):
            condition = self.condition(y, x.shape[0])  # len() would fix an export's batch
            raw = self.encoder(x, condition)
            if self.principal is None:
                return raw
            return raw + self.principal.encoding(x, condition)[:, : raw.shape[1]]


def init_of(options: AutoencoderSettings, normal: bool, pair: Pair) -> Literal["pca", "random"]:
    """The place where a model begins.

    Raises:
        SettingError: "pca", where p(x|z) is not `normal` or the networks cannot be silenced.
    """
    fits = normal and bool(pair.heads)
    if options.init == "pca" and not fits:
        wanted = "one of vaekit's own networks" if normal else "likelihood='gaussian-optimal'"
        raise SettingError(f"init='pca' needs {wanted}; take init='random'.", "init")
    if options.init != "auto":
        return options.init
    return "pca" if fits and options.network == Undecided("auto") else "random"


def centred(split: Split, classes: int, shown: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Examples less the mean of their class, or of all, as far as they are looked at.

    Args:
        split: training examples; labels are read where there are classes.
        classes: K, or 0.
        shown: gives rows (N, P) of stored examples.

    Returns:
        Rows (n, P), and the means, (max(K, 1), P); that of a class without examples is the mean of all.
    """
    values = split.images[0].numel()
    places = spread(torch.arange(len(split)), values)
    rows = torch.cat([shown(split.images[part]) for part in places.split(500)])
    whole = rows.mean(0)
    if not classes or split.labels is None:
        return rows - whole, whole[None]
    labels = split.labels[places]
    means = torch.stack([rows[labels == k].mean(0) if (labels == k).any() else whole for k in range(classes)])
    return rows - means[labels], means


def parts_of(images: Tensor, most: int = 10_000) -> Iterator[Tensor]:
    """At most `most` evenly spaced images, a few at a time, as floats: (n, *shape) each."""
    return (to_unit(part) for part in images[:: -(-len(images) // most)].split(100))


def mean_image(images: Tensor, most: int = 10_000) -> Tensor:
    """Mean over at most `most` evenly spaced images, in [0, 1] for pixels: (*shape)."""
    kind = (
        torch.float32 if images.dtype == torch.uint8 else torch.float64
    )  # an offset leaves no digits in a long sum
    sums = [(part.sum(0, dtype=kind), len(part)) for part in parts_of(images, most)]
    return torch.stack([total for total, _ in sums]).sum(0) / sum(count for _, count in sums)
