"""From the words of a command line to dataclasses: tyro for help and reading, errors of one line."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import textwrap
import types
import typing
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Literal

from vaekit.core import SettingError, near_miss

UNSET = ""  # what tyro returns for an option that was not given

HELP = ("-h", "--help")


def parse(
    command: str,
    sections: Mapping[str, type],
    words: Sequence[str],
    defaults: Mapping[str, Any] | None = None,
    description: str = "",
    elsewhere: Callable[[str], str] = lambda option: "",
) -> dict[str, Any]:
    """One instance of each section, from the command line over `defaults`.

    Prints the help and raises SystemExit(0) where the words ask for it.

    Args:
        command: what was typed so far, "vaekit sample".
        sections: dataclasses by the title that they have in the help; no two share a field.
        words: what follows the command.
        defaults: values that take the place of the fields' own defaults.
        description: first line of the help.
        elsewhere: says where an option belongs that is none of these.

    Raises:
        SettingError: one line that names the option or value, and the remedy.
    """
    import tyro

    fields = {field.name: field for section in sections.values() for field in typed_fields(section)}
    defaults = {name: field.default for name, field in fields.items()} | dict(defaults or {})
    wants_help = any(word in HELP for word in words)
    known = _known_options(fields, defaults)
    lists = {option_name(name) for name, field in fields.items() if _is_list(field)}
    arguments = ["--help"] if wants_help else _sorted_words(command, known, lists, words, elsewhere)
    mirrors = {title: _mirror(section, defaults) for title, section in sections.items()}
    alone = next(iter(mirrors)) if len(mirrors) == 1 else None
    try:
        parsed, surplus = tyro.cli(
            mirrors[alone] if alone else dataclasses.make_dataclass("Options", mirrors.items()),
            prog=command,
            description=description,
            args=arguments,
            return_unknown_args=True,
            console_outputs=wants_help,
            config=(tyro.conf.OmitArgPrefixes,),
        )
    except SystemExit as exit:
        if exit.code in (0, None):
            raise
        raise SettingError(f"{command} needs {_missing(fields)}; see {command} --help.") from None
    if surplus:
        raise SettingError(f"{command}: unexpected argument {surplus[0]!r}; see {command} --help.")
    given = {title: parsed if alone else getattr(parsed, title) for title in sections}
    return {title: _build(command, sections[title], values, defaults) for title, values in given.items()}


def typed_fields(section: type) -> list[dataclasses.Field]:
    """The fields of a section that can be given on the command line."""
    return [field for field in dataclasses.fields(section) if not field.metadata.get("resolved")]


def option_name(field_name: str) -> str:
    """`latent_dim` as it is typed: `--latent-dim`."""
    return "--" + field_name.replace("_", "-")


def _known_options(fields: Mapping[str, dataclasses.Field], defaults: Mapping[str, Any]) -> dict[str, bool]:
    """Every option as it is typed, and whether it takes a value."""
    known = {}
    for name, field in fields.items():
        if not _is_positional(field):
            known[option_name(name)] = not isinstance(defaults[name], bool)
        if defaults[name] is True:  # a --config switched it on: it can be switched off again
            known["--no-" + option_name(name)[2:]] = False
    return known


def _sorted_words(
    command: str, known: Mapping[str, bool], lists: Set[str], words: Sequence[str], elsewhere: Callable
) -> list[str]:
    """Options with their values first, then what is given by its place, so that the two may be mixed.

    The values of an option that takes several become one word, with commas between them.

    Raises:
        SettingError: a name that is no option, an option without its value, a flag with one.
    """
    named, placed, rest = [], [], iter([*words, "--"])
    following = next(rest)
    while (word := following) != "--":
        following = next(rest)
        if not _is_option(word):
            placed.append(word)
            continue
        name, equals, _ = word.partition("=")
        name = name.replace("_", "-")
        if name not in known:
            hint = elsewhere(name) or near_miss(name, known)
            raise SettingError(f"unknown option {name}.{hint} See {command} --help.")
        if not known[name] and equals:
            raise SettingError(f"{name} takes no value; it holds when it is given.")
        named.append(word)
        if known[name] and not equals:
            if _is_option(following):
                raise SettingError(f"{name} needs a value; see {command} --help.")
            named.append(following)
            following = next(rest)
            while name in lists and not _is_option(following):
                named[-1] += f",{following}"
                following = next(rest)
    return named + placed


def _is_option(word: str) -> bool:
    """Whether a word is an option and not a value such as -1, -.5 or -."""
    return len(word) > 1 and word[0] == "-" and not (word[1].isdigit() or word[1] == ".")


def _is_positional(field: dataclasses.Field) -> bool:
    return bool(field.metadata.get("positional"))


def _is_list(field: dataclasses.Field) -> bool:
    """Whether it is an option that takes several values."""
    return field.default == () and not _is_positional(field)


def _missing(fields: Mapping[str, dataclasses.Field]) -> str:
    required = [n for n, f in fields.items() if _is_positional(f) and f.default is dataclasses.MISSING]
    return " ".join(name.upper() for name in required)


def _mirror(section: type, defaults: Mapping[str, Any]) -> type:
    """The dataclass that tyro reads: every value a string, converted afterwards."""
    hints, docs = typing.get_type_hints(section), field_docs(section)
    fields = [_mirror_field(f, hints[f.name], defaults[f.name], docs[f.name]) for f in typed_fields(section)]
    mirror = dataclasses.make_dataclass(section.__name__, fields, kw_only=True)
    mirror.__doc__ = section.__doc__
    return mirror


def _mirror_field(field: dataclasses.Field, hint: Any, default: Any, doc: str) -> tuple[str, Any, Any]:
    import tyro

    many = default == () and _is_positional(field)
    kind: Any = hint if hint is bool or many else str
    if default is False:
        kind = tyro.conf.FlagCreatePairsOff[kind]
    if _is_positional(field):
        kind = tyro.conf.Positional[kind]
    argument = tyro.conf.arg(
        help=doc,
        metavar=None if hint is bool else _metavar(field, hint),
        help_behavior_hint=_shown(default),
    )
    initial = default if hint is bool or many else UNSET
    if _is_positional(field) and default is dataclasses.MISSING:
        initial = dataclasses.MISSING
    return field.name, Annotated[kind, argument], dataclasses.field(default=initial)


def _build(command: str, section: type, parsed: Any, defaults: Mapping[str, Any]) -> Any:
    """A section with the types of its fields."""
    hints, values = typing.get_type_hints(section), {}
    for field in typed_fields(section):
        value = getattr(parsed, field.name)
        if value == UNSET:
            value = defaults[field.name]
        elif isinstance(value, str):
            value = from_text(value, hints[field.name], option_name(field.name))
        if value is dataclasses.MISSING:
            raise SettingError(f"{command} needs {option_name(field.name)}; see {command} --help.")
        values[field.name] = value
    return section(**values)


def from_text(text: str, hint: Any, option: str) -> Any:
    """The value that a word stands for.

    Raises:
        SettingError: names the option, the word and what would fit.
    """
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        if text not in choices:
            raise SettingError(
                f"{option}: {text!r} is not one of {', '.join(choices)}.{near_miss(text, choices)}"
            )
        return text
    if typing.get_origin(hint) is tuple:
        return tuple(word for word in text.split(",") if word)
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if types.NoneType in kinds and text.lower() == "none":
        return None
    if int in kinds:
        return _number(text, int, option, "a whole number")
    if float in kinds:
        return _number(text, float, option, "a number")
    return text


def _number(text: str, kind: type, option: str, wanted: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        raise SettingError(f"{option}: {text!r} is not {wanted}.") from None
    if not math.isfinite(value):
        raise SettingError(f"{option}: {text!r} is not a finite number.")
    return value


def _metavar(field: dataclasses.Field, hint: Any) -> str:
    if _is_positional(field):
        return field.name.upper() if field.default is dataclasses.MISSING else f"[{field.name.upper()} ...]"
    if typing.get_origin(hint) is Literal:
        return "|".join(typing.get_args(hint))
    if _is_list(field):
        return "TEXT ..."
    kinds = typing.get_args(hint) or (hint,)
    return "INT" if int in kinds else "FLOAT" if float in kinds else "TEXT"


def _shown(default: Any) -> str:
    if default is dataclasses.MISSING:
        return "(required)"
    if default is None or default == () or isinstance(default, bool):
        return ""  # the text of the field says what happens then
    return f"(default: {default:.4g})" if isinstance(default, float) else f"(default: {default})"


@cache
def field_docs(section: type) -> dict[str, str]:
    """The text under each field of a dataclass, from its source."""
    docs: dict[str, str] = {}
    for kind in reversed([base for base in section.__mro__ if dataclasses.is_dataclass(base)]):
        body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
        for statement, text in pairwise(body):
            if isinstance(statement, ast.AnnAssign) and isinstance(text, ast.Expr):
                docs[statement.target.id] = " ".join(ast.literal_eval(text.value).split())  # type: ignore[union-attr]
    return docs
