"""Options: frozen dataclasses whose fields hold default, range and help in one place. Imports no torch.

    @dataclass(frozen=True)
    class ELBOSettings(Options):
        beta: float = option(1.0, at_least=0, help="weight of the KL term")

Types and ranges are checked on construction, so before any data are loaded, and the error names the argument.
The command line, `config.json`, signatures and the documentation are all made from these fields.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

from vaekit.core import SettingError, near_miss

MOST = 2**63 - 1  # of a whole number: what torch, numpy and files can hold
KINDS = {int: "a whole number", float: "a number", str: "text", bool: "True or False", types.NoneType: "None"}


@dataclass(frozen=True)
class Flag:
    """One option by its flat name, as the command line, `config.json` and documentation show it.

    Attributes:
        name: of the argument.
        hint: its type.
        default: `dataclasses.MISSING` for what must be given.
        help: one line.
        range: "above 0", or "".
        choices: the words that it takes; () for any.
        positional: on the command line it is given by its place.
        decided: the data decide it and nobody types it.
        first: it is among those that people need first, which a long help shows alone.
    """

    name: str
    hint: Any
    default: Any
    help: str
    range: str = ""
    choices: tuple[str, ...] = ()
    positional: bool = False
    decided: bool = False
    first: bool = False


@dataclass(frozen=True)
class Rule:
    """The default, range and help of an option, kept in the metadata of its field; see `option`."""

    help: str = ""
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    positional: bool = False
    decided: bool = False
    first: bool = False
    holds_part: ClassVar[bool] = False

    @property
    def range(self) -> str:
        """ "at least 1", "from 0 to below 1", "above 0" or ""."""
        lower = self.at_least if self.above is None else self.above
        upper = self.at_most if self.below is None else self.below
        high = f"{'below ' * (self.below is not None)}{upper}"
        if lower is None:
            return "" if upper is None else f"{'at most ' * (self.below is None)}{high}"
        if upper is None:
            return f"{'above' if self.above is not None else 'at least'} {lower}"
        return f"{'above' if self.above is not None else 'from'} {lower} to {high}"

    def holds(self, value: float) -> bool:
        """Returns whether a number lies within the range."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )

    def check(self, name: str, value: Any, hint: Any) -> Any:
        """The value as its field holds it: numbers of other libraries become Python's own.

        Raises:
            SettingError: it has the wrong type or lies outside the range; names the argument.
        """
        value = of_type(name, value, hint)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not math.isfinite(value):
                wanted = f"{self.range} and finite" if self.range else "finite"
                raise SettingError(f"{name} must be {wanted}, not {value}.", name)
            if not self.holds(value):
                raise SettingError(f"{name} must be {self.range}, not {value}.", name)
        return value

    def flags(self, name: str, hint: Any, default: Any) -> list[Flag]:
        """Returns the flat options of the field."""
        choices = typing.get_args(hint) if typing.get_origin(hint) is Literal else ()
        shown = {"positional": self.positional, "decided": self.decided, "first": self.first}
        return [Flag(name, hint, default, self.help, self.range, choices, **shown)]

    def take(self, name: str, values: Mapping[str, Any], default: Any, quiet: bool) -> Any:
        """The field's value from flat values."""
        return values.get(name, default)

    def flat(self, name: str, value: Any) -> dict[str, Any]:
        """The opposite of `take`."""
        return {name: value}


def option(
    default: Any = dataclasses.MISSING,
    *,
    help: str,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    positional: bool = False,
    decided: bool = False,
    first: bool = False,
) -> Any:
    """A field of `Options`.

    Args:
        default: none for an option that must be given.
        help: one line, with the unit.
        at_least, above, at_most, below: range of a number, which must be finite too.
        positional: on the command line it is given by its place, without a name.
        decided: the data decide it and nobody types it.
        first: it is among those that people need first, which a long help shows alone.
    """
    rule = Rule(help, at_least, above, at_most, below, positional, decided, first)
    return field_of(rule, default)


def field_of(rule: Rule, default: Any) -> Any:
    return dataclasses.field(default=default, metadata={"rule": rule})


def same(section: type[Options], name: str) -> Any:
    """The same option as another section has, declared there."""
    field = {field.name: field for field in dataclasses.fields(section)}[name]
    return field_of(rule_of(field), field.default)


