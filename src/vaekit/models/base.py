"""The interface that every model has; `vaekit.models.capabilities` has what one can do beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from numbers import Integral
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.compiler import is_exporting
from torch.distributions import Distribution

from vaekit.core import DataError, SettingError, a_kind, choose, warn_of
from vaekit.data.dataset import PIXELS, Split, to_unit
from vaekit.data.labels import check_labels, one_hot, round_robin
from vaekit.data.view import check_values, show
from vaekit.images.notebook import SHOWN, Displayed
from vaekit.models.carried import CarriedModel
from vaekit.models.doors import DOORS, ELSEWHERE, as_examples, as_tensor, check_shape, door
from vaekit.models.units import InUnits, Units
from vaekit.runtime.device import held_by
from vaekit.synonyms import meant


class Model(Displayed, CarriedModel, nn.Module, ABC):
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
        origin: the run that its weights are from, `vaekit.runs.origin.Origin`; None where there is none.
        units: of real data, which networks see standardised; None where values have no units.
    """

    prior_method: ClassVar[str | None] = None
    fitted: Callable[[], CodeDensity] | None = None
    origin: Any = None
    shape: tuple[int, ...]
    classes: int = 0
    latent_dim: int = 0
    arguments: dict[str, Any]
    units: Units | None

    def __init__(self) -> None:
        super().__init__()
        self.units = None
        self._within = 0  # calls of `forward` under way
        self._trains = False  # `train()` was called: a fresh model is asked as one that is trained
        self._fresh = True  # its weights are still those of its initialisation
        self.register_load_state_dict_post_hook(_used)

    def __init_subclass__(cls, **options: Any) -> None:
        """Makes doors of the methods that people call, of a model of one's own too."""
        super().__init_subclass__(**options)
        for name in DOORS:
            if name in vars(cls):
                setattr(cls, name, door(vars(cls)[name]))

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
            count: number of images.
            temperature: of the draws; 1 is the prior itself, less is closer to what is most likely.
            generator: of torch, on the CPU; None takes torch's own.
            y: (count,) labels of a conditional model; None cycles through its classes.
        """

    def facts(self) -> dict[str, Any]:
        """Returns its sizes and parts; `model.children()` has its modules."""
        given = getattr(self, "arguments", {})
        parts = {name: given.get(name) for name in ("pixels", "likelihood", "network")}
        counts = {"latent_dim": self.latent_dim or None, "classes": self.classes or None}
        return {
            "shape": self.shape,
            **counts,
            **parts,
            "parameters": sum(p.numel() for p in self.parameters()),
        }

    def thumbnails(self) -> Tensor | None:
        """Returns a few samples, of a model that has been prepared or loaded and draws pictures."""
        if self._fresh or self.pixels == "real" or len(self.shape) != 3 or not self.can_sample():
            return None
        return self.sample(SHOWN, generator=torch.Generator().manual_seed(0))

    @abstractmethod
    def prepare(self, images: Tensor) -> None:
        """Takes what it needs from the training images, (N, *shape) as stored, before the first step.

        Into parameters and buffers: a run that is loaded or resumed has these alone, and is not prepared again.
        """

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
        """Says whether `prepare` makes a model of the data, so that its first weights may be the best."""
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
        validate = y is None or y.device.type == "cpu" or not self.in_training
        parameter = next(self.parameters())
        return one_hot(check_labels(y, count, self.classes, validate), self.classes, like=parameter)

    def check_images(self, x: Tensor) -> Tensor:
        """Images as floats on the model's device, shown as its pixels ask (`vaekit.data.view.show`).

        In training they have been shown already, and are not looked at.

        Args:
            x: (B, *shape), uint8 or floats as the model takes them; or another form of these, as in
                `vaekit.models.doors.as_examples`.

        Raises:
            DataError: the images do not have the model's shape or its values; names both.
        """
        look = not (self.in_training or is_exporting())
        standard = self.standard(self.shown(x, look=look))
        if self.units is not None and look:
            warn_of(self.units.doubts(standard))
        return standard.to(next(self.parameters()).dtype)

    def shown(self, x: Any, look: bool = True) -> Tensor:
        """Images as floats on the model's device, in the data's own units: what errors and p(x|z) are measured of.

        Args:
            x: as in `check_images`.
            look: at the values too; what training shows has been looked at.

        Raises:
            DataError: as in `check_images`.
        """
        x = as_examples(x, self.shape, self.pixels)
        check_shape(x, self.shape)
        if look:
            check_values(x, self.pixels)
        device = next(self.parameters()).device
        return held_by(device, show(x, self.pixels) if look else to_unit(x)).to(device)

    def check_latents(self, z: Tensor) -> Tensor:
        """Latents (..., B, D) in the networks' type, on their device.

        Args:
            z: any floats; arrays of numpy too.

        Raises:
            DataError: they are not vectors of the model's latents; names both.
        """
        z = as_tensor(z)
        parameter = next(self.parameters())
        if z.ndim < 2 or z.shape[-1] != self.latent_dim:
            shape = "x".join(map(str, z.shape)) or "a single number"
            raise DataError(
                f"latents of shape {shape} given to a model of {self.latent_dim}: give (B, {self.latent_dim})."
            )
        if is_exporting() or (z.dtype == parameter.dtype and z.device == parameter.device):
            return z
        return z.to(parameter.device, parameter.dtype)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """`forward`, as an objective calls it: with a graph in eval mode too."""
        self._within += 1
        try:
            return super().__call__(*given, **named)
        finally:
            self._within -= 1

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            has = [each for each in DOORS if each != "prepare" and hasattr(type(self), each)]
            close = meant(name, has) if name not in ELSEWHERE and not name.startswith("_") else None
            if close is None and name not in (*DOORS, *ELSEWHERE):
                raise
            instead = ELSEWHERE.get(name) or f"it has {close or ', '.join(has)}"
            raise AttributeError(f"{a_kind(self)} has no {name}(); {instead}.", name=name) from None

    def train(self, mode: bool = True) -> Self:
        self._trains = mode
        return super().train(mode)

    @property
    def in_training(self) -> bool:
        """Says whether it is being trained: `train()` was called, as a fresh model's modules are in that mode too."""
        return self.training and self._trains

    def graph(self, given: Tensor) -> AbstractContextManager[Any]:
        """A context that keeps gradients in training, in `forward`, and where what is given wants them: a model's codes
        and pictures carry no graph otherwise."""
        if self.in_training or self._within or is_exporting() or given.requires_grad:
            return nullcontext()
        return torch.no_grad()

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

    def thumbnails(self) -> Tensor | None:
        return None  # its samples are latents

    @property
    def described(self) -> str:
        """Name in a sentence: `a mixture of 10 normals`."""
        return f"a {type(self).__name__}"


