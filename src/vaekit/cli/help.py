"""The help of a command: its options in groups, with defaults and ranges. Imports no torch."""

from __future__ import annotations

import dataclasses
import shutil
import textwrap
import types
import typing
from collections.abc import Iterable, Mapping

from vaekit.config.fields import Flag

TYPED = {"start": "from"}  # which Python keeps for itself

LEFT = 26  # columns of names, where these fit

MOST = 30  # lines of a help that is shown whole without being asked for
FRAME = 6  # of them around the options


def show_help(
    command: str, groups: Mapping[str, Iterable[Flag]], description: str, everything: bool = False
) -> None:
    """Prints the help of a command: of one with many options those that people need first, unless all are asked for.

    Args:
        command: what is typed, "vaekit sample".
        groups: options by their title.
        description: first line.
        everything: all of them were asked for.
    """
    width = max(60, shutil.get_terminal_size().columns - 2)
    lines = whole(command, groups, description, width)
    if len(lines) > MOST and not everything:
        lines = those_first(command, groups, description, width)
    print("\n".join(lines).rstrip())


def those_first(
    command: str, groups: Mapping[str, Iterable[Flag]], description: str, width: int
) -> list[str]:
    """The options that people need first, one line or two each, and how the others are shown."""
    flags = [flag for group in groups.values() for flag in group]
    lines = [shown(flag, width, brief(flag)) for flag in flags if flag.first or flag.positional]
    wanted = [flag for flag in flags if flag.first or flag.positional]
    room = MOST - FRAME
    for index in reversed(range(len(wanted))):  # what follows a colon goes first, from below
        if sum(map(len, lines)) > room:
            lines[index] = shown(wanted[index], width, brief(wanted[index], before=":"))
    usual = [f"usage: {usage(command, flags)}", "", description, ""]
    return [
        *usual,
        *(line for some in lines for line in some),
        "",
        f"All {len(flags)} options: {command} --help all",
    ]


def brief(flag: Flag, before: str = ";") -> str:
    """The meaning of an option up to its first semicolon or bracket, or a sign before that, and the default."""
    text = flag.help.partition(";")[0].partition(" (")[0].partition(before)[0]
    default = flag.default
    if default is dataclasses.MISSING:
        return f"{text} (required)"
    plain = default is None or default == () or isinstance(default, bool) or default == "auto"
    return (
        text
        if plain
        else f"{text} (default: {default:.4g})"
        if isinstance(default, float)
        else f"{text} (default: {default})"
    )


def usage(command: str, flags: Iterable[Flag]) -> str:
    places = " ".join(shown_place(flag) for flag in flags if flag.positional)
    return " ".join(f"{command} {places} [options]".split())


def whole(command: str, groups: Mapping[str, Iterable[Flag]], description: str, width: int) -> list[str]:
    """All options, with what there is to say of each."""
    flags = [flag for group in groups.values() for flag in group]
    lines = [f"usage: {usage(command, flags)}", "", description, ""]
    if any(flag.positional for flag in flags):
        lines += [line for flag in flags if flag.positional for line in shown(flag, width)] + [""]
    for title, group in groups.items():
        named = [flag for flag in group if not flag.positional]
        if named:
            lines += [f"{title}:", *(line for flag in named for line in shown(flag, width)), ""]
    return lines


def shown(flag: Flag, width: int, text: str | None = None) -> list[str]:
    """An option's lines: how it is typed, and beside it or below what it means (None: all that there is to say)."""
    left = shown_place(flag) if flag.positional else shown_name(flag)
    text = f"{flag.help}{shown_limits(flag)}" if text is None else text
    lines = textwrap.wrap(text, width - LEFT - 4, break_on_hyphens=False) or [""]
    first = [f"  {left}"] if len(left) > LEFT else []
    lead = "" if first else left
    return first + [f"  {lead if i == 0 else '':{LEFT}}  {line}" for i, line in enumerate(lines)]


def shown_name(flag: Flag) -> str:
    """`--width INT`, `--quiet` or, for what holds by default, `--kmeans, --no-kmeans`."""
    name = option_name(flag.name)
    if flag.hint is bool:
        return f"{name}, --no-{name[2:]}" if flag.default is True else name
    return f"{name} {metavar(flag)}"


def option_name(name: str) -> str:
    """`latent_dim` as it is typed: `--latent-dim`."""
    return "--" + TYPED.get(name, name).replace("_", "-")


def shown_place(flag: Flag) -> str:
    name = flag.name.upper()
    if flag.default is dataclasses.MISSING:
        return name
    return f"[{name} ...]" if typing.get_origin(flag.hint) is tuple else f"[{name}]"


def metavar(flag: Flag) -> str:
    """Returns the placeholder of the value."""
    kinds = [kind for kind in typing.get_args(flag.hint) or (flag.hint,) if kind is not types.NoneType]
    if typing.get_origin(flag.hint) is typing.Literal:
        return "|".join(flag.choices)
    if typing.get_origin(flag.hint) is tuple:
        return "TEXT ..."
    if flag.choices:
        return "NAME"
    return "INT" if int in kinds else "FLOAT" if float in kinds else "TEXT"


def shown_limits(flag: Flag) -> str:
    """` (default: 0.1; above 0)`: what the text of the option does not say."""
    default = flag.default
    parts = []
    if default is dataclasses.MISSING:
        parts.append("required")
    elif default is not None and default != () and not isinstance(default, bool):
        parts.append(f"default: {default:.4g}" if isinstance(default, float) else f"default: {default}")
    if flag.range:
        parts.append(flag.range)
    if flag.choices and typing.get_origin(flag.hint) is not typing.Literal:
        parts.append(f"one of {', '.join(flag.choices)}")
    return f" ({'; '.join(parts)})" if parts else ""
