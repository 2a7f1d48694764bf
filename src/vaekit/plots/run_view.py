"""A run as its figures see it: its images, what its model makes of them, and what cannot be drawn of it and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from vaekit.data import Data, Split
from vaekit.data.kinds.image import why_no_pictures
from vaekit.evaluation.factors.factor_table import FEWEST, FactorTable
from vaekit.inference import Embedding, encode, shown_images, spread
from vaekit.models.base import Model
from vaekit.models.capabilities import Decodes, Encodes, Generates, Quantizes, Reconstructs
from vaekit.models.which_prior import drawn_from
from vaekit.runs.load import Run

MOST_ENCODED = 10_000  # test images on the map


@dataclass(frozen=True)
class Wishes:
    """Options of the figures that are off by default.

    Attributes:
        tsne: draw the t-SNE map too (it takes a while).
        ellipses: posterior ellipses on the maps, for this many images.
        linear: the manifold on equal steps instead of equal probability.
    """

    tsne: bool = False
    ellipses: int = 0
    linear: bool = False


class View:
    """A run as the figures see it; what is costly is computed once, when first asked for.

    Args:
        run: the run.
        data: its data, or None to look at its previews only.
        wishes: options of figures.
    """

    def __init__(self, run: Run, data: Data | None, wishes: Wishes) -> None:
        self.run, self.data, self.wishes = run, data, wishes
        split = data.test if data is not None and len(data.test) else run.previews
        self.split: Split = split.take(spread(len(split), MOST_ENCODED))
        self.kinds = data.factors if data is not None else None
        self.class_names = data.class_names if data is not None else run.class_names

    @property
    def model(self) -> Model:
        return self.run.model

    @cached_property
    def images(self) -> Tensor:
        """(N, *shape), as they are shown to the model."""
        return shown_images(self.model, self.split)

    @cached_property
    def embedding(self) -> Embedding:
        assert isinstance(self.model, Encodes)
        return encode(self.model, self.split)

    @property
    def why_no_images(self) -> str:
        """Returns why image figures cannot be drawn; empty if they can."""
        return why_no_pictures(self.model.shape, self.model.pixels)

    @property
    def why_not_rebuilt(self) -> str:
        """Returns why nothing is reconstructed; empty if it can be."""
        return "" if isinstance(self.model, Reconstructs) else "this model has no encoder"

    @property
    def why_no_latents(self) -> str:
        """Returns why images are not mapped in a latent space; empty if they can be."""
        if isinstance(self.model, Encodes):
            return ""
        discrete = isinstance(self.model, Quantizes)
        return (
            "codes are discrete: there are no directions in them" if discrete else "this model has no encoder"
        )

    @property
    def why_not_decoded(self) -> str:
        """Returns why walks through the latent space cannot be decoded; empty if they can."""
        without = "" if isinstance(self.model, Decodes) else "this model does not decode latent vectors"
        return self.why_no_latents or without

    @property
    def why_no_classes(self) -> str:
        """Returns why figures of a conditional model cannot be drawn; empty if they can."""
        return "" if self.model.sampled_classes else "this model is not conditioned on classes (a cvae is)"

    @property
    def why_no_codebook(self) -> str:
        """Returns why figures of discrete codes cannot be drawn; empty if they can."""
        return "" if isinstance(self.model, Quantizes) else "this model has no codebook"

    @property
    def why_no_factors(self) -> str:
        """Returns why nothing can be said of factors; empty if it can."""
        if self.kinds is None or self.split.factors is None:
            return "the factors that the images were made from are not known"
        if len(self.split) < FEWEST:
            return f"needs {FEWEST:,} images whose factors are known, here are {len(self.split):,}"
        return self.why_no_latents

    @property
    def drawn(self) -> str:
        """Says what samples of the model are, for a caption."""
        prior = drawn_from(self.model)
        if isinstance(self.model, Generates):
            what = f"Generated from z ~ {prior}"
        elif isinstance(self.model, Quantizes | Decodes):
            what = f"Means of p(x|z) for z drawn from {prior}"
        else:
            what = "Drawn by the model"
        return what + ("; all classes, one after another" if self.model.sampled_classes else "")

    @cached_property
    def table(self) -> FactorTable:
        assert self.kinds is not None
        assert self.split.factors is not None
        means, values = self.embedding.mean.double().numpy(), self.split.factors.double().numpy()
        return FactorTable(means, values, self.kinds)
