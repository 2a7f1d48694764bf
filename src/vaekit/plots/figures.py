"""The table of figures. Needs no matplotlib until one is drawn."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaekit.plots.run_view import View


@dataclass(frozen=True)
class Entry:
    """One figure.

    Attributes:
        name: of the function in `vaekit.plots.drawings` that draws it.
        caption: for the report.
    """

    name: str
    caption: str

    def draw(self, view: View) -> Figure | str:
        """The figure, or in one line why it is left out."""
        return getattr(importlib.import_module("vaekit.plots.drawings"), self.name)(view)


# In the order of the report, whose two columns it fills: a pair that is looked at together stands side by side.
CAPTIONS = {
    "samples": "What the model makes up: draws from its prior, decoded.",
    "reconstructions": "Test images above their reconstructions, from the best to the worst.",
    "samples_by_temperature": "Samples from the typical to the unusual.",
    "nearest_training": "Are samples copies? Each above the training image that is nearest to it.",
    "code_usage": "Use of the codebook: a long flat row is healthy, a cliff is collapse.",
    "code_maps": "Which code stands where: images, their codes in colours, and what is decoded.",
    "class_grid": "One row for each class; down a column the same z, where the decoder is conditioned on the class.",
    "class_styles": "Test images, and the same in the same style as every other class.",
    "latent_map": "Where test images lie in the latent space.",
    "manifold": "A grid over the prior, decoded: do neighbouring latents give neighbouring images?",
    "latent_pca": "The latent space seen along the two directions in which images differ most.",
    "latent_tsne": "Neighbourhoods in the latent space; distances between clusters mean nothing here.",
    "traversals": "What each latent dimension does: one moves, the others stay.",
    "information": "Which dimension is informative about which factor; the factors that the images were made from are known.",
    "responses": "How each dimension follows each factor, the others varying.",
    "interpolations": "From one test image to another, through the images between them.",
    "training": "Training against validation; a widening gap between the two is overfitting.",
    "rate_distortion": "What the latents cost (rate) against what is lost (distortion), epoch by epoch.",
    "bytes_and_error": "What files of the pictures cost against what is lost in them; towards the lower left is better.",
    "kl_by_dimension": "Which latent dimensions are used, and when they came to life.",
}  # fmt: skip

FIGURES = {name: Entry(name, caption) for name, caption in CAPTIONS.items()}
