"""Lengths: what they may be, and that the last one given holds."""

from __future__ import annotations

import pytest

from vaekit.config.methods import resolve
from vaekit.config.options import FitSettings
from vaekit.config.run_length import parse_budget
from vaekit.core import SettingError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120s", 120), ("3min", 180), ("2m", 120), ("1.5 min", 90), ("0.5h", 1800), ("7", 7), (".5S", 0.5)],
)
def test_budgets_have_units(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "0s", "-3s", "3 days", "1e3", "nan", 400 * "9"])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"budget: .*write 90s, 3min or 1h"):
        parse_budget(text)


@pytest.mark.parametrize("given", [{"epochs": 2, "steps": 3}, {"steps": 3, "budget": "3s"}])
def test_a_run_has_one_length(given: dict) -> None:
    one, other = given
    with pytest.raises(SettingError, match=f"{one}= and {other}= exclude each other"):
        FitSettings(**given)


def test_lengths_are_checked_before_any_data_are_loaded() -> None:
    with pytest.raises(SettingError, match="budget: 'soon' is no training time"):
        FitSettings(budget="soon")
    with pytest.raises(SettingError, match="steps must be at least 1, not 0"):
        FitSettings(steps=0)


@pytest.mark.parametrize(
    ("layers", "length"),
    [
        ([], {"epochs": 4}),  # the method's own
        ([{"steps": 7}], {"steps": 7}),
        ([{"budget": "9s"}], {"budget": "9s"}),
        ([{"epochs": None, "steps": None}], {"epochs": 4}),
        ([{"epochs": 30}, {"budget": "2m"}], {"budget": "2m"}),
        ([{"steps": 30, "epochs": None, "budget": None}, {"epochs": 2}], {"epochs": 2}),
    ],
)
def test_the_last_length_given_takes_the_place_of_all_others(layers: list, length: dict) -> None:
    assert resolve("code-prior", {"data": "runs/vq"}, *layers).fit.length == length


def test_two_lengths_at_one_place_exclude_each_other() -> None:
    with pytest.raises(SettingError, match="exclude each other"):
        resolve("vae", {"data": "digits", "epochs": 3, "steps": 4})