@dataclass(frozen=True)
class Options:
    """Base of a set of options, checked on construction.

    Raises:
        SettingError: a value of the wrong type or out of range, the name of the argument in `option`.
    """

    def __post_init__(self) -> None:
        hints = hints_of(type(self))
        for field in dataclasses.fields(self):
            checked = rule_of(field).check(field.name, getattr(self, field.name), hints[field.name])
            object.__setattr__(self, field.name, checked)

    @classmethod
    def of(cls, values: Mapping[str, Any], *, quiet: bool = False) -> Self:
        """Options from flat values, such as those of `config.json`.

        Args:
            quiet: says nothing of an option that the chosen part does not have.

        Raises:
            SettingError: an unknown name, a missing one, a wrong type or a number out of range.
        """
        check_known(values, cls.names())
        arguments = {}
        for field in dataclasses.fields(cls):
            value = rule_of(field).take(field.name, values, field.default, quiet)
            if value is dataclasses.MISSING:
                raise SettingError(f"{field.name} is missing.", field.name)
            arguments[field.name] = value
        return cls(**arguments)

    @classmethod
    def flags(cls) -> list[Flag]:
        """Every option, flat, those of the parts that can be chosen included."""
        hints = hints_of(cls)
        return [
            flag
            for field in dataclasses.fields(cls)
            for flag in rule_of(field).flags(field.name, hints[field.name], field.default)
        ]

    @classmethod
    def parts(cls) -> list[str]:
        """Names of those that choose a part."""
        return [field.name for field in dataclasses.fields(cls) if rule_of(field).holds_part]

    @classmethod
    def names(cls) -> list[str]:
        return [flag.name for flag in cls.flags()]

    def flat(self) -> dict[str, Any]:
        """All options as JSON-able values; `of` takes them."""
        values: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            values |= rule_of(field).flat(field.name, getattr(self, field.name))
        return values

    def those_of(self, section: type[Options]) -> dict[str, Any]:
        """Its values of the fields that another section has too, by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(section)}


@cache
def hints_of(section: type) -> dict[str, Any]:
    return typing.get_type_hints(section)


def rule_of(field: dataclasses.Field) -> Rule:
    return field.metadata.get("rule", PLAIN)


PLAIN = Rule()


def check_known(
    values: Iterable[str],
    known: Iterable[str],
    where: str = "",
    whose: Callable[[str], str] = lambda name: "",
) -> None:
    """Raises SettingError for the first name that is not known; where none is near it says what `whose` knows of it."""
    known = list(known)
    for key in values:
        if key not in known:
            hint = near_miss(key, known) or whose(key)
            raise SettingError(f"{where and where + ': '}unknown option {key!r}.{hint}")


def of_type(name: str, value: Any, hint: Any) -> Any:
    """The value if it fits the type hint.

    Raises:
        SettingError: it does not; says what would.
    """
    if typing.get_origin(hint) is Literal:
        return of_choices(name, value, typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return tuple(value)
    allowed = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if not isinstance(value, bool):
        if int in allowed and isinstance(value, Integral):
            if abs(int(value)) > MOST:
                raise SettingError(f"{name} must be below 2^63, not {value}.", name)
            return int(value)
        if float in allowed and isinstance(value, Real):
            return float(value)
    if any(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) for kind in allowed):
        return value
    wanted = " or ".join(KINDS.get(kind, str(kind)) for kind in allowed)
    raise SettingError(f"{name} must be {wanted}, not {value!r}.", name)


def of_choices(name: str, value: Any, choices: Iterable[str]) -> Any:
    """The value if it is one of the choices.

    Raises:
        SettingError: it is not; names the near miss and all of them.
    """
    choices = list(choices)
    if value in choices:
        return value
    close = near_miss(str(value), choices)
    raise SettingError(f"{name}: {value!r} is not one of {', '.join(choices)}.{close}", name)


def imported(reference: str | type) -> Any:
    """Imports what "module:name" names; a class itself stays as it is."""
    if not isinstance(reference, str):
        return reference
    module, name = reference.split(":")
    return getattr(importlib.import_module(module), name)
