"""From the words of a command line to the options of a command, with errors of one line. Imports no torch."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from vaekit.cli.help import option_name, show_help
from vaekit.cli.meant import as_option, number_meant, option_meant, place_meant
from vaekit.config.fields import Flag, Options, of_choices
from vaekit.core import SettingError
from vaekit.synonyms import meant

HELP = ("-h", "--help")

S = TypeVar("S", bound=Options)


def parse(command: str, section: type[S], words: Sequence[str], description: str = "") -> S:
    """A section of options from the command line.

    Prints the help and raises SystemExit(0) where the words ask for it.

    Args:
        command: what was typed so far, "vaekit sample".
        section: whose options may be given.
        words: what follows the command.
        description: first line of the help.

    Raises:
        SettingError: one line that names the option or value, and the remedy.
    """
    given = read(command, {"options": section.flags()}, words, description=description)
    return section.of(given)


def read(
    command: str,
    groups: Mapping[str, Iterable[Flag]],
    words: Sequence[str],
    description: str = "",
    elsewhere: Callable[[str], str] = lambda option: "",
    have: Iterable[str] = (),
) -> dict[str, Any]:
    """Reads the options of the command line: name -> value of the option's type.

    Args:
        command, words, description: as in `parse`.
        groups: options by the title that they have in the help; no two have one name.
        elsewhere: says where an option belongs that is none of these.
        have: names of options without a default that something else gives.

    Raises:
        SettingError: as in `parse`.
    """
    typed = {title: [flag for flag in flags if not flag.decided] for title, flags in groups.items()}
    if any(word in HELP for word in words):
        show_help(command, typed, description, everything="all" in words)
        raise SystemExit(0)
    flags = [flag for group in typed.values() for flag in group]
    typed_words = Words(command, flags, elsewhere)
    given, placed = typed_words.split(words)
    values = {flag.name: from_text(given[flag.name], flag) for flag in flags if flag.name in given}
    values |= typed_words.by_place(placed, given)
    for flag in flags:
        if is_required(flag) and flag.name not in {*values, *have}:
            name = flag.name.upper() if flag.positional else option_name(flag.name)
            raise SettingError(f"{command} needs {name}; see {command} --help.")
    return values


class Words:
    """Takes a command line apart.

    Args:
        command: what was typed so far.
        flags: the options of the command.
        elsewhere: says where an option belongs that is none of these.
    """

    def __init__(self, command: str, flags: Sequence[Flag], elsewhere: Callable[[str], str]) -> None:
        self.command, self.elsewhere = command, elsewhere
        self.flags, self.places = flags, [flag for flag in flags if flag.positional]
        self.known = {option_name(flag.name): flag for flag in flags if not flag.positional}
        switches = [flag for flag in self.known.values() if flag.hint is bool]
        self.off = {f"--no-{option_name(flag.name)[2:]}": flag for flag in switches}
        self.after: dict[
            int, tuple[Flag, str]
        ] = {}  # place of a word -> the option and value right before it

    def split(self, words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """Splits the words of the command line by option, as text
        (True or False for a switch, a list where several values may follow), and what is given by its place;
        the two may be mixed. A list that is given twice is one list; of a switch the last word counts.

        Raises:
            SettingError: a name that is no option, an option without its value or with two, a switch with one.
        """
        given: dict[str, Any] = {}
        placed: list[str] = []
        rest = list(words)
        before: tuple[Flag, str] | None = None
        while rest:
            word = rest.pop(0)
            if word == "--":
                return given, placed + rest
            if not is_option(word):
                self._check_dashes(word)
                if before is not None:
                    self.after[len(placed)] = before
                placed.append(word)
                before = None
                continue
            name, equals, value = word.partition("=")
            name = name.replace("_", "-")
            flag = self._flag(name)
            if flag.hint is bool:
                if equals:
                    raise SettingError(f"{name} takes no value; it holds when it is given.")
                given[flag.name], before = name not in self.off, (flag, "")
                continue
            if not equals:
                if not rest or is_option(rest[0]):
                    raise SettingError(f"{name} needs a value; see {self.command} --help.")
                value = rest.pop(0)
            self._check_equals(name, equals, value, rest)
            if is_list(flag):
                while rest and not is_option(rest[0]):
                    value += f",{rest.pop(0)}"
                value = f"{given[flag.name]},{value}" if flag.name in given else value
            elif given.get(flag.name, value) != value:
                raise SettingError(
                    f"{name} is given twice, as {given[flag.name]} and as {value}; give it once."
                )
            given[flag.name], before = value, (flag, value)
        return given, placed

    def by_place(self, placed: list[str], given: Iterable[str]) -> dict[str, Any]:
        """Values of the options that have no name on the command line.

        Args:
            given: names of the options that were given by name.

        Raises:
            SettingError: there are more words than such options.
        """
        values: dict[str, Any] = {}
        taken = 0
        for flag in self.places:
            if is_list(flag):
                values[flag.name], taken = tuple(placed[taken:]), len(placed)
            elif taken < len(placed):
                values[flag.name], taken = placed[taken], taken + 1
        if taken < len(placed):
            word = placed[taken]
            hint = place_meant(word, self.flags, self.after.get(taken), given)
            shown = word.partition("=")[0] if hint else word
            more = f".{hint} See" if hint else "; see"
            raise SettingError(f"{self.command}: unexpected argument {shown!r}{more} {self.command} --help.")
        return values

    def _flag(self, name: str) -> Flag:
        if name in self.known:
            return self.known[name]
        if name in self.off:
            return self.off[name]
        place = next((flag.name.upper() for flag in self.places if option_name(flag.name) == name), None)
        if place is not None:
            raise SettingError(
                f"{name}: {place} is given by its place, without a name: {self.command} {place}."
            )
        hint = option_meant(name, self.known, self.elsewhere(name))
        raise SettingError(f"unknown option {name}.{hint} See {self.command} --help.")

    def _check_dashes(self, word: str) -> None:
        """Raises SettingError for an option whose dashes are no hyphens."""
        option = as_option(word)
        if option is not None and (name := meant(option.partition("=")[0], [*self.known, *self.off])):
            raise SettingError(f"the dashes of {word.partition('=')[0]} are no hyphens; type {name}.")

    def _check_equals(self, name: str, equals: str, value: str, rest: list[str]) -> None:
        """Raises SettingError where there is a space beside the sign between an option and its value."""
        if not equals and value[:1] == "=":
            said = value[1:] or (rest[0] if rest else "")
            raise SettingError(f"{name}: no space before =; type {name} {said}.")
        if equals and not value and rest and not is_option(rest[0]):
            raise SettingError(f"{name}: no space after =; type {name} {rest[0]}.")


def is_option(word: str) -> bool:
    """Returns whether a word is an option and not a value such as -1, -.5 or -."""
    return len(word) > 1 and word[0] == "-" and not (word[1].isdigit() or word[1] == ".")


def is_list(flag: Flag) -> bool:
    """Returns whether several values may follow."""
    return typing.get_origin(flag.hint) is tuple


def is_required(flag: Flag) -> bool:
    """Returns whether there is no default."""
    return flag.default is dataclasses.MISSING


def from_text(text: Any, flag: Flag) -> Any:
    """The value that a word stands for.

    Raises:
        SettingError: names the option, the word and what would fit.
    """
    option, kinds = option_name(flag.name), typing.get_args(flag.hint) or (flag.hint,)
    if isinstance(text, bool):
        return text
    if not text.strip():
        raise SettingError(f"{option}: there is nothing in its value; give one, or leave {option} away.")
    if is_list(flag):
        return tuple(word for word in text.split(",") if word)
    if flag.choices and flag.hint is not str:
        return of_choices(option, text, flag.choices)
    if types.NoneType in kinds and text.lower() == "none":
        return None
    if int in kinds:
        return number(text, int, option, "a whole number")
    if float in kinds:
        return number(text, float, option, "a number")
    return text


def number(text: str, kind: type, option: str, wanted: str) -> Any:
    """Raises SettingError: the text is no such number, or none that is finite."""
    try:
        value = kind(text)
    except ValueError:
        raise SettingError(f"{option}: {text!r} is not {wanted}.{number_meant(text, kind)}") from None
    if not math.isfinite(value):
        raise SettingError(f"{option}: {text!r} is not a finite number.")
    return value
