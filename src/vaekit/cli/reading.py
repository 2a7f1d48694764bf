"""The arguments of a command from the words of the command line. Imports no torch."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vaekit.cli import command_options as options
from vaekit.cli.common_options import RunOptions
from vaekit.cli.parsing import HELP, parse, read
from vaekit.cli.sweeping import grid_of
from vaekit.config.fields import Options
from vaekit.config.methods import METHODS, PRIORS, find_method, resolve
from vaekit.config.options import Settings, read_config
from vaekit.core import SettingError, VaekitError, choose
from vaekit.wording import names_of, speak_of

if TYPE_CHECKING:
    from vaekit.cli.command_table import Command


def read_options(typed: str, command: Command, words: list[str]) -> tuple[Options]:
    """The options of a command that has the same ones whatever is given."""
    section = getattr(options, command.options)
    return (parse(typed, section, words, _sentence(command.summary)),)


def speak_of_run(given: Options) -> None:
    """Lets what is printed be about rows where the run of a command is of rows; a prior is of its run's examples."""
    runs = getattr(given, "runs", None) or [getattr(given, "run", None)]
    if not isinstance(run := runs[0], str):
        return
    from vaekit.runs.records import has_begun, read_run_config

    folder = Path(run)
    if folder.name == "prior" and has_begun(folder.parent):
        folder = folder.parent
    with suppress(VaekitError):  # who reads it says what is wrong
        data = read_run_config(folder).data
        speak_of(data.shape, names_of(data))


def check_run(given: Options) -> None:
    """Checks that the run of a command is one, before anything else is looked at: what it writes goes into that folder.

    Raises:
        RunError: it is none.
    """
    if isinstance(given, RunOptions | options.RemoveOptions) and given.run is not None:
        from vaekit.runs.records import has_begun, read_run_config

        if not has_begun(Path(given.run)):
            read_run_config(Path(given.run))


def read_training(typed: str, command: Command, words: list[str]) -> tuple[Settings, options.TrainOptions]:
    """The settings of a run: command line, over --config, over the method's overrides, over defaults.

    Raises:
        SettingError: no such method or option, or a value that does not fit.
    """
    method = _method(typed, command, words)
    layer, given, own = _read(
        f"{typed} {method}",
        method,
        words[1:],
        options.TrainOptions,
        ("data", "model", "objective", "fit"),
        lambda option: _elsewhere(option, method),
    )
    if "data" not in {**layer, **given}:
        raise SettingError(f"{typed} {method} needs --data; see {typed} {method} --help.")
    begun = {} if own.start is None else _begun(own.start, method, {**layer, **given})
    return resolve(method, begun, layer, given, where=""), own


def read_sweep(
    typed: str, command: Command, words: list[str]
) -> tuple[Settings, dict[str, list[Any]], options.SweepOptions]:
    """The settings that the runs of a sweep share, and the values of its grid.

    Raises:
        SettingError: no such method or option, or a value that does not fit.
    """
    method = _method(typed, command, words)
    titles, entry = ("data", "model", "objective", "fit"), find_method(method)
    layer, given, own = _read(
        f"{typed} {method}",
        method,
        words[1:],
        options.SweepOptions,
        titles,
        lambda option: _elsewhere(option, method),
    )
    if "data" not in {**layer, **given}:
        raise SettingError(f"{typed} {method} needs --data; see {typed} {method} --help.")
    grid = grid_of(own.grid, itertools.chain.from_iterable(entry.flags().values()))
    layer = {name: value for name, value in layer.items() if name not in grid}
    return resolve(method, layer, given, where=""), grid, own


def _begun(start: str, method: str, given: dict[str, Any]) -> dict[str, Any]:
    """The model options of the run that training begins with."""
    from vaekit.runs.start import model_options_of

    return model_options_of(Path(start), method, given)


