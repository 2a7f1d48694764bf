"""Records from JSON and back: what each annotation takes, refuses and says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from vaekit.core import RunError
from vaekit.runs.json_records import OPTIONAL, REST, as_json, read_record

WHERE = Path("file.json")


@dataclass(frozen=True)
class Inner:
    word: str
    more: Mapping[str, float] = field(default_factory=dict, metadata=REST)


@dataclass(frozen=True, kw_only=True)
class Outer:
    left_out: str | None = field(default=None, metadata=OPTIONAL)
    written_as_null: str | None
    number: float
    whole: int
    true: bool
    shape: tuple[int, ...]
    names: list[str] | None
    either: float | list[float]
    inner: Inner
    anything: Any
    counts: dict[str, int]


CONTENT: dict[str, Any] = {
    "written_as_null": None, "number": 3, "whole": 4, "true": False, "shape": [1, 8], "names": ["a", "ä"],
    "either": [0.5, 2], "inner": {"word": "w", "b_nats": 1e-300, "a": 5}, "anything": {"x": [1, {"y": None}]},
    "counts": {"z": 1, "a": 2},
}  # fmt: skip


def test_every_kind_of_field_comes_back_with_its_order_and_its_numbers() -> None:
    record = read_record(Outer, CONTENT, WHERE)
    assert record.shape == (1, 8)
    assert record.inner == Inner("w", {"b_nats": 1e-300, "a": 5})
    assert repr(as_json(record)) == repr(CONTENT)  # 3 stays 3, keys keep their order
    assert (
        as_json(read_record(Outer, CONTENT | {"left_out": "x", "unknown": 1}, WHERE))
        == {"left_out": "x"} | CONTENT
    )


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("number",), "3", "number = '3' must be a number"),
        (("number",), True, "number = True must be a number"),
        (("whole",), 4.0, "whole = 4.0 must be a whole number"),
        (("whole",), True, "whole = True must be a whole number"),
        (("true",), 1, "true = 1 must be true or false"),
        (("written_as_null",), 0, "written_as_null = 0 must be text or null"),
        (("shape",), {"0": 1}, "shape = {'0': 1} must be a list"),
        (("shape", 1), "8", "shape[1] = '8' must be a whole number"),
        (("names",), "ab", "names = 'ab' must be a list or null"),
        (("either",), None, "either = None must be a number or a list"),
        (("inner",), 5, "inner = 5 must be an object"),
        (("inner", "word"), None, "inner.word = None must be text"),
        (("inner", "new"), "x", "inner.new = 'x' must be a number"),
        (("counts", "a"), 0.5, "counts.a = 0.5 must be a whole number"),
        (("number",), "x" * 999, f"number = '{'x' * 56}... must be a number"),
    ],
)  # fmt: skip
def test_another_type_is_one_line_with_the_file_and_the_field(
    path: tuple[Any, ...], value: Any, message: str
) -> None:
    content = {
        key: dict(v) if isinstance(v, dict) else list(v) if isinstance(v, list) else v
        for key, v in CONTENT.items()
    }
    place: Any = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(RunError) as caught:
        read_record(Outer, content, WHERE)
    assert str(caught.value) == f"file.json: {message}."


@pytest.mark.parametrize("name", [name for name in CONTENT if name != "left_out"])
def test_a_missing_field_is_named(name: str) -> None:
    content = {key: value for key, value in CONTENT.items() if key != name}
    with pytest.raises(RunError, match=rf"^file\.json: {name} is missing\.$"):
        read_record(Outer, content, WHERE)


def test_a_missing_field_of_a_part_and_what_is_no_object() -> None:
    with pytest.raises(RunError, match=r"^file\.json: inner\.word is missing\.$"):
        read_record(Outer, CONTENT | {"inner": {}}, WHERE)
    with pytest.raises(RunError, match=r"^file\.json must hold a JSON object\.$"):
        read_record(Outer, [CONTENT], WHERE)
