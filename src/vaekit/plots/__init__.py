"""Figures: each function takes tensors or records (and a model where it must decode) and returns a
matplotlib figure. `draw_figures` draws those that fit a run.
"""

from __future__ import annotations

from vaekit.images.tile import tile
from vaekit.plots.conditional import class_grid, class_styles
from vaekit.plots.curves import kl_by_dimension, rate_distortion, training
from vaekit.plots.draw import FIGURES, draw_figures
from vaekit.plots.encoded import Codes, encode
from vaekit.plots.factor_maps import factor_response, information_map
from vaekit.plots.grids import reconstructions, samples
from vaekit.plots.maps import latent_map
from vaekit.plots.travel import interpolations, manifold, traversals

__all__ = [
    "FIGURES",
    "Codes",
    "class_grid",
    "class_styles",
    "draw_figures",
    "encode",
    "factor_response",
    "information_map",
    "interpolations",
    "kl_by_dimension",
    "latent_map",
    "manifold",
    "rate_distortion",
    "reconstructions",
    "samples",
    "tile",
    "training",
    "traversals",
]
