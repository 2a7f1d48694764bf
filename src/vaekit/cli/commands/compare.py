"""`vaekit compare`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.cli.command_options import CompareOptions
from vaekit.cli.commands.train import stopping
from vaekit.cli.output import Result, note, say
from vaekit.config.fields import rule_of
from vaekit.config.options import DataSettings
from vaekit.core import DataError, SettingError, near_miss

if TYPE_CHECKING:
    from vaekit.comparison.measure import Reference
    from vaekit.comparison.plan import Plan, Request
    from vaekit.comparison.rows import Table
    from vaekit.data import Data

BUDGET = "60s"  # where neither --budget nor --epochs is given

TELLING = ("fd", "precision", "recall", "sharpness", "reconstruction_mse", "probe_accuracy", "train_seconds")

SHARED = ("latent_dim", "network", "likelihood", "batch_size", "device")  # with the options of these parts


def compare(options: CompareOptions) -> Result:
    """Trains, measures and compares; resumes where it was interrupted."""
    from vaekit.comparison import plan as planning

    planning.check_wish(options.methods, options.seeds, options.epochs, options.budget)
    budget = None
    if options.epochs is None:
        budget = planning.parse_budget(options.budget or BUDGET)
    if options.features is not None and not Path(options.features).is_file():
        _check_features(options.features)
    from vaekit.data import load_data

    source = _source(options)
    data = load_data(**source.flat())
    for line in data.notes:
        note(line)
    methods = options.methods or planning.default_methods(data.train.labels is not None)
    shared = shared_options(options)
    seeds = tuple(range(options.seed, options.seed + options.seeds))
    wish = planning.Request(source, tuple(methods), seeds, budget, options.epochs, shared, options.features)
    folder = Path(options.out) if options.out is not None else planning.find_folder(wish, source.data)
    plan = planning.make_plan(wish, data, folder)
    say(
        f"comparing {', '.join(methods)} on {source.data}, {len(seeds)} seed{'s' * (len(seeds) != 1)} each, in {folder}"
    )
    return _carried_out(plan, wish, data, folder)


def shared_options(options: CompareOptions) -> dict[str, Any]:
    """Returns the options that every method gets that has them: the device, and those that differ from the
    defaults, flat."""
    defaults = {flag.name: flag.default for flag in CompareOptions.flags()}
    shared: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        if field.name in SHARED:
            shared |= rule_of(field).flat(field.name, getattr(options, field.name))
    chosen = {"device", *(name for name, value in shared.items() if value != defaults[name])}
    return {name: value for name, value in shared.items() if name in chosen}


def _carried_out(plan: Plan, wish: Request, data: Data, folder: Path) -> Result:
    from vaekit.comparison.page import write_comparison
    from vaekit.comparison.rows import tabulate
    from vaekit.comparison.subruns import run_all

    reference = make_reference(wish, data, folder)
    with stopping() as reason:
        records, interrupted = run_all(plan, data, reference, folder, say, reason)
    values: dict[str, Any] = {"out": str(folder), "interrupted": interrupted, "epochs": plan.epochs}
    values["prior_epochs"] = plan.prior_epochs
    if interrupted is not None:
        say(f"stopped ({interrupted}); the same command resumes it; --out {folder}")
        return Result(values, f"out   {folder} (not finished)", 143 if interrupted == "SIGTERM" else 130)
    page, numbers = write_comparison(plan, records, reference, data, folder)
    table = tabulate(records)
    figures = {m: {name: spread.mean for name, spread in row.items()} for m, row in table.figures.items()}
    failed = {m: list(runs) for m, runs in table.failures.items() if runs}
    values |= {"figures": figures, "failed": failed, "page": str(page), "numbers": str(numbers)}
    return Result(values, _text(table, [str(page), str(numbers)]))


def make_reference(wish: Request, data: Data, folder: Path) -> Reference:
    """Features by name or file; else mnist_v1 for MNIST, a classifier learned from labels, or PCA."""
    from vaekit.comparison.measure import Reference, check_enough
    from vaekit.evaluation.samples.features.classifier import train_classifier
    from vaekit.evaluation.samples.features.store import (
        features_for,
        is_mnist,
        load_features,
        save_classifier,
    )

    path = folder / "features.safetensors"
    labelled = data.train.labels is not None and data.test.labels is not None
    if wish.features is not None or is_mnist(data):
        features = features_for(data, wish.features)
    elif path.exists():
        features = load_features(path)
    elif labelled and len(data.class_names or ()) > 1:
        say("learning the features in which samples are compared")
        save_classifier(path, train_classifier(data, device=wish.options["device"]), data)
        features = load_features(path)
    else:
        features = features_for(data)
    try:
        check_enough(data, features)
    except DataError as error:
        note(f"{error} Samples are not judged.")
        return Reference(data, None)
    return Reference(data, features)


def _source(options: CompareOptions) -> DataSettings:
    return DataSettings(
        **{field.name: getattr(options, field.name) for field in dataclasses.fields(DataSettings)}
    )


def _check_features(name: str) -> None:
    from vaekit.evaluation.samples.features.store import SHIPPED

    if name not in SHIPPED:
        raise SettingError(
            f"--features {name!r}: no such name or file.{near_miss(name, SHIPPED)} Names: {', '.join(SHIPPED)}."
        )


def _text(table: Table, written: list[str]) -> str:
    """The most telling rows, and where all of them are."""
    from vaekit.comparison.claims import figure
    from vaekit.metrics import METRICS

    rows = [["", *table.methods]]
    for name in TELLING:
        found = [table.get(method, name) for method in table.methods]
        if any(found):
            rows.append([METRICS[name].label, *("–" if one is None else figure(one.mean) for one in found)])
    first, *others = (max(len(row[i]) for row in rows) for i in range(len(rows[0])))
    lines = [
        f"{row[0]:{first}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[1:], others, strict=True))
        for row in rows
    ]
    failed = [
        f"failed: {method}, seed {seed}: {why}"
        for method, runs in table.failures.items()
        for seed, why in runs.items()
    ]
    return "\n".join([*lines, *failed, *written])
