"""Options that several commands share. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaekit.config.fields import Options, option, same
from vaekit.config.options import FitSettings

OTHERWISE = "; other data or settings are in the name"  # after the usual place of a result


@dataclass(frozen=True, kw_only=True)
class Common(Options):
    """Options of every command."""

    json: bool = option(False, help="print one JSON object on standard output and nothing else there")


@dataclass(frozen=True, kw_only=True)
class RunOptions(Common):
    """A trained run and where to compute."""

    run: str = option(help="folder of a trained run", positional=True)
    device: str = same(FitSettings, "device")


@dataclass(frozen=True, kw_only=True)
class SourceRunOptions(RunOptions):
    """A trained run, and the images it is to be shown."""

    data: str | None = option(
        None,
        help="a source as in `train`, or one image file, of any number of examples (default: the run's own)",
    )
    label: str | None = option(
        None, help="class of images without labels, for a conditional run: a name, or else a number from 0"
    )
