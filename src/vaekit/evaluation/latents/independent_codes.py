"""The cost of codes without any dependence between positions: what a prior of codes is compared with."""

from __future__ import annotations

import torch
from torch import Tensor

# Of the pull of counts towards the frequencies above them, in counts: from nothing else to hardly any. Of equals the
# first is taken, so that a single image, which says nothing of it, is not trusted.
PULLS = [2.0**power for power in range(30, -7, -1)]


def independent_bits(codes: Tensor, training: Tensor, size: int) -> Tensor:
    """Length of each image's codes with every position coded by itself, by how often each code stood there in
    training images: -sum_t log2 p_t(c_t), (N,) float64.

    It is of images that were not counted, as the length under a fitted prior is. (The entropy of the images' own
    counts is shorter than any code of them: by about (K - 1) / (2 N ln 2) bits for each position, and it never exceeds
    log2 N.) The counts are smoothed in two steps, towards the frequencies at all positions together, and these
    towards all codes alike (MacKay & Peto 1995: Dirichlet priors, one above the other):

        p_t(k) = (n_tk + a g_k) / (n + a),    g_k = (m_k + b / K) / (m + b)

    with n_tk of the n training images having code k at t, and m_k of all m = n T codes. a and b are those under which
    the training codes are shortest when each is coded by the counts of all others.

    Args:
        codes: (N, T) int64, of the images that are measured.
        training: (n, T) int64, of the training images; n >= 1.
        size: K.
    """
    counts = torch.stack([column.bincount(minlength=size) for column in training.T]).double()
    overall, alike = counts.sum(0), torch.full((size,), 1 / size, dtype=torch.float64)
    b = best_pull(overall, alike)
    without_one = (overall - 1 + b * alike) / (overall.sum() - 1 + b)
    a = best_pull(counts, without_one)
    logs = smoothed(counts, smoothed(overall, alike, b), a).log2()
    return -logs.T.gather(0, codes).sum(1)


def smoothed(counts: Tensor, towards: Tensor, pull: float) -> Tensor:
    """Frequencies from counts (..., K) and `pull` more of them, shared out as `towards` says, (K,)."""
    return (counts + pull * towards) / (counts.sum(-1, keepdim=True) + pull)


def best_pull(counts: Tensor, towards: Tensor) -> float:
    """The one of PULLS under which what was counted, (..., K), is likeliest when each is left out of the counts in turn.

    Args:
        towards: (K,), for each code as it is without one of its own.
    """
    counted = counts > 0
    kept, base = counts[counted], towards.expand_as(counts)[counted]
    total = counts.sum(-1, keepdim=True).expand_as(counts)[counted]
    lengths = [float(-(kept * ((kept - 1 + a * base) / (total - 1 + a)).log()).sum()) for a in PULLS]
    return PULLS[lengths.index(min(lengths))]
