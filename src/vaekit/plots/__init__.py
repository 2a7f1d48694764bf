"""Figures: each function takes tensors or records (and a model where it must decode) and returns a
matplotlib figure. `figures` draws those that fit a run.

Names are resolved when they are first used, so that what needs no matplotlib does not load it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaekit.images.tile import tile as tile
    from vaekit.inference import Embedding as Embedding
    from vaekit.plots.conditional import class_grid as class_grid
    from vaekit.plots.conditional import class_styles as class_styles
    from vaekit.plots.curves import kl_by_dimension as kl_by_dimension
    from vaekit.plots.curves import rate_distortion as rate_distortion
    from vaekit.plots.curves import training as training
    from vaekit.plots.draw import draw_figures as draw_figures
    from vaekit.plots.factor_maps import factor_response as factor_response
    from vaekit.plots.factor_maps import information_map as information_map
    from vaekit.plots.figures import FIGURES as FIGURES
    from vaekit.plots.grids import reconstructions as reconstructions
    from vaekit.plots.grids import samples as samples
    from vaekit.plots.maps import latent_map as latent_map
    from vaekit.plots.travel import interpolations as interpolations
    from vaekit.plots.travel import manifold as manifold
    from vaekit.plots.travel import traversals as traversals

PUBLIC = {  # module of vaekit -> names
    "images.tile": ("tile",),
    "inference": ("Embedding",),
    "plots.conditional": ("class_grid", "class_styles"),
    "plots.curves": ("kl_by_dimension", "rate_distortion", "training"),
    "plots.draw": ("draw_figures",),
    "plots.factor_maps": ("factor_response", "information_map"),
    "plots.figures": ("FIGURES",),
    "plots.grids": ("reconstructions", "samples"),
    "plots.maps": ("latent_map",),
    "plots.travel": ("interpolations", "manifold", "traversals"),
}
MODULE_OF = {name: module for module, names in PUBLIC.items() for name in names}

__all__ = sorted(MODULE_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in MODULE_OF:
        raise AttributeError(f"module 'vaekit.plots' has no attribute {name!r}")
    return getattr(importlib.import_module(f"vaekit.{MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