def read_prior(typed: str, command: Command, words: list[str]) -> tuple[Settings, options.PriorOptions]:
    """The settings of a prior; which one it is, the run's model says.

    Raises:
        SettingError: no run, a model without latents, or an option that its prior does not have.
    """
    if words and words[0] in HELP:
        print(_priors_help(typed, command))
        raise SystemExit(0)
    if not words or words[0].startswith("-"):
        raise SettingError(f"{typed} needs RUN first: the folder of a trained run. See {typed} --help.")
    from vaekit.runs.load import read_run_config, settings_of

    folder = Path(words[0])
    method = settings_of(folder, read_run_config(folder)).method
    name = find_method(method).model_class().prior_method  # type: ignore[attr-defined]
    if name is None:
        raise SettingError(
            f"{folder}: a {method} has no latents to fit a prior to; a vqvae, an ae or a vae has."
        )
    layer, given, own = _read(f"{typed} {words[0]}", name, words, options.PriorOptions, ("model", "fit"))
    return resolve(name, layer, given, {"data": words[0]}, where=""), own


Own = TypeVar("Own", bound=Options)


def _read(
    typed: str,
    method: str,
    words: list[str],
    own: type[Own],
    titles: tuple[str, ...],
    elsewhere: Callable[[str], str] = lambda option: "",
) -> tuple[dict[str, Any], dict[str, Any], Own]:
    """Reads a method's options from --config and from the command line, and the command's own.

    Raises:
        SettingError: an unknown option, or a value that does not fit; for one in the file, it names the file.
    """
    entry = find_method(method)
    groups = {
        TITLES.get(title, title): [
            dataclasses.replace(flag, default=entry.overrides.get(flag.name, flag.default)) for flag in flags
        ]
        for title, flags in entry.flags().items()
        if title in titles
    }
    groups["run"] = own.flags()
    given = read(typed, groups, words, _sentence(entry.summary), elsewhere, have=("data",))
    commands = own.of({name: given.pop(name) for name in own.names() if name in given})
    config = getattr(commands, "config", None)
    layer = read_config(config) if config is not None else {}
    resolve(method, {"data": ""}, layer, where=f"--config {config}", quiet=True)
    return layer, given, commands


TITLES = {"fit": "training"}


def _priors_help(typed: str, command: Command) -> str:
    lines = [f"  {name:12} {entry.summary}" for name, entry in PRIORS.items()]
    usage = [f"usage: {typed} {command.usage} [options]", "", _sentence(command.summary), ""]
    return "\n".join(
        [
            *usage,
            "What is fitted depends on the run:",
            *lines,
            "",
            f"The options of a run's prior: {typed} RUN --help",
        ]
    )


def _method(typed: str, command: Command, words: list[str]) -> str:
    """METHOD, the first word.

    Raises:
        SettingError: it is missing or unknown.
        SystemExit: after the help.
    """
    if words and words[0] in HELP:
        print(_methods_help(typed, command))
        raise SystemExit(0)
    if not words or words[0].startswith("-"):
        raise SettingError(f"{typed} needs METHOD first: {', '.join(METHODS)}. See {typed} --help.")
    choose(words[0], METHODS, "method")
    return words[0]


def _methods_help(typed: str, command: Command) -> str:
    width = max(map(len, METHODS))
    lines = [f"  {name:{width}}   {method.summary}" for name, method in METHODS.items()]
    usage = [
        f"usage: {typed} {command.usage} [options]",
        "",
        _sentence(command.summary),
        "",
        "METHOD is one of",
    ]
    return "\n".join([*usage, *lines, "", f"The options of a method: {typed} METHOD --help"])


def _elsewhere(option: str, method: str) -> str:
    """Says which methods have an option that this one lacks."""
    name = option.removeprefix("--").replace("-", "_")
    others = [other for other, entry in METHODS.items() if name in entry.options()]
    *most, last = others or [""]
    listed = f"{', '.join(most)} and {last}" if most else last
    return f" {method} has none; {listed} {'have' if most else 'has'}." if others else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
