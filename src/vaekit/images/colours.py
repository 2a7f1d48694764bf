"""Colours of classes, as figures and pages show them."""

from __future__ import annotations

from itertools import cycle, islice

# Okabe & Ito 2008 without its yellow, which vanishes on white, and in an order of falling contrast.
OKABE_ITO = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
# Petroff 2021 (arXiv 2107.02270), ten colours optimised for colour-vision deficiencies.
PETROFF = [
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
]  # fmt: skip


def class_colors(count: int) -> list[str]:
    """One colour for each class: seven of Okabe and Ito, else Petroff's ten, repeated beyond ten classes."""
    palette = OKABE_ITO if count <= len(OKABE_ITO) else PETROFF
    return list(islice(cycle(palette), count))
