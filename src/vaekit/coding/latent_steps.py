"""Latent variable models as the steps of a coder with bits back.

Encoding an image is a list of steps. `Draw` takes a layer of latents off the lanes, under its posterior; `Send` puts one on
them, under its prior or given what is sent later; `SendImage` puts the image on. Decoding is the same list from its end,
with drawing and sending exchanged. So a step may be given what is drawn before it (a draw) or sent after it (both), and
the image.

    one layer      draw z | x,  send x | z,  send z                                       (Townsend et al. 2019)
    Bit-Swap       draw z1 | x, send x | z1, draw z2 | z1, send z1 | z2, ..., send zL     (Kingma et al. 2019, algorithm 2)
    all at once    draw z | x, draw g | x, z, send x | z, g, send g | z, send z           (a hierarchy without Markov's property)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from vaekit.coding.ans import Lanes
from vaekit.coding.exact import ExactModel
from vaekit.coding.kinds_of_masses import masses_of
from vaekit.coding.latents import Bins, Conditional, Posterior
from vaekit.coding.masses import Masses

Known = Mapping[
    str, np.ndarray
]  # "x" (B, V), "y" (B, K), and latents (B, D) by their names, integers / 2**12
Normals = Callable[[Known], tuple[np.ndarray, np.ndarray]]  # means and log-variances, (B, D) integers / 2**12
Numbers = Callable[[Known], np.ndarray]  # the decoder's, (B, numbers * V) integers / 2**12


@dataclass
class State:
    """Images at work in the lanes.

    Attributes:
        known: what steps may be given, by name.
        bins: of latents, (D, B) each.
        bits: that images cost so far, (B,); when decoding, what is given back.
    """

    known: dict[str, np.ndarray]
    count: int
    bins: dict[str, np.ndarray] = field(default_factory=dict)
    bits: np.ndarray | float = 0.0


@dataclass(frozen=True)
class Layer:
    """A layer of latents."""

    name: str
    dimensions: int
    bins: Bins

    def know(self, state: State, bins: np.ndarray) -> None:
        state.bins[self.name], state.known[self.name] = bins, self.bins.centres.take(bins.T)


@dataclass(frozen=True)
class Draw:
    """Takes a layer off the lanes under its posterior."""

    layer: Layer
    given: Normals

    def encode(self, lanes: Lanes, state: State) -> None:
        bins, bits = Posterior(self.layer.bins, *self.given(state.known)).pop(lanes)
        self.layer.know(state, bins)
        state.bits -= bits

    def decode(self, lanes: Lanes, state: State) -> None:
        Posterior(self.layer.bins, *self.given(state.known)).push(lanes, state.bins[self.layer.name])


@dataclass(frozen=True)
class Send:
    """Puts a layer on the lanes under N(0, I), or a normal given what is sent later."""

    layer: Layer
    given: Normals | None = None

    def encode(self, lanes: Lanes, state: State) -> None:
        bins = state.bins[self.layer.name]
        if self.given is None:
            self.layer.bins.push(lanes, bins)
            state.bits += len(bins) * self.layer.bins.depth
        else:
            state.bits += Conditional(self.layer.bins, *self.given(state.known)).push(lanes, bins)

    def decode(self, lanes: Lanes, state: State) -> None:
        bins, size = self.layer.bins, self.layer.dimensions
        if self.given is None:
            self.layer.know(state, bins.pop(lanes, size, state.count))
        else:
            self.layer.know(state, Conditional(bins, *self.given(state.known)).pop(lanes)[0])


@dataclass(frozen=True)
class SendImage:
    """Puts images on the lanes under the likelihood."""

    masses: Masses
    values: int
    given: Numbers

    def encode(self, lanes: Lanes, state: State) -> None:
        state.bits += self.masses.push(lanes, self.given(state.known), state.known["x"])

    def decode(self, lanes: Lanes, state: State) -> None:
        state.known["x"] = self.masses.pop(lanes, self.given(state.known), self.values)


@dataclass(frozen=True)
class Scheme:
    """Steps of encoding an image.

    Attributes:
        values: of an image, V.
        numbers: that are held for each image at a time, at most: they bound how many images go at once.
    """

    steps: tuple[Draw | Send | SendImage, ...]
    values: int
    numbers: int

    @property
    def lanes(self) -> int:
        """Returns how many images go at once."""
        return min(step.masses.lanes for step in self.steps if isinstance(step, SendImage))

    @property
    def drawn(self) -> int:
        """Returns the bits that draws may take for an image, at most about."""
        return sum(
            step.layer.dimensions * step.layer.bins.depth for step in self.steps if isinstance(step, Draw)
        )

    def encode(self, lanes: Lanes, known: Known) -> np.ndarray:
        """Puts images on the first lanes; returns the bits of each, (B,) float64."""
        state = State(dict(known), len(known["x"]))
        for step in self.steps:
            step.encode(lanes, state)
        return np.asarray(state.bits)

    def decode(self, lanes: Lanes, known: Known, count: int) -> np.ndarray:
        """Takes images off the first lanes, (B, V) integers.

        Raises:
            DataError: the stream is damaged.
        """
        state = State(dict(known), count)
        for step in reversed(self.steps):
            step.decode(lanes, state)
        return state.known["x"]


def one_layer(model: ExactModel) -> Scheme:
    """Returns the steps of a VAE of one layer of latents."""
    z, values = Layer("z", model.latent_dim, Bins()), int(np.prod(model.shape))
    masses = masses_of(model.likelihood, model.shape)
    numbers = int(model.likelihood["numbers"]) * values

    def posterior(known: Known) -> tuple[np.ndarray, np.ndarray]:
        found = model.encoder.run(known)
        return found["mean"], found["log_variance"]

    def pixels(known: Known) -> np.ndarray:
        return model.decoder.run(known)["raw"]

    return Scheme((Draw(z, posterior), SendImage(masses, values, pixels), Send(z)), values, numbers)


def bit_swap(
    layers: Sequence[Layer], up: Sequence[Normals], down: Sequence[Normals], image: SendImage, numbers: int
) -> Scheme:
    """Returns the steps of a Markov hierarchy of L layers in Bit-Swap's order.

    Args:
        layers: from the image upwards.
        up: q(z1|x), q(z2|z1), ..., L of them.
        down: p(z1|z2), ..., L - 1 of them.
        image: p(x|z1).
        numbers: as of `Scheme`.
    """
    steps: list[Draw | Send | SendImage] = [Draw(layers[0], up[0]), image]
    for number in range(1, len(layers)):
        steps += [Draw(layers[number], up[number]), Send(layers[number - 1], down[number - 1])]
    return Scheme((*steps, Send(layers[-1])), image.values, numbers)
