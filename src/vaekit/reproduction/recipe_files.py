"""The files of recipes: settings, the evaluation that judges them, and the result that was measured.

{
  "format": 1, "note": "...",
  "settings": {options of `vaekit train`},
  "after": "NAME",                  of a prior: the recipe whose run it is fitted to
  "evaluation": {options of `vaekit evaluate`},
  "result": {
    "figures": {KEY: {"value": 1.0, "standard_error_over_images": 0.1, "standard_error_over_seeds": 0.05, "values": [...]}},
    "seeds": [0, 1, 2], "hardware": {...}, "versions": {...}, "date": "2026-11-28", "seconds": 3.2, "data": HASH,
    "otherwise": {what was measured by other means, which nothing is judged by}
  }
}
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaekit.config.methods import PRIORS, resolve
from vaekit.config.options import FORMAT
from vaekit.config.recipe_names import SUFFIX, shipped
from vaekit.config.reproduce_options import RecipeEvaluation
from vaekit.core import RunError, SettingError, choose, near_miss
from vaekit.metrics import METRICS, known
from vaekit.reproduction.machine import Hardware
from vaekit.runs.files import read_json
from vaekit.runs.json_records import OPTIONAL, read_record

KEYS = ("format", "note", "settings", "after", "evaluation", "result")  # of the file
OF_FIGURE = ("value", "standard_error_over_images", "standard_error_over_seeds", "values")
OF_RESULT = (
    "figures",
    "seeds",
    "hardware",
    "versions",
    "date",
    "seconds",
    "train_seconds",
    "data",
    "otherwise",
)


@dataclass(frozen=True)
class StoredFigure:
    """A figure as a recipe stores it.

    Attributes:
        value: mean over the seeds.
        standard_error_over_images: of one seed's value, where it is a mean over images.
        standard_error_over_seeds: of the mean over the seeds, where there are two or more.
        values: of the seeds, one each, likewise.
    """

    value: float
    standard_error_over_images: float | None = field(default=None, metadata=OPTIONAL)
    standard_error_over_seeds: float | None = field(default=None, metadata=OPTIONAL)
    values: tuple[float, ...] | None = field(default=None, metadata=OPTIONAL)

    @property
    def error(self) -> float | None:
        """Returns the standard error that is shown: over seeds where it is there, else over images."""
        over_seeds = self.standard_error_over_seeds
        return self.standard_error_over_images if over_seeds is None else over_seeds


@dataclass(frozen=True)
class Result:
    """The result of a recipe, as it was measured.

    Attributes:
        figures: by key of METRICS; empty where nothing was measured in the way that `reproduce` measures.
        seeds: of the runs that the figures are means of; a reproduction takes the first.
        hardware, versions: that they were measured on, and with.
        date: of the measurement, as YYYY-MM-DD.
        seconds: of training and evaluation, of one seed.
        train_seconds: of the training alone, where no more was noted.
        data: fingerprint of the data.
        otherwise: what was measured by other means, as it was noted.
    """

    figures: Mapping[str, StoredFigure]
    seeds: tuple[int, ...]
    hardware: Hardware
    versions: Mapping[str, str]
    date: str | None = field(default=None, metadata=OPTIONAL)
    seconds: float | None = field(default=None, metadata=OPTIONAL)
    train_seconds: float | None = field(default=None, metadata=OPTIONAL)
    data: str | None = field(default=None, metadata=OPTIONAL)
    otherwise: Mapping[str, Any] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class RecipeContent:
    """The JSON object of a recipe's file."""

    settings: Mapping[str, Any]
    note: str = ""
    after: str | None = field(default=None, metadata=OPTIONAL)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    result: Result | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class Recipe:
    """A recipe.

    Attributes:
        name: of its file, without the ending.
        path: of its file.
        note: what it is.
        settings: options of the training, flat, with the method.
        evaluation: by which it is judged.
        result: what was measured, if anything was.
        after: of a prior, the recipe of the run that it is fitted to.
    """

    name: str
    path: Path
    note: str
    settings: Mapping[str, Any]
    evaluation: RecipeEvaluation
    result: Result | None = None
    after: Recipe | None = None

    @property
    def judged(self) -> bool:
        """Says whether it stores a figure that a run can be judged by."""
        return self.result is not None and bool(self.result.figures)

    @property
    def seconds(self) -> float | None:
        """Returns what one run took there, that of the recipe before included; None where that is not stored."""
        parts = [
            each and (each.train_seconds if each.seconds is None else each.seconds) for each in self._results
        ]
        return None if None in parts else sum(part for part in parts if part is not None)

    @property
    def timed(self) -> bool:
        """Says whether these seconds have the evaluation too."""
        return all(each is not None and each.seconds is not None for each in self._results)

    @property
    def _results(self) -> list[Result | None]:
        return [self.result] if self.after is None else [self.result, self.after.result]


