"""A trained model in exact arithmetic: what coder and decoder compute alike, wherever they run.

Floats do not agree between machines: with another batch size, instruction set or library a last bit differs, and an
entropy coder that sees one other frequency loses the rest of its stream. Networks whose weights and activations are
whole numbers times a power of two are computed alike everywhere (`vaekit.coding.integers`).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vaekit.coding.integers import Program, canonical, narrowed
from vaekit.coding.proof import check_arrays, checked
from vaekit.core import DataError, foreign

RANGES = {"binary": 1, "8-bit": 255}  # greatest value of a pixel
SIDES = ("encoder", "decoder")


@dataclass(frozen=True, eq=False)
class ExactModel:
    """A VAE of one layer of latents with prior N(0, I), in exact arithmetic. Numbers are integers / 2^12.

    Attributes:
        shape: of one image, (C, H, W) or (D,).
        latent_dim: D.
        classes: K, of the condition; 0 without one.
        pixels: "binary" (values 0 and 1) or "8-bit" (0 to 255).
        likelihood: its `name`, `numbers` per value, its options, and its parameters, if it has any, as arrays of
            whole numbers.
        encoder: "x" (B, values), and "y" (B, K) with 1 for the class and 0 elsewhere, to "mean" and "log_variance"
            (B, D). The log-variance is bounded as the model bounds it.
        decoder: "z" (B, D) within 16 of 0, and "y", to "raw": (B, numbers * values), what the likelihood takes,
            flattened as torch flattens (numbers * C, H, W).
        weight_bits: bits after the point of its weights: with the model itself, all that it is made of.
    """

    shape: tuple[int, ...]
    latent_dim: int
    classes: int
    pixels: str
    likelihood: Mapping[str, Any]
    encoder: Program
    decoder: Program
    weight_bits: int

    def hash(self) -> str:
        """SHA-256 of all that decides what is computed, as hexadecimal digits: of the description's JSON with the
        hashes of the programs in their places."""
        about = self._about() | {side: getattr(self, side).hash() for side in SIDES}
        about["tables"] = Program((), self._tables(), {}, {}).hash()
        return hashlib.sha256(canonical(about)).hexdigest()

    def one_hot(self, labels: np.ndarray) -> np.ndarray:
        """The condition of labels (B,), (B, K) int64.

        Raises:
            DataError: a label is none of the classes.
        """
        labels = np.asarray(labels)
        if labels.size and not 0 <= labels.min() <= labels.max() < self.classes:
            raise DataError(f"labels must be from 0 to {self.classes - 1} in exact arithmetic.")
        return (labels[:, None] == np.arange(self.classes)).astype(np.int64)

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """A description, JSON-able, and arrays of the least integer type that holds their values."""
        groups = {side: getattr(self, side).arrays for side in SIDES} | {"likelihood": self._tables()}
        arrays = {
            f"{group}.{name}": narrowed(values)
            for group, held in groups.items()
            for name, values in held.items()
        }
        return self._about() | {side: getattr(self, side).description() for side in SIDES}, arrays

    @classmethod
    def from_arrays(
        cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray], where: str = "the file"
    ) -> ExactModel:
        """The model that `to_arrays` described. Both may come from anyone: the proof is made again.

        Args:
            where: begins the line of an error.

        Raises:
            DataError: it is damaged, or its sums could pass 2^53.
        """
        with foreign(where, DataError, lambda _: "its model is damaged."):
            sides = {side: checked(description[side], under(side, arrays), where) for side in SIDES}
            tables = under("likelihood", arrays)
            check_arrays(tables)
            shape = tuple(int(size) for size in description["shape"])
            model = cls(
                shape,
                int(description["latent_dim"]),
                int(description["classes"]),
                str(description["pixels"]),
                dict(description["likelihood"]) | tables,
                **sides,
                weight_bits=int(description["weight_bits"]),
            )
            model.check()
        return model

    def check(self) -> None:
        """Raises ValueError where the programs do not fit the sizes."""
        values, top = int(np.prod(self.shape)), RANGES[self.pixels]
        condition = {"y": (self.classes, 0, 1)} if self.classes else {}
        if self.encoder.inputs != {"x": (values, 0, top)} | condition:
            raise ValueError("inputs of the encoder")
        if self.decoder.inputs != {"z": (self.latent_dim, -(2**16), 2**16)} | condition:
            raise ValueError("inputs of the decoder")
        widths = self.encoder.widths | self.decoder.widths
        wanted = dict.fromkeys(("mean", "log_variance"), self.latent_dim)
        if widths != wanted | {"raw": int(self.likelihood["numbers"]) * values}:
            raise ValueError("outputs")

    def _about(self) -> dict[str, Any]:
        fields = (field.name for field in dataclasses.fields(self) if field.name not in SIDES)
        about = {name: getattr(self, name) for name in fields}
        tables = self._tables()
        likelihood = {name: value for name, value in self.likelihood.items() if name not in tables}
        return about | {"shape": list(self.shape), "likelihood": likelihood}

    def _tables(self) -> dict[str, np.ndarray]:
        return {name: value for name, value in self.likelihood.items() if isinstance(value, np.ndarray)}


def under(group: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a group by the rest of their names."""
    prefix = f"{group}."
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
