"""From JSON to frozen dataclasses and back. Every field is checked; what is wrong is one line with the file and the field.

A field's annotation says what it may hold: str, int, float (whole numbers too), bool, None, Any, another record,
`tuple[X, ...]` or `list[X]`, `Mapping[str, X]` or `dict[str, X]`, and unions of these that differ in JSON.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from vaekit.core import RunError

R = TypeVar("R")
HUGE = 1e300
CHECKSUM = "checksum"

WORDS = {
    types.NoneType: "null", bool: "true or false", int: "a whole number", float: "a number", str: "text",
    tuple: "a list", list: "a list", dict: "an object", Mapping: "an object",
}  # fmt: skip


OPTIONAL = {"optional": True}  # metadata of a field that the file leaves out where it is None
REST = {"rest": True}  # metadata of a field that takes every key that is no other field's


def read_record(kind: type[R], content: Any, path: Path, prefix: str = "") -> R:
    """A record from a JSON object; keys that it does not know are skipped, or are its `rest`.

    Args:
        kind: a dataclass.
        content: what json made of the file, or of a part of it.
        path: of the file, for the message.
        prefix: of the part's fields within the file, `data.` say.

    Raises:
        RunError: a field is missing, or has another type than its annotation says.
    """
    if not isinstance(content, dict):
        raise RunError(f"{path}{': ' * bool(prefix)}{prefix.rstrip('.')} must hold a JSON object.")
    left, values = dict(content), {}
    hints, known = _hints(kind), dataclasses.fields(typing.cast(Any, kind))
    for field in (field for field in known if not field.metadata.get("rest")):
        if field.name in left:
            values[field.name] = _value(left.pop(field.name), hints[field.name], path, prefix + field.name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise RunError(f"{path}: {prefix}{field.name} is missing.")
    for field in (field for field in known if field.metadata.get("rest")):
        values[field.name] = _items(left, hints[field.name], path, prefix)
    return kind(**values)


def as_json(record: Any) -> dict[str, Any]:
    """The JSON object of a record: its fields in their order, those of `rest` in place."""
    content: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if field.metadata.get("rest"):
            content |= _plain(value)
        elif value is not None or not field.metadata.get("optional"):
            content[field.name] = _plain(value)
    return content


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object with the checksum of everything else in it, as its last field."""
    return {**_unsealed(content), CHECKSUM: _checksum(content)}


def altered(content: Mapping[str, Any]) -> bool:
    """Returns whether an object has a checksum, and is not what it was made of."""
    return CHECKSUM in content and content[CHECKSUM] != _checksum(content)


def _checksum(content: Mapping[str, Any]) -> str:
    """Of the values, not of how they are written: an object that is only spaced in another way is the same."""
    text = json.dumps(_unsealed(content), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _unsealed(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != CHECKSUM}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return as_json(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _value(value: Any, hint: Any, path: Path, name: str) -> Any:
    """The value of one field, as its annotation says."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    kind = next((kind for kind in kinds if _fits(value, kind)), None)
    if kind is None:
        wanted = " or ".join(dict.fromkeys(WORDS.get(_outer(kind), "an object") for kind in kinds))
        shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
        raise RunError(f"{path}: {name} = {shown} must be {wanted}.")
    outer = _outer(kind)
    _check_size(value, path, name)
    if outer in (tuple, list):
        item = typing.get_args(kind)[0]
        return outer(_value(part, item, path, f"{name}[{index}]") for index, part in enumerate(value))
    if outer in (dict, Mapping):
        return _items(value, kind, path, f"{name}.")
    record = isinstance(kind, type) and dataclasses.is_dataclass(kind)
    return read_record(kind, value, path, f"{name}.") if record else value


def _check_size(value: object, path: Path, name: str) -> None:
    """Raises RunError for a number that nobody can count with; JSON has no bound."""
    if isinstance(value, int | float) and not -HUGE <= value <= HUGE:  # not NaN either
        raise RunError(f"{path}: {name} is no number that can be counted with.")


def _items(values: Mapping[str, Any], hint: Any, path: Path, prefix: str) -> dict[str, Any]:
    item = typing.get_args(hint)[1]
    return {key: _value(value, item, path, prefix + key) for key, value in values.items()}


def _outer(kind: Any) -> Any:
    """tuple of `tuple[int, ...]`, Mapping of `Mapping[str, int]`; a plain type is its own."""
    return typing.get_origin(kind) or kind


def _fits(value: Any, kind: Any) -> bool:
    """Returns whether a value of JSON is of this kind, apart from what it contains."""
    outer = _outer(kind)
    if outer is Any:
        return True
    if outer in (tuple, list):
        return isinstance(value, list)
    if outer in (dict, Mapping) or dataclasses.is_dataclass(outer):
        return isinstance(value, dict)
    wanted = (int, float) if outer is float else outer
    return isinstance(value, wanted) and (outer is bool or not isinstance(value, bool))


def finite(value: Any) -> Any:
    """Nested JSON-able values with None in the place of numbers that JSON has no word for: NaN and the infinite ones."""
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