def checked_shape(shape: Any, pixels: str) -> tuple[int, ...]:
    """The shape of an example, (C, H, W) or (D,), and the word for its pixels.

    Raises:
        SettingError: another one, with the one that is meant.
    """
    choose(pixels, PIXELS, "pixels")
    if hasattr(shape, "shape") and hasattr(shape, "pixels"):
        raise SettingError("shape is a data set; give data.shape, pixels=data.pixels.", "shape")
    if isinstance(shape, Integral):
        raise SettingError(f"shape must be (C, H, W), or (D,) for rows of features: ({shape},).", "shape")
    if not isinstance(shape, Sequence) or not all(
        isinstance(side, Integral) and int(side) > 0 for side in shape
    ):
        raise SettingError(f"shape must be whole numbers, (C, H, W) or (D,), not {shape!r}.", "shape")
    sides = tuple(int(side) for side in shape)
    meant = {2: (1, *sides), 4: sides[1:]}.get(len(sides))
    if len(sides) == 3 and pixels != "real" and sides[2] in (1, 3, 4) and min(sides[:2]) >= 8:
        meant = (sides[2], *sides[:2])
    if meant is not None:
        raise SettingError(
            f"shape={sides}: give the shape of one image with its channels first: {meant}.", "shape"
        )
    if len(sides) not in (1, 3):
        raise SettingError(f"shape must be (C, H, W) or (D,), not {sides}.", "shape")
    return sides


def units_for(shape: tuple[int, ...], pixels: str) -> Units | None:
    """Units of examples, where their pixels have any."""
    return Units(shape) if pixels == "real" else None


def _used(model: nn.Module, incompatible_keys: object) -> None:
    """Marks loaded weights, so that `prepare` does not reinitialise them."""
    assert isinstance(model, Model)
    model._fresh = False


def check_classes(classes: int) -> int:
    """Raises SettingError for what is no number of classes, 0 or more."""
    if isinstance(classes, bool) or not isinstance(classes, Integral) or classes < 0:
        raise SettingError(f"classes must be 0 (no labels) or their number, not {classes!r}.", "classes")
    return int(classes)


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
