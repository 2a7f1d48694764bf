"""Guesses at what was meant by words that no command takes: a sentence for an error, or nothing. Imports no torch."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vaekit.cli import command_options
from vaekit.cli.command_table import COMMANDS
from vaekit.cli.help import option_name
from vaekit.config.fields import Flag
from vaekit.config.methods import METHODS
from vaekit.config.options import NAMED_SETS
from vaekit.core import near_miss
from vaekit.synonyms import as_word, meant

HELP_WORDS = ("help", "-help", "/?", "-?", "/help", "?")
DASHES = "‐‑‒–—―−﹘﹣－"  # what editors and pages make of hyphens
NEAR = 0.8  # likeness of an option's name to one of this command, above that to the very name of another command's


def plain_dashes(word: str) -> str:
    """A word with hyphens for all that look like them."""
    return word.translate(dict.fromkeys(map(ord, DASHES), "-"))


def as_option(word: str) -> str | None:
    """The option that a word stands for whose dashes are no hyphens; None for any other word."""
    plain = plain_dashes(word)
    if plain == word or plain[:1] != "-" or plain[1:2].isdigit():
        return None
    return "--" + plain.lstrip("-")


def command_meant(word: str) -> str:
    """Says what an unknown first word may have been meant to be."""
    name = as_word(plain_dashes(word))
    if name == "vaekit":
        return " Leave the second vaekit out."
    if method := next((method for method in METHODS if as_word(method) == name), None):
        return f" Did you mean vaekit train {method}?"
    is_option = plain_dashes(word)[:1] == "-"
    first = [] if is_option and name not in COMMANDS else [*COMMANDS, "help", "completion"]
    if close := near_miss(plain_dashes(word), [*first, "--help", "--version"]):
        return close
    if is_option:
        return f" The command comes first: vaekit COMMAND {word}."
    if word in NAMED_SETS:
        return f" Did you mean vaekit train vae --data {word}?"
    if is_there(word):
        from vaekit.runs.records import has_begun

        asked = "explore" if has_begun(Path(word)) else "data"
        return f" Did you mean vaekit {asked} {word}?"
    return ""


def option_meant(name: str, known: Mapping[str, Flag], elsewhere: str) -> str:
    """Says what an unknown option may have been meant to be.

    Args:
        name: as it was typed.
        known: options of the command, as they are typed.
        elsewhere: which other methods have it; empty where none has.
    """
    offered = [*known, "--help"]
    if close := meant(name, offered, alike=False):
        return f" Did you mean {close}?"
    if elsewhere:
        return elsewhere
    owners, close = commands_with(name), meant(name, offered)
    far = close is None or difflib.SequenceMatcher(None, as_word(name), as_word(close)).ratio() < NEAR
    if owners and far:
        its = next(iter(owners.values()))
        *most, last = list(owners)[:3]
        listed = f"{', '.join(most)} and {last}" if most else last
        return f" vaekit {listed} {'have' if most else 'has'} {its if its != name else 'it'}."
    return f" Did you mean {close}?" if close is not None else ""


def commands_with(name: str) -> dict[str, str]:
    """Commands that have an option of a name, or what it is called there: command -> option as it is typed."""
    found = {}
    for command, entry in COMMANDS.items():
        names = [flag.name for flag in getattr(command_options, entry.options).flags() if not flag.positional]
        if command == "train":
            names += [option for method in METHODS.values() for option in method.options()]
        its = [option_name(its) for its in names]
        if close := meant(name, its, alike=False):
            found[command] = close
    same = {command: its for command, its in found.items() if as_word(its) == as_word(name)}
    return same or found


def place_meant(
    word: str, flags: Sequence[Flag], after: tuple[Flag, str] | None, given: Iterable[str]
) -> str:
    """Says what a word may have been meant to be that is in no place for it.

    Args:
        flags: options of the command.
        after: the option and its value that came right before, if they did.
        given: names of the options that were given.
    """
    named = {option_name(flag.name): flag for flag in flags if not flag.positional}
    option, equals, value = word.partition("=")
    if word in HELP_WORDS:
        return " Did you mean --help?"
    if typed := as_option(option):
        return f" Its dashes are no hyphens; type {meant(typed, [*named, '--help']) or typed}{equals}{value}."
    if after is not None and (said := _second_value(word, *after)):
        return said
    if close := meant(option, list(named), alike=False):
        return f" An option begins with two hyphens: {close}{equals}{value}."
    fitting = [name for name, flag in named.items() if word in flag.choices and flag.name not in given]
    if fitting:
        return f" Did you mean {fitting[0]} {word}?"
    if "--data" in named and "data" not in given and (word in NAMED_SETS or is_there(word)):
        return f" Did you mean --data {word}?"
    return ""


def _second_value(word: str, flag: Flag, value: str) -> str:
    """Says why an option has no second value, where that is what the word seems to be."""
    name = option_name(flag.name)
    if flag.hint is bool:
        return (
            f" {name} takes no value."
            if word.lower() in ("yes", "no", "true", "false", "on", "off", "1", "0")
            else ""
        )
    if value.endswith(",") or word.startswith(","):
        return f" Write values with commas and no spaces: {name} {value}{word}."
    if is_there(value) and is_there(word):
        folder = os.path.dirname(value)
        return (
            f" {name} takes one value; a star stands for several. Name their folder: {name} {folder or '.'}."
        )
    if value[:1].isdigit():
        return f" {name} takes one value, and has {value}."
    return ""


def number_meant(text: str, kind: type) -> str:
    """Says which number a text may have been meant to be."""
    word = plain_dashes(text).strip().lstrip("=").replace(" ", "")
    if word.lower() in WORDS:
        return f" Did you mean {WORDS.index(word.lower())}?"
    thousand = 1000 if word[-1:].lower() == "k" else 1
    word = word[:-1] if thousand > 1 else word
    if re.fullmatch(r"-?[1-9]\d{0,2}([,'.]\d{3})+", word) and kind is int:
        word = re.sub("[,'.]", "", word)
    word = word.replace(",", ".", 1)
    try:
        value = float(word) * thousand
    except ValueError:
        return ""
    if kind is float:
        return f" Did you mean {value:g}?"
    return f" Did you mean {int(value)}?" if value.is_integer() and abs(value) < 1e15 else ""


WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]


def is_there(path: str) -> bool:
    """Returns whether something is at a path; False for what is no path."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False
