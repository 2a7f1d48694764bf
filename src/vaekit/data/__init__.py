"""Data sources: what is loaded, how it is split, and how it reaches a model in batches."""

from __future__ import annotations

from vaekit.data.batches import Batches
from vaekit.data.dataset import Data, Factor, Split, to_unit
from vaekit.data.describe import describe
from vaekit.data.sources import SOURCES, load_data

__all__ = ["SOURCES", "Batches", "Data", "Factor", "Split", "describe", "load_data", "to_unit"]
