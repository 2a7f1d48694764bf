"""The arguments of a command from the words of the command line. Imports no torch."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.cli import command_options as options
from vaekit.cli.parsing import HELP, parse
from vaekit.config.methods import METHODS, PRIORS, find_method, resolve
from vaekit.config.options import Settings, read_config
from vaekit.core import SettingError, choose

if TYPE_CHECKING:
    from vaekit.cli.main import Command


def read_options(typed: str, command: Command, words: list[str]) -> tuple[Any]:
    """The options of a command that has the same ones whatever is given."""
    section = getattr(options, command.options)
    return (parse(typed, {typed: section}, words, description=_sentence(command.summary))[typed],)


def read_training(typed: str, command: Command, words: list[str]) -> tuple[Settings, options.TrainOptions]:
    """The settings of a run: command line, over --config, over the method's overrides, over defaults.

    Raises:
        SettingError: no such method or option, or a value that does not fit.
    """
    method = _method(typed, command, words)
    config = _value_of("--config", words)
    layer = read_config(config) if config is not None else {}
    where = f"--config {config}" if config is not None else typed
    defaults = resolve(method, {"data": ""}, layer, where=where).flat()
    if not defaults["data"]:
        defaults["data"] = dataclasses.MISSING
    kinds = find_method(method).sections()
    training = {"training" if name == "fit" else name: kind for name, kind in kinds.items()}
    given = parse(
        f"{typed} {method}",
        {**training, "run": options.TrainOptions},
        words[1:],
        defaults,
        _sentence(METHODS[method].summary),
        elsewhere=lambda option: _elsewhere(option, method),
    )
    sections = (given["data"], given["model"], given["objective"], given["training"])
    return Settings(method, *sections), given["run"]


def read_prior(typed: str, command: Command, words: list[str]) -> tuple[Settings, options.PriorOptions]:
    """The settings of a prior; which one it is, the run's model says.

    Raises:
        SettingError: no run, a model without codes, or an option that its prior does not have.
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
            f"{folder}: a {method} has no codes to fit a prior to; a vqvae, an ae or a vae has."
        )
    kinds = {k: v for k, v in find_method(name).sections().items() if k in ("model", "fit")}
    config = _value_of("--config", words)
    layer = read_config(config) if config is not None else {}
    where = f"--config {config}" if config is not None else typed
    defaults = resolve(name, layer, {"data": words[0]}, where=where).flat()
    given = parse(
        f"{typed} {words[0]}",
        {"model": kinds["model"], "training": kinds["fit"], "run": options.PriorOptions},
        words,
        {key: value for key, value in defaults.items() if key not in ("method", "data")},
        _sentence(find_method(name).summary),
    )
    sections = find_method(name).sections()
    data, objective = sections["data"](data=words[0]), sections["objective"]()
    return Settings(name, data, given["model"], objective, given["training"]), given["run"]


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


def _value_of(option: str, words: list[str]) -> str | None:
    """What follows an option, before the words are read in earnest."""
    value = None
    for position, word in enumerate(words):
        name, equals, rest = word.partition("=")
        if name == option and equals:
            value = rest
        elif name == option and position + 1 < len(words):
            value = words[position + 1]
    return value


def _elsewhere(option: str, method: str) -> str:
    """Says which methods have an option that this one lacks."""
    name = option.removeprefix("--").replace("-", "_")
    others = [other for other, entry in METHODS.items() if name in entry.options()]
    return (
        f" {method} has none; {' and '.join(others)} {'has' if len(others) == 1 else 'have'}."
        if others
        else ""
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
