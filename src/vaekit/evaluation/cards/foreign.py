"""An autoencoder that is no run: two networks, in ONNX files or functions, and how they are spoken to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.config.foreign_options import ForeignSettings
from vaekit.core import RunError, SettingError
from vaekit.evaluation.cards.called_network import CalledNetwork
from vaekit.evaluation.cards.conventions import (
    Network,
    axes_of,
    fits,
    from_network,
    range_of,
    text,
    to_network,
)
from vaekit.evaluation.cards.onnx_network import OnnxNetwork
from vaekit.evaluation.cards.rebuilt import Rebuilt
from vaekit.evaluation.cards.roles import Coded, coded, in_bits, roles_of
from vaekit.runtime.pulse import ProgressCallback, report

Given = str | Path | Callable[..., Any]
MOST, VALUES = (
    100,
    2**20,
)  # images at a time, and values of images: networks of any size are to fit into memory
FAR = 0.1  # beyond black or white, at which a range may be the wrong one


@dataclass(frozen=True)
class Foreign:
    """Two networks and the conventions between them and images.

    Attributes:
        encoder, decoder: the networks.
        settings: what was said of them.
        shape: of an image, (C, H, W) or (D,).
        pixels: key of PIXELS; real values reach the networks as they are.
    """

    encoder: Network
    decoder: Network
    settings: ForeignSettings
    shape: tuple[int, ...]
    pixels: str

    @property
    def axes(self) -> str:
        """The order of the axes of images."""
        return axes_of(self.encoder, self.shape, self.settings.axes)

    @property
    def values(self) -> str:
        """The encoder's values of black and white, a key of ENDS; "" for real values."""
        return "" if self.pixels == "real" else range_of(self.settings.range, self.encoder.dtype)

    @property
    def whole(self) -> bool:
        """Says whether the decoder takes whole numbers."""
        return self.decoder.dtype.kind in "iu"

    def rebuilt(
        self, images: Tensor, labels: Tensor | None = None, tell: ProgressCallback | None = None
    ) -> Rebuilt:
        """Images through the networks and back.

        Args:
            images: (N, *shape), as they are shown.
            labels: (N,) class numbers, for networks that take some.

        Raises:
            SettingError: the networks do not fit each other or these images.
            RunError: a network fails, or gives numbers that are not finite.
        """
        parts, latents = [], []
        roles: dict[str, str] | None = None
        step = max(1, min(MOST, VALUES // math.prod(self.shape)))
        for start in range(0, len(images), step):
            y = None if labels is None else labels[start : start + step].numpy()
            outputs = self.encoded(images[start : start + step], y)
            if roles is None:
                wanted = self.settings.latents
                roles = roles_of(outputs, wanted, self.decoder.given, self.whole, self.encoder.where)
            latents.append(coded(outputs, roles, self.whole))
            parts.append(self.decoded(latents[-1].z, y))
            report(tell, "reconstructions", sum(map(len, parts)), len(images))
        assert roles is not None
        found = torch.cat(parts)
        _check_finite(found, self.decoder.where)
        bits, notes = self._bits(latents)
        notes += self._draws(
            self.encoded(images[:8], None if labels is None else labels[:8].numpy()), roles, latents[0]
        ) + self._range_notes(found)
        return Rebuilt(found, bits, self._about(roles), notes)

    def encoded(self, images: Tensor, y: np.ndarray | None) -> dict[str, np.ndarray]:
        """The encoder's outputs for images (N, *shape) as they are shown."""
        return self.encoder(to_network(images, self.axes, self.values, self.encoder.dtype), y)

    def decoded(self, z: np.ndarray, y: np.ndarray | None) -> Tensor:
        """Images (N, *shape) of latents (N, ...)."""
        outputs = self.decoder(self._for_decoder(z), y)
        if len(outputs) != 1:
            raise SettingError(
                f"{self.decoder.where}: gives {len(outputs)} outputs ({', '.join(outputs)}); one is wanted, the images.",
                "decoder",
            )
        (found,) = outputs.values()
        own = self.settings.decoder_range
        wanted = self.settings.range if own == "same" else own
        values = "" if self.pixels == "real" else range_of(wanted, found.dtype)
        return from_network(found, self.axes, values, self.shape, self.decoder.where)

    def _for_decoder(self, z: np.ndarray) -> np.ndarray:
        """Latents in the shape and type that the decoder takes.

        Raises:
            SettingError: it takes others.
        """
        declared = self.decoder.given
        if declared is not None and not fits(declared, z.shape[1:]):
            if None in declared or math.prod(z.shape[1:]) != math.prod(size for size in declared if size):
                raise SettingError(
                    f"{self.encoder.where} gives latents of {text(z.shape[1:])} and {self.decoder.where} takes "
                    f"{text(declared)}: they do not belong together, or latents= names other outputs.", "decoder"
                )  # fmt: skip
            z = z.reshape(len(z), *(size for size in declared if size))
        if self.whole and not np.array_equal(z, np.rint(z)):
            raise SettingError(
                f"{self.decoder.where} takes whole numbers, and {self.encoder.where} gives others; latents='codes' says "
                "which of its outputs are codes.", "latents"
            )  # fmt: skip
        keep = isinstance(self.decoder, CalledNetwork) and z.dtype.kind in "iu"
        return np.ascontiguousarray(z if keep else z.astype(self.decoder.dtype))

    def _bits(self, latents: list[Coded]) -> tuple[dict[str, Tensor], list[str]]:
        """Bits of each image, and why there are none."""
        nats = [one.nats for one in latents if one.nats is not None]
        if len(nats) == len(latents):
            total = torch.cat(nats)
            _check_finite(total, self.encoder.where)
            return {"rate_bits": in_bits(total)}, []
        codes = [one.codes for one in latents if one.codes is not None]
        if not codes:
            return {}, ["The encoder gives no spread and no codes, so its latents have no rate."]
        count, least, most = self.settings.codes, min(c.min() for c in codes), max(c.max() for c in codes)
        if count is None:
            return {}, [
                f"The codes have no length without their number; numbers up to {most} occur: give codes=K."
            ]
        if least < 0 or most >= count:
            raise SettingError(f"codes={count}: the encoder gives codes from {least} to {most}.", "codes")
        bits = math.prod(codes[0].shape[1:]) * math.log2(count)
        return {"fixed_bits": torch.full((sum(map(len, codes)),), bits, dtype=torch.float64)}, []

    def _draws(self, outputs: dict[str, np.ndarray], roles: dict[str, str], first: Coded) -> list[str]:
        """A note where the first images are encoded otherwise a second time, as these outputs."""
        again = coded(outputs, roles, self.whole)
        if np.allclose(again.z, first.z[: len(again.z)], rtol=1e-3, atol=1e-3):
            return []
        return ["The encoder draws at random: another card of the same files has other figures."]

    def _range_notes(self, found: Tensor) -> list[str]:
        low, high = float(found.min()), float(found.max())
        if self.pixels == "real" or (low >= -FAR and high <= 1 + FAR):
            return []
        return [
            f"Reconstructions go from {low:.2f} to {high:.2f}, where 0 is black and 1 white, and are cut there; is range= "
            "what the networks take and give, or are these logits?"
        ]

    def _about(self, roles: dict[str, str]) -> dict[str, Any]:
        named = {"encoder": self.encoder, "decoder": self.decoder}
        files = {key: network.name for key, network in named.items()}
        hashes = {f"{key}_sha256": network.digest for key, network in named.items() if network.digest}
        return {
            **files, **hashes, "axes": self.axes, "range": self.values or "real values",
            "latents": ", ".join(f"{name}: {role}" for role, name in roles.items()),
        }  # fmt: skip


def network_of(given: Given, option: str) -> Network:
    """A network from an ONNX file or a function.

    Raises:
        RunError, SettingError: it is neither, or cannot be used.
    """
    if isinstance(given, str | Path):
        return OnnxNetwork(given, option)
    if not callable(given):
        raise SettingError(f"{option} is a {type(given).__name__}; give an ONNX file or a function.", option)
    return CalledNetwork(given, option)


def _check_finite(values: Tensor, where: str) -> None:
    bad = int((~values.isfinite().flatten(1).all(1) if values.ndim > 1 else ~values.isfinite()).sum())
    if bad:
        raise RunError(f"{where}: gives numbers that are not finite for {bad:,} of {len(values):,} images.")
