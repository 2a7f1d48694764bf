"""The help of a command: its options in groups, with defaults and ranges. Imports no torch."""

from __future__ import annotations

import dataclasses
import shutil
import textwrap
import types
import typing
from collections.abc import Iterable, Mapping

from vaekit.config.fields import Flag

LEFT = 26  # columns of names, where these fit


def show_help(command: str, groups: Mapping[str, Iterable[Flag]], description: str) -> None:
    """Prints the help of a command.

    Args:
        command: what is typed, "vaekit sample".
        groups: options by their title.
        description: first line.
    """
    width = max(60, shutil.get_terminal_size().columns - 2)
    flags = [flag for group in groups.values() for flag in group]
    places = " ".join(shown_place(flag) for flag in flags if flag.positional)
    lines = [" ".join(f"usage: {command} {places} [options]".split()), "", description, ""]
    if places:
        lines += [line for flag in flags if flag.positional for line in shown(flag, width)] + [""]
    for title, group in groups.items():
        named = [flag for flag in group if not flag.positional]
        if named:
            lines += [f"{title}:", *(line for flag in named for line in shown(flag, width)), ""]
    print("\n".join(lines).rstrip())


def shown(flag: Flag, width: int) -> list[str]:
    """An option's lines: how it is typed, and beside it or below what it means."""
    left = shown_place(flag) if flag.positional else shown_name(flag)
    text = f"{flag.help}{shown_limits(flag)}"
    lines = textwrap.wrap(text, width - LEFT - 4, break_on_hyphens=False) or [""]
    first = [f"  {left}"] if len(left) > LEFT else []
    lead = "" if first else left
    return first + [f"  {lead if i == 0 else '':{LEFT}}  {line}" for i, line in enumerate(lines)]


def shown_name(flag: Flag) -> str:
    """`--width INT`, `--quiet` or, for what holds by default, `--kmeans, --no-kmeans`."""
    name = "--" + flag.name.replace("_", "-")
    if flag.hint is bool:
        return f"{name}, --no-{name[2:]}" if flag.default is True else name
    return f"{name} {metavar(flag)}"


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