def find_recipe(named: str) -> Recipe:
    """A recipe by its name, or from a file.

    Raises:
        SettingError: no such recipe; names the near miss.
        RunError: a file that cannot be read as a recipe; names what is wrong with it.
    """
    files = shipped()
    if named in files:
        return read_recipe(files[named])
    path = Path(named)
    if path.suffix == SUFFIX or len(path.parts) > 1:
        if not path.is_file():
            close = near_miss(path.stem, files)
            raise SettingError(f"recipe '{named}': no such file.{close} Names: {', '.join(files)}.", "recipe")
        return read_recipe(path)
    choose(named, files, "recipe")
    raise AssertionError(named)


def read_recipe(path: Path) -> Recipe:
    """A recipe from its file.

    Raises:
        RunError: it is no JSON, a key is missing, unknown or of another type, a number is not finite or
            an option does not fit its method.
    """
    content = read_json(path)
    try:
        _check_keys(content)
        _check_format(content)
        record = read_record(RecipeContent, content, path)
        after = None if record.after is None else find_recipe(record.after)
        _check_settings(record, after)
        evaluation = RecipeEvaluation.of(record.evaluation)
        if record.result is not None:
            _check_result(record.result)
    except (SettingError, ValueError) as error:
        said = str(error)
        raise RunError(said if said.startswith(str(path)) else f"{path}: {said}") from None
    return Recipe(path.stem, path, record.note, record.settings, evaluation, record.result, after)


def _check_format(content: Mapping[str, Any]) -> None:
    number = content.get("format")
    if number != FORMAT or isinstance(number, bool):
        raise SettingError(f"format = {number!r} must be {FORMAT}; a newer one needs a newer vaekit.")


def _check_keys(content: Mapping[str, Any]) -> None:
    """Raises SettingError for a key that no recipe has: a misspelt one would say nothing."""
    _check_known(content, KEYS, "")
    result = content.get("result")
    if not isinstance(result, dict):
        return
    _check_known(result, OF_RESULT, "result.")
    figures = result.get("figures")
    for name, figure in figures.items() if isinstance(figures, dict) else ():
        if not known(name):
            raise SettingError(f"result.figures: unknown figure {name!r}.{near_miss(name, METRICS)}")
        if isinstance(figure, dict):
            _check_known(figure, OF_FIGURE, f"result.figures.{name}.")


def _check_known(values: Mapping[str, Any], known: tuple[str, ...], prefix: str) -> None:
    for key in values:
        if key not in known:
            raise SettingError(f"unknown key {prefix + key!r}.{near_miss(key, known)}")


def _check_settings(record: RecipeContent, after: Recipe | None) -> None:
    """Raises SettingError for settings that no run can have."""
    method = record.settings.get("method")
    if not isinstance(method, str):
        raise SettingError("settings.method must name a method.")
    if (method in PRIORS) != (after is not None):
        raise SettingError(
            f"a {method} is fitted to a run: name its recipe in 'after'." if after is None
            else f"'after' is for a prior, not for a {method}."
        )  # fmt: skip
    if after is not None and after.after is not None:
        raise SettingError(f"'after' names {after.name}, which is a prior itself.")
    resolve(method, {"data": ""} if method in PRIORS else {}, record.settings, where="settings", quiet=True)


def _check_result(result: Result) -> None:
    """Raises SettingError for a result that nothing can be judged by."""
    if not result.seeds or min(result.seeds) < 0 or len(set(result.seeds)) < len(result.seeds):
        raise SettingError(f"result.seeds = {list(result.seeds)} must name each seed once, from 0.")
    for name, value in _numbers(result):
        least = -math.inf if name.endswith("value") else 0.0
        if not math.isfinite(value) or value < least:
            raise SettingError(f"result.{name} = {value} must be {'at least 0 and ' * (least == 0)}finite.")
    for name, figure in result.figures.items():
        if figure.standard_error_over_seeds is not None and len(result.seeds) < 2:
            raise SettingError(f"result.figures.{name}: one seed has no standard error over seeds.")
        if figure.values is not None and len(figure.values) != len(result.seeds):
            raise SettingError(f"result.figures.{name}.values must have one value for each of the seeds.")


def _numbers(result: Result) -> Iterator[tuple[str, float]]:
    for key in ("seconds", "train_seconds"):
        if (seconds := getattr(result, key)) is not None:
            yield key, seconds
    for name, figure in result.figures.items():
        for key in OF_FIGURE[:-1]:
            value = getattr(figure, key)
            if value is not None:
                yield f"figures.{name}.{key}", value
        yield from ((f"figures.{name}.values' value", value) for value in figure.values or ())
