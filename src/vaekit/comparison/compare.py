"""`compare`: trains, measures and compares methods on the same data; resumes where it was interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, overload

from vaekit.comparison.finished import SideBySide, side_by_side
from vaekit.comparison.measure import Reference
from vaekit.comparison.page import write_comparison
from vaekit.comparison.plan import Plan, check_place, find_folder, make_plan
from vaekit.comparison.rows import Table, tabulate
from vaekit.comparison.subruns import Say, Stop, run_all
from vaekit.comparison.wish import Request, check_wish, default_methods
from vaekit.config.compare_options import CompareSettings
from vaekit.config.configured import documented, strict
from vaekit.config.options import DataSettings
from vaekit.config.run_length import parse_budget
from vaekit.core import SettingError, counted, near_miss, warn_of
from vaekit.data import Data, load_data
from vaekit.data.sources import check_not_given
from vaekit.evaluation.samples.features.classifier import train_classifier
from vaekit.evaluation.samples.features.store import (
    SHIPPED,
    features_for,
    is_mnist,
    load_features,
    save_classifier,
)
from vaekit.evaluation.samples.quality import why_too_few
from vaekit.images.notebook import Displayed
from vaekit.metrics import METRICS, known, metric_of
from vaekit.runs.files import check_writable

BUDGET = "60s"  # where no length is given


@dataclass(frozen=True, repr=False)
class Comparison(Displayed):
    """A comparison as far as it came.

    Attributes:
        out: its folder: a run folder for each method and seed, what was measured of each, and the page.
        plan: what is compared, and the length and decided options of each method.
        interrupted: why it ended early, or None; the same call with the same `out` resumes it.
        table: mean and spread of every figure of every method; None where it was interrupted.
        page, numbers: comparison.html and comparison.json, likewise.
        withheld: why nothing is judged: methods did not spend the same time; "" where it is.

    Example:
        >>> found = vaekit.compare("digits", ["ae", "vae"], steps=2, seeds=1, width=16, out="runs/table")
        >>> found.interrupted is None, found.numbers.name
        (True, 'comparison.json')
    """

    out: Path
    plan: Plan
    interrupted: str | None = None
    table: Table | None = None
    page: Path | None = None
    numbers: Path | None = None

    def facts(self) -> dict[str, Any]:
        told = {"out": str(self.out), "methods": list(self.plan.lengths), "seeds": len(self.plan.wish.seeds)}
        page = None if self.page is None else str(self.page)
        return told | {"interrupted": self.interrupted, "withheld": self.withheld or None, "page": page}

    def _repr_html_(self) -> str:
        return super()._repr_html_() + ("" if self.table is None else table_html(self.table))

    @property
    def withheld(self) -> str:
        """Returns why nothing is judged, or ""."""
        return "" if self.table is None else self.table.withheld


def table_html(table: Table) -> str:
    """The figures of all methods, means over seeds, as a table of a page; the best of a row is bold."""
    names = dict.fromkeys(name for figures in table.figures.values() for name in figures if known(name))
    head = "".join(f"<th>{escape(method)}</th>" for method in table.methods)
    lines = []
    for name in names:
        metric, best = metric_of(name), table.best(name) if name in METRICS else []
        spreads = {method: table.get(method, name) for method in table.methods}
        texts = {m: "–" if spread is None else metric.text(spread.mean) for m, spread in spreads.items()}
        cells = "".join(f"<td>{f'<b>{text}</b>' if m in best else text}</td>" for m, text in texts.items())
        lines.append(
            f'<tr title="{escape(metric.sentence)}"><th>{escape(metric.label)}</th>{cells}<td>{escape(metric.unit)}</td></tr>'
        )
    return f"<table><tr><th></th>{head}<th></th></tr>{''.join(lines)}</table>"


@overload
def compare(data: Data | str | Path, methods: Sequence[str] | None = None, **options: Any) -> Comparison: ...


@overload
def compare(*, runs: Sequence[str | Path]) -> SideBySide: ...


@strict
@documented(CompareSettings)
def compare(
    data: Data | str | Path | None = None,
    methods: Sequence[str] | None = None,
    *,
    runs: Sequence[str | Path] = (),
    seeds: int = 3,
    seed: int = 0,
    budget: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    out: str | Path | None = None,
    features: str | Path | None = None,
    should_stop: Stop = lambda: None,
    tell: Say = lambda line: None,
    **options: Any,
) -> Comparison | SideBySide:
    """Trains several methods on the same data with several seeds each, measures every row of the lesson's table,
    and writes the page. What an earlier call with the same arguments has done in the folder is not repeated.

    Args:
        data: a source as in `load_data`, or a data set that is loaded already.
        methods: keys of METHODS; None takes the lesson's, as far as they fit the data.
        runs: folders of two runs or more that have ended, in place of all else: they are put side by side as they are.
        seeds: sub-runs of each method.
        seed: the first of the seeds.
        budget: processor time of each sub-run, "120s", "5m" or "1h", which becomes steps by timing a few steps of each
            method in turn; 60s where no length is given. Where methods spend times that differ by more than a tenth,
            nothing is judged.
        epochs: equal passes over the training images instead of equal time.
        steps: equal steps instead.
        out: folder; None takes an unfinished comparison of the same arguments, or else runs/compare-SOURCE-N.
        features: in which samples are compared: a name, or a file of `features`; None takes mnist_v1 for MNIST, a
            classifier learned from the labels, or principal components.
        should_stop: asked after every step of training; a reason ends the comparison, resumable.
        tell: is given lines on what is done.
        options: of the data, and those that every method gets that has them. Latents and images per step that are not
            given are decided by the data, once for all methods.

    Returns:
        The table and the files; or how far it came. Of `runs` their figures, row by row.

    Raises:
        SettingError: an unknown method or option, or a value that does not fit a method or the data; runs on other data or
            under other likelihoods than the first.
        DataError: data that cannot be used.
        RunError: the folder holds something else, or cannot be written.

    Example:
        >>> found = vaekit.compare("digits", ["ae", "vae"], steps=2, seeds=1, width=16, out="runs/table")
        >>> found.page.name
        'comparison.html'
    """
    if runs:
        if data is not None:
            raise SettingError("data= is trained on, runs= have been trained; give one of them.", "runs")
        return side_by_side(runs)
    if data is None:
        raise SettingError("compare needs data= to train on, or two runs or more that have ended.", "data")
    methods = [methods] if isinstance(methods, str) else methods
    check_wish(methods or (), seeds, budget, epochs, steps)
    limit = parse_budget(budget or BUDGET) if epochs is None and steps is None else None
    check_features(features)
    settings = _settings(data, options)
    check_writable(Path("runs", "new")) if out is None else check_place(Path(out))
    images = data if isinstance(data, Data) else load_data(**settings.source.flat())
    warn_of(images.notes)
    chosen = tuple(methods or default_methods(images.train.labels is not None))
    numbers, named = tuple(range(seed, seed + seeds)), None if features is None else str(features)
    wish = Request(settings.source, chosen, numbers, limit, epochs, settings.shared, named, steps)
    folder = find_folder(wish, images.source) if out is None else Path(out)
    plan = make_plan(wish, images, folder)
    each = f"{counted(seeds, 'seed')} each"
    tell(f"comparing {', '.join(chosen)} on {images.source}, {each}, in {folder}")
    for method, own in plan.decided.items():
        decided = ", ".join(f"{name} {value}" for name, value in own.items())
        tell(f"  {method}: {plan.described(method)}{'; ' * bool(decided)}{decided}")
    reference = make_reference(wish, images, folder, tell)
    records, interrupted = run_all(plan, images, reference, folder, tell, should_stop)
    found = Comparison(folder, plan, interrupted)
    if interrupted is not None:
        return found
    page, written = write_comparison(plan, records, reference, images, folder)
    return replace(found, table=tabulate(records, limit), page=page, numbers=written)


def _settings(data: Data | str | Path, options: dict[str, Any]) -> CompareSettings:
    """The options, with those by which the data can be loaded again.

    Raises:
        SettingError: an unknown option, a value out of range, or options of loading for data that are loaded.
    """
    if not isinstance(data, Data):
        return CompareSettings.of({**options, "data": str(data)})
    check_not_given(options, DataSettings)
    return CompareSettings.of({**data.options, **options, "data": data.source})


def make_reference(wish: Request, data: Data, folder: Path, tell: Say) -> Reference:
    """Features by name or file; else mnist_v1 for MNIST, a classifier learned from labels, or PCA."""
    path = folder / "features.safetensors"
    labelled = data.train.labels is not None and data.test.labels is not None
    if wish.features is not None or is_mnist(data):
        features = features_for(data, wish.features)
    elif path.exists():
        features = load_features(path)
    elif labelled and len(data.class_names or ()) > 1:
        tell("learning the features in which samples are compared")
        save_classifier(path, train_classifier(data, device=wish.options["device"]), data)
        features = load_features(path)
    else:
        features = features_for(data)
    if reason := why_too_few(features, test=len(data.test), training=len(data.train)):
        warn_of([f"{data.source}: samples are not judged: {reason}."])
        return Reference(data, None)
    return Reference(data, features)


def check_features(wanted: str | Path | None) -> None:
    """Raises SettingError for features that are neither a name nor a file."""
    if wanted is None or str(wanted) in SHIPPED or Path(wanted).is_file():
        return
    name = str(wanted)
    raise SettingError(
        f"features {name!r}: no such name or file.{near_miss(name, SHIPPED)} Names: {', '.join(SHIPPED)}.",
        "features",
    )
