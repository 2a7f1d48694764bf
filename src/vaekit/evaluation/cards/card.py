"""The card of an autoencoder: a record, and the JSON file that holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaekit.core import RunError
from vaekit.evaluation.table import Row, rows
from vaekit.runs.files import read_json, write_json, writing
from vaekit.runs.json_records import OPTIONAL, as_json, read_record

FORMAT = 1

HASHES = {  # what two cards must share to be compared, in the order in which they are looked at
    "crop": "how images were brought to their size and form",
    "split": "which images are measured and which are for training",
    "data": "the pixels that were measured",
    "features": "the features of the Fréchet and the kernel distance",
}


@dataclass(frozen=True)
class Figure:
    """One figure of a card.

    Attributes:
        value, error: and its standard error over the images; None where there is one image.
        unit: of both.
        floor, floor_error: what as many training images in the place of reconstructions give, for distances between sets.
        without: the value without each tenth of the images in turn, of which the error of a difference is made.
    """

    value: float
    error: float | None
    unit: str
    without: tuple[float, ...] = ()
    floor: float | None = field(default=None, metadata=OPTIONAL)
    floor_error: float | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class Card:
    """The figures that any autoencoder has, and what they were measured on.

    Attributes:
        format: of the file.
        model: what was measured, with hashes of its files or weights, and how it was spoken to.
        about: data, split, number of images, size, and features, in words.
        hashes: of what two cards must share to be compared; the keys are those of HASHES.
        figures: `mse`, `psnr_db`, `ssim`, `rate_bits` or `fixed_bits`, `rfd_FEATURES`, `rkd_FEATURES`; those that are not
            defined are absent.
        notes: what a reader should know, a line each.

    Example:
        >>> card = vaekit.card(run, features=None, progress="none")
        >>> card.figures["mse"].value > 0
        True
        >>> card.write("first.json")
    """

    format: int
    model: Mapping[str, Any]
    about: Mapping[str, Any]
    hashes: Mapping[str, str]
    figures: Mapping[str, Figure]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return as_json(self)

    def write(self, path: str | Path) -> None:
        """Writes the card as a JSON file.

        Args:
            path: the .json file.

        Raises:
            RunError: it cannot be written.
        """
        with writing(Path(path)):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_json(Path(path), self.as_dict())

    def rows(self) -> list[Row]:
        """The figures as rows for people."""
        values: dict[str, Any] = {}
        for key, figure in self.figures.items():
            values[key] = {"value": figure.value, "standard_error": figure.error}
            if figure.floor is not None:
                values[f"{key}_floor"] = figure.floor
        return rows(values)


def read_card(path: str | Path) -> Card:
    """The card in a file.

    Raises:
        RunError: the file is missing, damaged, of a newer version, or no card.
    """
    content = read_json(Path(path))
    if not isinstance(content.get("format"), int) or not isinstance(content.get("hashes"), dict):
        raise RunError(f"{path} is not a card; vaekit evaluate with card='{path}' writes one.")
    if content["format"] > FORMAT:
        raise RunError(f"{path} is a card of a newer vaekit (format {content['format']}); update vaekit.")
    found = read_record(Card, content, Path(path))
    for key, figure in found.figures.items():
        numbers = (figure.value, *figure.without, *filter(None, (figure.error, figure.floor)))
        if not all(math.isfinite(number) for number in numbers):
            raise RunError(f"{path}: figures.{key} holds a number that is not finite.")
    return found
