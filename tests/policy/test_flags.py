"""The documented command line: an option that appears, vanishes or is renamed shows up here.

After a change that is meant: `python tests/policy/test_flags.py` writes flags.txt again.
"""

from __future__ import annotations

from pathlib import Path

from vaekit.cli import command_options as options
from vaekit.cli.main import COMMANDS
from vaekit.cli.parsing import option_name
from vaekit.config.fields import Options
from vaekit.config.methods import METHODS, PRIORS
from vaekit.config.options import FitSettings

FROZEN = Path(__file__).with_name("flags.txt")


def flags(section: type[Options]) -> list[str]:
    return [
        flag.name.upper() if flag.positional else option_name(flag.name)
        for flag in section.flags()
        if not flag.decided
    ]


def current() -> str:
    lines = [f"{name}: {' '.join(flags(getattr(options, c.options)))}" for name, c in COMMANDS.items()]
    for name, method in METHODS.items():
        given = [flag for section in method.sections().values() for flag in flags(section)]
        lines.append(f"train {name}: {' '.join(given)}")
    for name, method in PRIORS.items():
        sections = [method.model_options, FitSettings]
        lines.append(f"prior of {name}: {' '.join(f for section in sections for f in flags(section))}")
    return "\n".join(lines) + "\n"


def test_flags_are_the_documented_ones() -> None:
    assert current() == FROZEN.read_text(encoding="utf-8")


if __name__ == "__main__":
    FROZEN.write_text(current(), encoding="utf-8")
