"""Codes that are worth their bits: an encoder that weighs the error of a picture against the length of its codes.

The reader need not know of it: any codes are codes. At each place, row by row, the codes tried are those that are near to
the encoder's own or likely under the prior; each is decoded with all others as they are, and that of the least

    squared error + trade * bits

is taken (rate-distortion optimised quantisation; for vectors, Chou, Lookabaugh & Gray 1989). Its effect on the bits of later codes is
left out.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaekit.coding.code_masses import BITS, CodeMasses
from vaekit.coding.exact_prior import Cache, Codes
from vaekit.models.capabilities import Quantizes

TRIED = 4  # codes at a place
SWEEPS = 2  # over all places
AT_ONCE = 512  # pictures that are decoded at once


class Chooser:
    """Chooses codes of pictures.

    Args:
        model: of the codes.
        vectors: (K, D), of the codes.
        masses: that they will be coded under.
        trade: what a bit is worth in squared error, summed over the values of a picture in [0, 1].
    """

    def __init__(
        self, model: Quantizes, vectors: NDArray[np.float64], masses: CodeMasses, trade: float
    ) -> None:
        self.model, self.vectors, self.masses, self.trade = model, vectors, masses, trade
        self.lengths = (vectors**2).sum(1)

    def better(self, images: Tensor, codes: Codes, y: Codes) -> Codes:
        """Codes (B, n) of a lower cost than those given, most often.

        Args:
            images: (B, C, H, W) float in [0, 1].
            codes: (B, n) of the encoder.
            y: (B,) classes.
        """
        per_distance = self.error_per_distance(images, codes)
        wanted, chosen = codes, codes.copy()
        for _ in range(SWEEPS):
            cache: Cache = []
            for place in range(codes.shape[1]):
                bits = BITS - np.log2(self.masses.next(chosen, y, cache))
                near = per_distance * self.distances(wanted[:, place])
                tried = np.argpartition(near + self.trade * bits, TRIED, axis=1)[:, :TRIED]
                tried[:, 0] = np.where(
                    (tried == chosen[:, place, None]).any(1), tried[:, 0], chosen[:, place]
                )
                cost = self.errors(images, chosen, place, tried) + self.trade * np.take_along_axis(
                    bits, tried, 1
                )
                chosen[:, place] = np.take_along_axis(tried, cost.argmin(1)[:, None], 1)[:, 0]
        return chosen

    def distances(self, codes: Codes) -> NDArray[np.float64]:
        """Squared distances of codes (B,) from all, (B, K)."""
        vectors = self.vectors[codes]
        return self.lengths[codes][:, None] + self.lengths - 2 * vectors @ self.vectors.T

    def errors(self, images: Tensor, codes: Codes, place: int, tried: Codes) -> NDArray[np.float64]:
        """Squared errors of pictures with each of the codes tried at a place, (B, tried)."""
        grids = np.repeat(codes[:, None], tried.shape[1], axis=1)
        grids[:, :, place] = tried
        flat = torch.from_numpy(grids).flatten(0, 1)
        wanted = images.repeat_interleave(tried.shape[1], 0)
        found = []
        for part, target in zip(flat.split(AT_ONCE), wanted.split(AT_ONCE), strict=True):
            pictures = self.model.decode_codes(part.view(len(part), *self.model.grid))
            found.append((pictures - target).square().flatten(1).sum(1))
        return torch.cat(found).double().numpy().reshape(tried.shape)

    def error_per_distance(self, images: Tensor, codes: Codes) -> float:
        """Squared error of a picture that a squared distance of one code's vector adds, on average."""
        place = codes.shape[1] // 2
        distances = self.distances(codes[:, place])
        order = np.argpartition(distances, 2 * TRIED, axis=1)[:, : 2 * TRIED]
        errors = self.errors(images, codes, place, np.concatenate([codes[:, place, None], order], 1))
        added = (errors[:, 1:] - errors[:, :1]).sum()
        return max(float(added / np.take_along_axis(distances, order, 1).sum()), 1e-12)
