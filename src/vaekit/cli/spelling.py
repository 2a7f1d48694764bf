"""Library messages name arguments; here, and only here, they become the flags that are typed."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress

from vaekit.cli import command_options
from vaekit.cli.parsing import option_name
from vaekit.config.fields import Options
from vaekit.config.methods import METHODS, PRIORS
from vaekit.core import SettingError, printable
from vaekit.core import counted as counted
from vaekit.core import examples as examples

# An argument as Python writes it: name='value', name=3, name=True, or name= for any value.
VALUE = r"""'[^']*'|"[^"]*"|[^\s,;)='"]*[^\s,;).:='"]"""
ARGUMENT = re.compile(rf"(?<![\w./-])(?P<name>[a-z]\w*)=(?P<value>{VALUE})?(?!=)")


def listed(text: str | None) -> list[str] | None:
    """Names as they are typed, with commas between them; None where none were."""
    return None if text is None else [name.strip() for name in text.split(",")]


def as_typed(message: object, option: str | None = None) -> str:
    """A message of the library in one line, its arguments as they are typed: `image_size=64` as `--image-size 64`.

    Args:
        option: the argument that the message is about, which it names as a plain word.
    """
    text, (names, placed) = " ".join(str(message).splitlines()), known()
    if option in names - placed:
        text = re.sub(rf"(?<![\w./'=-]){option}(?![\w=(/])", option_name(option), text, count=1)
    return printable(
        ARGUMENT.sub(lambda found: _flag(found, placed) if found["name"] in names else found[0], text)
    )


def _flag(found: re.Match, placed: frozenset[str]) -> str:
    name, value = found["name"], found["value"]
    if name in placed:  # typed by its place, without a name
        return name.upper() if value is None else value.strip("'\"")
    flag = option_name(name)
    if value in (None, "True"):
        return flag
    if value == "False":
        return f"--no-{flag[2:]}"
    quoted = value[0] in "'\""
    return f"{flag} {shlex.quote(value[1:-1]) if quoted else value}"


def known() -> tuple[frozenset[str], frozenset[str]]:
    """Names of the options of every command and method, and those that are given by their place wherever they are."""
    sections = [s for entry in [*METHODS.values(), *PRIORS.values()] for s in entry.sections().values()]
    own = [kind for kind in vars(command_options).values() if isinstance(kind, type)]
    names: set[str] = set()
    named: set[str] = set()
    for section in [*sections, *(kind for kind in own if issubclass(kind, Options))]:
        with suppress(SettingError):  # of parts that do not go together, which is what the message says
            names |= set(section.names())
            named |= {flag.name for flag in section.flags() if not flag.positional}
    return frozenset(names), frozenset(names - named)
