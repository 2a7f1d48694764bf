"""Interfaces of models: what every one has, and what one can do.

What a model can do is a protocol: a class has the capability by implementing its methods, whether it is built in or
a user's own. Commands, evaluation, figures and pages ask `isinstance(model, Encodes)`, never for a class by name;
objectives say in `needs` what they ask of a model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.compiler import is_exporting
from torch.distributions import Distribution

from vaekit.core import DataError, Latent, SettingError
from vaekit.data.dataset import Split, to_unit
from vaekit.data.labels import check_labels, one_hot, round_robin
from vaekit.data.view import show
from vaekit.models.units import InUnits, Units
from vaekit.runtime.device import held_by


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

    def fitted_prior(self) -> CodeDensity | None:
        """The prior that was fitted to its latents; None without one."""
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


class Model(nn.Module, ABC):
    """Something that can be trained and draws images.

    Attributes:
        shape: shape of one image, (C, H, W) or (D,).
        classes: K, number of classes the model is conditioned on; 0 for a model without labels,
            which takes no notice of any y.
        latent_dim: D, numbers of its latents, all layers together; 0 where they are no vectors.
        arguments: what the constructor was given, resolved and JSON-able; `Model(**arguments)` builds
            the same architecture again.
        prior_method: key of PRIORS: what `vaekit prior` fits to its latents; None where it has none.
        fitted: gives the prior that was fitted to its latents, once there is one (`vaekit.load_run` sets it).
        units: of real data, which networks see standardised; None where values have no units.
    """

    prior_method: ClassVar[str | None] = None
    fitted: Callable[[], CodeDensity] | None = None
    shape: tuple[int, ...]
    classes: int = 0
    latent_dim: int = 0
    arguments: dict[str, Any]
    units: Units | None

    def __init__(self) -> None:
        super().__init__()
        self.units = None
        self._fresh = True  # its weights are still those of its initialisation
        self.register_load_state_dict_post_hook(_used)

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
            y: (count,) labels of a conditional model; None cycles through its classes.
        """  # fmt: skip

    @abstractmethod
    def prepare(self, images: Tensor) -> None:
        """Takes what it needs from the training images, (N, *shape) as stored, before the first step."""

    def prepare_from(self, split: Split) -> None:
        """`prepare`, for a model that looks at the labels of the training images too."""
        self.prepare(split.images)

    @property
    def pixels(self) -> str:
        """Key of PIXELS: what the values are that the model takes."""
        return self.arguments.get("pixels", "8-bit")

    @property
    def likelihood_name(self) -> str | None:
        """Key of LIKELIHOODS; None for a model without a likelihood."""
        return self.arguments.get("likelihood")

    @property
    def begins_fitted(self) -> bool:
        """Whether `prepare` makes a model of the data, so that its first weights may be the best."""
        return False

    def can_sample(self) -> bool:
        """Returns whether `sample` works."""
        return True

    def options_of_prior(self) -> dict[str, Any]:
        """Options of the prior that this model decides."""
        return {}

    @property
    def sampled_classes(self) -> int:
        """Number of classes of which `sample` takes labels; 0 where it takes no notice of any."""
        return self.classes

    def condition(self, y: Tensor | None, count: int) -> Tensor | None:
        """Returns what the networks are conditioned on: `one_hot` labels of `count` images, (count, K); None
        without classes.

        Raises:
            DataError: labels that are missing or wrong. Their range is not validated in a training step
                on an accelerator, which would have to be waited for: `fit` has validated them.
        """
        if not self.classes:
            return None
        validate = y is None or y.device.type == "cpu" or not self.training
        parameter = next(self.parameters())
        return one_hot(check_labels(y, count, self.classes, validate), self.classes, like=parameter)

    def check_images(self, x: Tensor) -> Tensor:
        """Images as floats on the model's device, shown as its pixels ask (`vaekit.data.view.show`).

        In training they have been shown already, and are not looked at.

        Raises:
            DataError: the images do not have the model's shape; names both.
        """
        parameter = next(self.parameters())
        if tuple(x.shape[1:]) != self.shape:
            given = "x".join(str(size) for size in x.shape[1:])
            raise DataError(
                f"images of shape {given} given to a model of {'x'.join(map(str, self.shape))} images."
            )
        shown = to_unit(x) if self.training or is_exporting() else show(x, self.pixels)
        return self.standard(held_by(parameter.device, shown).to(parameter.device)).to(parameter.dtype)

    def standard(self, x: Tensor) -> Tensor:
        """Examples as they are shown, (..., *shape), in units of the training data's spread where they are real.

        So the networks see them, and so errors, distances and shares of variance are measured, which then do not
        depend on units. On the model's device or not.
        """
        if self.units is None:
            return x
        device = self.units.mean.device
        return self.units.standard(held_by(device, x).to(device)).to(x.device)

    def take_units(self, images: Tensor) -> None:
        """Takes the units of real training examples, (N, *shape), for `prepare`; weights that are in use keep theirs."""
        if self.units is not None and self._fresh and not self.units.given:
            self.units.take(images)

    def per_standard_unit(self, slope: Tensor) -> Tensor:
        """A derivative by examples, (..., *shape), as a derivative by `standard` ones, in the networks' type."""
        return slope if self.units is None else (slope * self.units.scale).to(next(self.parameters()).dtype)

    def in_units(self, likelihood: Distribution) -> Distribution:
        """p(x|z) of the data themselves, from that of standardised values."""
        return likelihood if self.units is None else InUnits(likelihood, self.units)

    def chosen_labels(self, y: Tensor | None, count: int) -> Tensor | None:
        """Labels to sample under: those given, else all classes, one after another; None without classes."""
        return round_robin(count, self.classes) if y is None and self.classes else y


class CodeDensity(Model):
    """A density of the latents of another model, fitted after it: what that model then samples from.

    Its `sample` gives latents, (count, *shape), instead of images.
    """


def units_for(shape: tuple[int, ...], pixels: str) -> Units | None:
    """Units of examples, where their pixels have any."""
    return Units(shape) if pixels == "real" else None


def _used(model: nn.Module, incompatible_keys: object) -> None:
    """Marks loaded weights, so that `prepare` does not reinitialise them."""
    assert isinstance(model, Model)
    model._fresh = False


def check_classes(classes: int) -> int:
    """Raises SettingError for a number of classes below 0."""
    if classes < 0:
        raise SettingError(f"classes must be 0 (no labels) or their number, not {classes}.", "classes")
    return classes


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
