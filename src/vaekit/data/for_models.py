"""Sources that are loaded for a model that somebody made by hand."""

from __future__ import annotations

from contextlib import suppress

from vaekit.core import DataError
from vaekit.data.dataset import Data
from vaekit.data.sources import load_data


def load_for(pixels: str, data: object) -> Data:
    """A source as values of the kind that a model takes: rows within 0 to 1 are real values to one model and grey levels to another.

    Args:
        pixels: key of PIXELS, of the model.
        data: as in `load_data`.

    Raises:
        SettingError, DataError: as in `load_data`.
    """
    found = load_data(data, **({"pixels": "real"} if pixels == "real" else {}))
    if found.pixels == "real" and pixels != "real":
        with suppress(DataError):
            return load_data(data, pixels="unit")
    return found
