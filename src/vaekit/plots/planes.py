"""Latents laid on a plane, for maps of figures and pages. Needs no matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from vaekit.core import SettingError
from vaekit.inference import Embedding

Projection = Literal["axes", "highest", "pca", "tsne"]

TSNE_MOST = 3000  # points; t-SNE of more takes minutes


@dataclass(frozen=True)
class Plane:
    """Embeddings laid on a plane.

    Attributes:
        points: (N, 2).
        directions: (D, 2) the plane's axes in latent space, orthonormal, or None where it is
            curved. Points are not centred: a standard prior's mean is at (0, 0).
        xlabel, ylabel, how: for the axes and the title.
    """

    points: Tensor
    directions: Tensor | None
    xlabel: str
    ylabel: str
    how: str


def project(embedding: Embedding, projection: Projection) -> Plane:
    """Means on a plane.

    "axes" takes the two latents of a two-dimensional model; "highest" the two of highest KL (variance
    without a prior); "pca" the two directions of largest variance of the means; "tsne" the embedding of
    van der Maaten & Hinton 2008, of a plain Euclidean distance between means.

    Raises:
        SettingError: fewer than two latents, or "axes" with more.
    """
    width = embedding.mean.shape[1]
    if width < 2:
        raise SettingError("a map needs two latent dimensions or more; this model has one.")
    if projection == "axes" and width > 2:
        raise SettingError(f"'axes' maps models of two latents; for {width} take 'highest', 'pca' or 'tsne'.")
    if len(embedding.mean) < 2 and projection in ("tsne", "pca"):
        raise SettingError("needs two examples or more; here is one.")
    if projection == "tsne":
        return _tsne(embedding)
    return _pca(embedding) if projection == "pca" else _two(embedding, projection)


def _two(embedding: Embedding, projection: Projection) -> Plane:
    """The two latents themselves, or the two of highest relevance."""
    relevance = embedding.relevance()
    if projection == "axes":
        chosen, how = torch.tensor([0, 1]), "the two latents"
    else:
        chosen = torch.argsort(relevance, descending=True, stable=True)[:2]
        of = "largest variance" if embedding.kl is None else "highest KL"
        how = f"the two of {of} among {embedding.mean.shape[1]} latents"
    form = "z{}  (variance {:.2g})" if embedding.kl is None else "z{}  ({:.2f} nats)"
    labels = [form.format(d, relevance[d]) for d in chosen.tolist()]
    directions = torch.eye(embedding.mean.shape[1])[:, chosen]
    return Plane(embedding.mean[:, chosen], directions, labels[0], labels[1], how)


def _pca(embedding: Embedding) -> Plane:
    """Principal components, each with its largest loading positive, so that the map has one sign."""
    values, vectors = torch.linalg.eigh(torch.cov(embedding.mean.T.double()))
    directions = vectors.flip(1)[:, :2]
    largest = directions.abs().argmax(0)
    directions = (directions * torch.sign(directions[largest, torch.arange(2)])).float()
    share = values.flip(0)[:2] / values.sum().clamp(min=torch.finfo(values.dtype).tiny)
    labels = [f"principal component {i + 1}  ({share[i]:.0%} of the variance)" for i in range(2)]
    how = f"the first two principal components of {embedding.mean.shape[1]} latents"
    return Plane(embedding.mean @ directions, directions, labels[0], labels[1], how)


def _tsne(embedding: Embedding) -> Plane:
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        raise SettingError("t-SNE needs scikit-learn: pip install 'vaekit[all]'") from None
    count = len(embedding.mean)
    tsne = TSNE(init="pca", random_state=0, perplexity=min(30.0, max(1.0, (count - 1) / 3)))
    points = torch.from_numpy(tsne.fit_transform(embedding.mean.numpy()))
    how = f"t-SNE of {embedding.mean.shape[1]} latents"
    return Plane(points, None, "", "", how)
