"""Parts: what a model or a training is put together from, each with options of its own. Imports no torch.

A part is a frozen dataclass; a table maps its name to its class. It is passed as an object,
`likelihood=Gaussian(sigma=0.2)`, by name, `likelihood="gaussian"`, or by name with its options as text,
`likelihood="gaussian(sigma=0.2)"`. The command line and `config.json` have the options beside the name:
`--likelihood gaussian --sigma 0.2`.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import types
import typing
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from vaekit.config.fields import Flag, Options, Rule, check_known, field_of, hints_of, of_choices, rule_of
from vaekit.core import SettingError, VaekitWarning, a_kind


@dataclass(frozen=True)
class Part(Options):
    """Base of every part. A subclass says how it is built, and imports torch only then."""


CUSTOM = "custom"  # the word for the user's own modules, which cannot be typed

Table = Mapping[str, type[Part]]
P = TypeVar("P", bound=Part)


@dataclass(frozen=True)
class Undecided:
    """A part that something else decides: `auto`, what suits the data; `custom`, the user's own modules.

    Attributes:
        word: which of these.
        options: given for whatever part it will be, flat.
    """

    word: str
    options: Mapping[str, Any] = field(default_factory=dict)


def part(
    table: Table, default: str, *, help: str, words: tuple[str, ...] = ("auto",), first: bool = False
) -> Any:
    """A field of `Options` that takes a part.

    Args:
        table: name -> part; read whenever it is needed, so what is added to it later can be chosen too.
        default: a name, or one of the words.
        help: one line.
        words: that leave the part undecided.
        first: as in `option`.
    """
    return field_of(PartRule(help, first=first, table=table, words=words), default)


@dataclass(frozen=True)
class PartRule(Rule):
    """Of a field that holds a part: its name and its options are flat beside the others."""

    table: Table = field(default_factory=dict)
    words: tuple[str, ...] = ()
    holds_part: ClassVar[bool] = True

    def check(self, name: str, value: Any, hint: Any) -> Part | Undecided:
        return choose_part(name, value, self.table, self.words)

    def flags(self, name: str, hint: Any, default: Any) -> list[Flag]:
        choices = (*(word for word in self.words if word != CUSTOM), *self.table)
        own = Flag(name, str, default, self.help, choices=choices, first=self.first)
        return [own, *part_flags(name, self.table)]

    def take(self, name: str, values: Mapping[str, Any], default: Any, quiet: bool) -> Any:
        known = {flag.name: flag for flag in part_flags(name, self.table)}
        given = {
            key: value for key, value in values.items() if key in known and fits_none(value, known[key].hint)
        }
        return choose_part(name, values.get(name, default), self.table, self.words, given, quiet)

    def flat(self, name: str, value: Any) -> dict[str, Any]:
        if isinstance(value, Undecided):
            return {name: value.word, **value.options}
        return {name: name_of(value, self.table, name), **value.flat()}


def choose_part(
    what: str,
    given: object,
    table: Mapping[str, type[P]],
    words: tuple[str, ...] = (),
    options: Mapping[str, Any] = types.MappingProxyType({}),
    quiet: bool = False,
) -> P | Undecided:
    """The part that is meant by an object, a name, or a name with options.

    Args:
        what: name of the argument.
        options: given beside it, flat. Those that the part does not have are noted, unless they say what
            is so anyhow.
        quiet: does not note them.

    Raises:
        SettingError: an unknown name or option, or a value out of range.
    """
    if isinstance(given, Part):
        if options:
            first = next(iter(options))
            raise SettingError(
                f"{first} is an option of {what}=; pass {type(given).__name__}({first}=...).", first
            )
        name_of(given, table, what)
        return given  # type: ignore[return-value]
    word, own = (given.word, given.options) if isinstance(given, Undecided) else read_part(what, given)
    of_choices(what, word, (*words, *table))
    if word in words:
        together = {**own, **options}
        check_known(together, [flag.name for flag in part_flags(what, table)], f"{what}={word!r}")
        return Undecided(word, {name: checked_by_any(name, value, table) for name, value in together.items()})
    kind = table[word]
    check_known(own, kind.names(), f"{what}={word!r}")
    kept = {name: value for name, value in options.items() if name in kind.names()}
    if not quiet:
        for name in options.keys() - kept.keys():
            note_surplus(what, word, name, options[name], table)
    return kind(**{**own, **kept})


def decide(what: str, given: P | Undecided, table: Mapping[str, type[P]], name: str) -> P:
    """The part itself, or for an undecided one that of this name, with what was given for it."""
    if isinstance(given, Undecided):
        given = choose_part(what, name, table, (), given.options)  # type: ignore[assignment]
    return given  # type: ignore[return-value]


def name_of(chosen: Part, table: Table, what: str) -> str:
    """The name under which a part stands in its table.

    Raises:
        SettingError: it does not.
    """
    for name, kind in table.items():
        if kind is type(chosen):
            return name
    kinds = ", ".join(kind.__name__ for kind in table.values())
    raise SettingError(f"{what}: {type(chosen).__name__} has no name in its table, which has {kinds}.", what)


def read_part(what: str, given: object) -> tuple[str, dict[str, Any]]:
    """`gaussian(sigma=0.2)` as ("gaussian", {"sigma": 0.2}).

    Raises:
        SettingError: it is no such text.
    """
    found = re.fullmatch(r"\s*([\w-]+)\s*(?:\((.*)\)\s*)?", given) if isinstance(given, str) else None
    try:
        if found is None:
            raise ValueError
        call = ast.parse(f"f({found[2] or ''})", mode="eval").body
        assert isinstance(call, ast.Call)
        if call.args or any(keyword.arg is None for keyword in call.keywords):
            raise ValueError
        return found[1], {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (ValueError, SyntaxError, AssertionError):
        told = repr(given) if isinstance(given, str) else a_kind(given)
        raise SettingError(
            f"{what}: {told} is neither a name, nor a name with options such as name(option=0.1).", what
        ) from None


def part_flags(what: str, table: Table) -> list[Flag]:
    """Options of all parts of a table, each name once.

    Raises:
        SettingError: two parts have an option of one name and different types.
    """
    found: dict[str, dict[str, Flag]] = {}
    for word, kind in table.items():
        for flag in kind.flags():
            found.setdefault(flag.name, {})[word] = flag
    return [merged(what, owners, len(owners) == len(table)) for owners in found.values()]


def merged(what: str, owners: Mapping[str, Flag], everywhere: bool) -> Flag:
    """One option of several parts (their names -> what each says of it), or of all."""
    flags = list(owners.values())
    first = flags[0]
    if any(flag.hint != first.hint for flag in flags):
        raise SettingError(f"{first.name} has different types in {what} {' and '.join(owners)}; rename one.")
    texts: dict[str, list[str]] = {}
    for word, flag in owners.items():
        texts.setdefault(f"{flag.help}{default_beside(flag, flags)}", []).append(word)
    help = "; ".join(f"{', '.join(words)}: {text}" for text, words in texts.items())
    if len(texts) == 1 and everywhere:
        help = next(iter(texts))
    default = first.default if all(flag.default == first.default for flag in flags) else None
    range = first.range if all(flag.range == first.range for flag in flags) else ""
    return dataclasses.replace(first, help=help, default=default, range=range)


def default_beside(flag: Flag, others: list[Flag]) -> str:
    return "" if all(flag.default == other.default for other in others) else f" (default: {flag.default})"


def fits_none(value: Any, hint: Any) -> bool:
    """False for a None that an older config.json has for what is left to the part."""
    return value is not None or types.NoneType in typing.get_args(hint)


def checked_by_any(name: str, value: Any, table: Table) -> Any:
    """The value as a part of the table takes it.

    Raises:
        SettingError: none does.
    """
    problem: SettingError | None = None
    for kind in table.values():
        for each in dataclasses.fields(kind):
            if each.name == name:
                try:
                    return rule_of(each).check(name, value, hints_of(kind)[name])
                except SettingError as error:
                    problem = error
    assert problem is not None
    raise problem


def note_surplus(what: str, word: str, name: str, value: Any, table: Table) -> None:
    """Warns of an option that another part has, unless it says what holds there by default."""
    owners = {
        other: each.default
        for other, kind in table.items()
        for each in dataclasses.fields(kind)
        if each.name == name
    }
    if value not in owners.values():
        have = f"{', '.join(owners)} {'has' if len(owners) == 1 else 'have'} it"
        warnings.warn(
            f"{name}={value} has no effect with {what}={word!r}: {have}.", VaekitWarning, stacklevel=2
        )
