"""A linear path beside two networks, which starts as probabilistic PCA (Tipping & Bishop 1999).

With a Gaussian p(x|z), probabilistic PCA is the optimum of a VAE whose two networks are linear (Lucas et al. 2019,
section 4), and has a closed form. A model that begins there has at its first step what training takes minutes to find,
and its networks learn what a linear map cannot say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn import functional as F

WORK = (
    1.6e10  # multiplications of one Gram matrix, about a second: they limit how many examples are looked at
)

FEWEST, MOST = 500, 10_000  # examples looked at, whatever their size

HELD_OUT = 4  # of so many examples one says how many components are worth having

PER_COLUMN = 10  # rows that a normal density wants of each column, to be no straw man

KERNELS = 2_000  # rows at most that are looked at for what components cannot say

WIDTHS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)  # of kernels, in standard deviations of a column

FLOOR = 1e-6  # of the mean variance: the least that is left out, so that sigma is above 0


@dataclass(frozen=True)
class Components:
    """Principal components of examples with P values.

    Attributes:
        vectors: (q, P), orthonormal.
        variances: (q,) of the examples along them, falling.
        left: mean variance in the P - q other directions.
    """

    vectors: Tensor
    variances: Tensor
    left: float

    def first(self, count: int) -> Components:
        """The first components; what the others had is left out."""
        values = self.vectors.shape[1]
        total = float(self.variances.double().sum()) + self.left * (values - len(self.variances))
        return Components(
            self.vectors[:count], self.variances[:count], _left(total, self.variances[:count], values)
        )

    def within(self, directions: Tensor) -> Components:
        """The same components of examples with more values, of which these are the coordinates along directions (P, r)."""
        return Components(self.vectors @ directions.T, self.variances, self.left)


@dataclass(frozen=True)
class Curve:
    """The worth of q = 1, 2, ... components, on examples that they were not made from.

    Attributes:
        nats: -log p(x) of probabilistic PCA, per example, (q,).
        explained: share of the variance, (q,).
    """

    nats: Tensor
    explained: Tensor

    def best(self, most: int) -> int:
        """The number of components, up to `most`, of the least -log p(x)."""
        return 1 + int(self.nats[:most].argmin()) if len(self.nats) else 0

    def explaining(self, share: float) -> int:
        """The least number of components that explain a share of the variance; all of them where none does."""
        enough = (self.explained >= share).nonzero()
        return 1 + int(enough[0]) if len(enough) else len(self.explained)


def looked_at(count: int, values: int) -> int:
    """The number of `count` examples with so many values that are looked at."""
    affordable = max((WORK / values) ** 0.5, WORK / values**2)
    return min(count, int(min(max(affordable, FEWEST), MOST)))


def spread(examples: Tensor, values: int) -> Tensor:
    """As many evenly spaced examples as are looked at: (N, ...) -> (n, ...)."""
    places = torch.linspace(0, len(examples) - 1, looked_at(len(examples), values)).long()
    return examples[places]


def principal_components(rows: Tensor, most: int) -> Components:
    """Components of centred rows (N, P), at most `most` and as many as there are.

    From the smaller of the two Gram matrices; each points to the side where its largest value is positive.
    """
    count, values = rows.shape
    wide = values > count
    gram = (rows @ rows.T if wide else rows.T @ rows).double() / count
    variances, vectors = torch.linalg.eigh(gram)
    variances, vectors = variances.flip(0), vectors.flip(1)
    total = float(gram.diagonal().sum())
    kept = min(most, int((variances > max(total, 1e-30) * 1e-9).sum()))
    variances, vectors = variances[:kept].float(), vectors[:, :kept].float()
    if wide:
        vectors = F.normalize(rows.T @ vectors, dim=0)
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True)) if kept else vectors[:1]
    return Components((vectors * largest.sign()).T.contiguous(), variances, _left(total, variances, values))


def varying_directions(rows: Tensor) -> Tensor | None:
    """Directions in which centred rows (N, P) vary at all, (P, r), orthonormal; None where these are all, or rows too few to say.

    Columns that are constant, equal or the sum of others leave directions without any noise. There a density has no
    bound: each more component would seem worth having, up to as many as leave nothing, at sigma 0.
    """
    count, values = rows.shape
    if count <= values:
        return None
    variances, vectors = torch.linalg.eigh(rows.double().T @ rows.double() / count)
    kept = variances > FLOOR * variances.mean()
    return None if bool(kept.all()) or not bool(kept.any()) else vectors[:, kept].to(rows.dtype)


def held_out_curve(rows: Tensor, most: int) -> Curve:
    """The curve of centred rows (N, P), on every fourth of them from components of the rest.

    -log p(x) of probabilistic PCA (Tipping & Bishop 1999, eq. 6) for every q at once, by running sums.
    """
    places = torch.arange(len(rows)) % HELD_OUT == 0
    fitted, held = rows[~places], rows[places]
    values = rows.shape[1]
    found = principal_components(fitted, min(most, values - 1, max(len(fitted) - 1, 0)))
    along = (held @ found.vectors.T).double().square().mean(0)
    total, whole = float(fitted.double().square().sum(1).mean()), float(held.double().square().sum(1).mean())
    rest = torch.arange(values - 1, values - 1 - len(along), -1).double()
    spectrum = found.variances.double()
    left = ((total - spectrum.cumsum(0)) / rest).clamp_min(max(FLOOR * total / values, 1e-30))
    explained = along.cumsum(0)
    constant = values * torch.log(torch.tensor(2 * torch.pi))
    nats = (
        (along / spectrum).cumsum(0)
        + (whole - explained) / left
        + spectrum.log().cumsum(0)
        + rest * left.log()
    )
    return Curve((nats + constant) / 2, explained / max(whole, 1e-30))


def held_out_gain(rows: Tensor) -> float:
    """By how many nats per column kernels on other rows say more of a row left out than any principal components do.

    Rows (N, P) are centred and of like spread. Normal kernels of one width (Parzen 1962), the best of WIDTHS, on the rows and
    on whitened ones: near 0 or below of what is normal, whatever its correlations; above where it lies on a curve or
    in clusters. Two standard errors of the mean over rows are taken off, so that few rows say nothing.
    """
    rows = rows[torch.linspace(0, len(rows) - 1, min(len(rows), KERNELS)).long()].double()
    places = torch.arange(len(rows)) % HELD_OUT == 0
    fitted, held = rows[~places], rows[places]
    if len(fitted) < PER_COLUMN * rows.shape[1]:
        return 0.0
    centre = fitted.mean(0)
    variances, vectors = torch.linalg.eigh(torch.cov(fitted.T).reshape(len(centre), -1))
    kept = variances > FLOOR * variances.mean()
    if not bool(kept.any()):
        return 0.0
    deviations, basis = variances[kept].sqrt(), vectors[:, kept]
    fitted, held = (fitted - centre) @ basis, (held - centre) @ basis
    normal = Normal(torch.zeros_like(deviations), deviations).log_prob(held).sum(1)
    gained = [
        _log_kernels(fitted, held) - normal,
        _log_kernels(fitted / deviations, held / deviations) - deviations.log().sum() - normal,
    ]
    certain = [gain.mean(1) - 2 * gain.std(1) / len(held) ** 0.5 for gain in gained]
    return float(torch.cat(certain).max()) / len(deviations)


def _log_kernels(fitted: Tensor, held: Tensor) -> Tensor:
    """log p of held rows (M, P) under kernels on others, of each of WIDTHS: (W, M)."""
    squares, values = torch.cdist(held, fitted).square(), fitted.shape[1]
    found = [
        torch.logsumexp(-squares / (2 * width**2), 1) - values * math.log(width * math.sqrt(2 * math.pi))
        for width in WIDTHS
    ]
    return torch.stack(found) - math.log(len(fitted))


def _left(total: float, variances: Tensor, values: int) -> float:
    """Mean variance outside the components; never 0, and none of it where nothing is outside."""
    outside = max(values - len(variances), 1)
    least = max(FLOOR * total / values, 1e-30)
    return max((total - float(variances.double().sum())) / outside, least)


class PrincipalPath(nn.Module):
    """z -> x and x -> z by principal components, beside the networks of a model.

    The components are set, not trained; how far each goes, either way, is trained.

    Args:
        values: P, of an example.
        latents: D.
        classes: K, each of which has a mean of its own; 0 for one mean of all.

    Attributes:
        up, down: multiples of what each component began with, (D,), trained.
    """

    vectors: Tensor
    means: Tensor
    gain: Tensor
    share: Tensor
    log_variance: Tensor

    def __init__(self, values: int, latents: int, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.register_buffer("vectors", torch.zeros(latents, values))
        self.register_buffer("means", torch.zeros(max(classes, 1), values))
        self.register_buffer("gain", torch.zeros(latents))
        self.register_buffer("share", torch.zeros(latents))
        self.register_buffer("log_variance", torch.zeros(latents))
        self.up = nn.Parameter(torch.ones(latents))
        self.down = nn.Parameter(torch.ones(latents))

    def begin(self, found: Components, means: Tensor, sigma: float) -> None:
        """Probabilistic PCA at noise `sigma`: W = U (Lambda - sigma^2)^(1/2), and its exact posterior.

        A component whose variance is below sigma^2 stays without use, as in the optimum at that sigma. Latents for
        which there is no component do too.
        """
        count = len(found.variances)
        scale = found.variances.clamp_min(sigma**2)
        with torch.no_grad():
            self.means.copy_(means)
            self.vectors[:count] = found.vectors
            self.gain[:count] = (scale - sigma**2).sqrt()
            self.share[:count] = self.gain[:count] / scale
            self.log_variance[:count] = (sigma**2 / scale).log()

    def encoding(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Mean and log-variance of the posterior: (B, *shape), (B, K) -> (B, 2 D)."""
        mean = F.linear(x.flatten(1) - self._centre(condition), self.vectors) * (self.share * self.up)
        return torch.cat([mean, self.log_variance.expand_as(mean)], dim=1)

    def decoding(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """The mean example: (B, D), (B, K) -> (B, P)."""
        return (z * (self.gain * self.down)) @ self.vectors + self._centre(condition)

    def _centre(self, condition: Tensor | None) -> Tensor:
        """The mean of each example's class, (B, P), or of all, (1, P)."""
        if condition is None or not self.classes:
            return self.means
        return condition @ self.means / self.classes**0.5  # labels come with unit mean square
