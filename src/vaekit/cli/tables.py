"""Tables that commands print: a run's figures, a data set, a comparison, an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vaekit.cli.output import aligned
from vaekit.cli.spelling import as_typed
from vaekit.core import counted, printable
from vaekit.metrics import KINDS, Metric, Under, metric_of
from vaekit.wording import worded

if TYPE_CHECKING:
    from vaekit.comparison.rows import Table
    from vaekit.data.kept import Cache
    from vaekit.evaluation.evaluate import Evaluation
    from vaekit.runs.records import SplitSummary, Summary

MOST_CLASSES = 30  # rows of the table of classes
TELLING = (
    "fd",
    "precision",
    "recall",
    "sharpness",
    "reconstruction_mse",
    "probe_accuracy",
    "processor_seconds",
)


def summary_table(summary: Summary) -> Any:
    """Draws what was trained, and its figures on validation and test with their units, by rich."""
    from rich.console import Group
    from rich.table import Table

    from vaekit.distributions.likelihoods import measured_under

    under, splits = measured_under(summary.likelihood), summary.splits
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("")
    for name in splits:
        table.add_column(name, justify="right")
    table.add_column("")
    for metric, values in summary_rows(splits, under):
        table.add_row(
            metric.label, *("" if value is None else metric.text(value) for value in values), metric.unit
        )
    epochs = counted(summary.epochs, "epoch")
    which = f"weights: {summary.weights.which}, {summary.weights.when}"
    likelihood = "" if summary.likelihood is None else f", likelihood {summary.likelihood}"
    head = (
        f"{summary.method} on {summary.data}: {summary.parameters:,} parameters{likelihood}, "
        f"{epochs} in {summary.train_seconds:.1f} s on {summary.device}, {which}"
    )
    return Group(printable(head), "", table, *negative_notes(summary, under))


def summary_rows(splits: Mapping[str, SplitSummary], under: Under) -> list[tuple[Metric, list[float | None]]]:
    """Each figure of some splits; the loss only where it is no other figure too."""
    keys = dict.fromkeys(key for split in splits.values() for key, _ in split)
    rows = {key: [dict(split).get(key) for split in splits.values()] for key in keys}
    shown = {key: [metric_of(key).text(value) for value in values] for key, values in rows.items()}
    loss = shown.pop("loss_nats", None)
    if loss in shown.values():
        del rows["loss_nats"]
    return [(metric_of(key, under), values) for key, values in rows.items()]


def negative_notes(summary: Summary, under: Under) -> list[str]:
    """A sentence on numbers below 0, where the likelihood is what makes them so."""
    said = KINDS[under.kind].below_zero if under.kind else ""
    values = (v for split in summary.splits.values() for key, v in split if metric_of(key).likelihood)
    return ["", said.format(name=under.likelihood)] if said and any(value < 0 for value in values) else []


def description_table(description: dict[str, Any]) -> Any:
    """Draws what `describe` found of a data set, by rich."""
    from rich.console import Group

    counts, (low, high) = description["images"], description["range"]
    shape, pairs = description["shape"], description["duplicates"]
    path = f" ({description['path']})" if description["path"] else ""
    axes = "channels x height x width" if len(shape) == 3 else "features"
    drawn = ", drawn anew for every batch" if description["dynamic"] else ""
    between = [f"{count:,} {where}" for where, count in pairs.items() if where != "all" and count]
    rows = {
        "source": f"{description['source']}{path}",
        "images": ", ".join([f"{counts['all']:,}", *(f"{counts[n]:,} {n}" for n in counts if n != "all")]),
        "shape": f"{'x'.join(map(str, shape))} ({axes})",
        "pixels": f"{description['pixels']}: {description['pixels_meaning']}{drawn}",
        "range": f"{low:.4g} to {high:.4g}, mean {description['mean']:.4g}",
        **_spread(description["columns"]),
        "exact copies": f"{pairs['all']:,}" + (f" ({', '.join(between)})" if between else ""),
    }
    if description["factors"]:
        ends = {
            n: v if isinstance(v, int) else f"{v[0]:g} to {v[1]:g}" for n, v in description["factors"].items()
        }
        rows["factors"] = ", ".join(f"{name} ({values})" for name, values in ends.items())
    lines: list[Any] = [printable(f"{worded(name):14} {value}") for name, value in rows.items()]
    lines += [f"{'note':14} {worded(as_typed(line))}" for line in description["notes"]]
    return Group(*lines, *(["", _classes(description["classes"])] if description["classes"] else []))


def _spread(columns: dict[str, Any] | None) -> dict[str, str]:
    """The rows about units: how far means and standard deviations of real columns are apart."""
    if columns is None:
        return {}
    means, deviations = columns["mean"], columns["standard_deviation"]
    text = f"means {means[0]:.4g} to {means[1]:.4g}, standard deviations {deviations[0]:.4g} to {deviations[1]:.4g}"
    return {f"{columns['kind']}s": f"{text}; a model sees them standardised"}


def _classes(classes: dict[str, dict[str, int]]) -> Any:
    from rich.table import Table

    splits = list(dict.fromkeys(name for counts in classes.values() for name in counts))
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("class")
    for name in splits:
        table.add_column(name, justify="right")
    for label, counts in list(classes.items())[:MOST_CLASSES]:
        table.add_row(printable(label), *(f"{counts.get(name, 0):,}" for name in splits))
    if len(classes) > MOST_CLASSES:
        table.add_row(f"and {len(classes) - MOST_CLASSES} more (--json names all)")
    return table


SHOWN = 20  # items of the cache that are listed; --json has them all


def cache_table(cache: Cache) -> list[str]:
    """Lists what is in the cache, the largest first, and what is wrong with it."""
    if cache.path is None:
        return ["no cache: there is no home folder, and $VAEKIT_CACHE names none"]
    rows = [
        (
            size_text(entry.bytes),
            entry.kind,
            "" if entry.images is None else f"{entry.images:,} images",
            entry.what,
            entry.problem,
        )
        for entry in cache.entries
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    lines = [
        f"{row[0]:>{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:{widths[3]}}  {row[4]}".rstrip()
        for row in rows[:SHOWN]
    ]
    if len(rows) > SHOWN:
        rest = sum(entry.bytes for entry in cache.entries[SHOWN:])
        lines.append(f"and {counted(len(rows) - SHOWN, 'smaller one')}, {size_text(rest)}")
    done = "removed" if cache.emptied else size_text(cache.bytes)
    checked = f", checked: {counted(cache.problems, 'problem')}" if cache.checked else ""
    return [f"{cache.path}: {counted(len(rows), 'item')}, {done}{checked}", *lines]


def size_text(count: int) -> str:
    """`7.5 MB`, in powers of 1,000."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


def comparison_lines(table: Table) -> list[str]:
    """The most telling rows of a comparison, and what failed."""
    from vaekit.comparison.claims import figure

    rows = [["", *table.methods]]
    for name in TELLING:
        found = [table.get(method, name) for method in table.methods]
        if any(found):
            rows.append([metric_of(name).label, *("–" if one is None else figure(one.mean) for one in found)])
    lines = aligned(rows, right=range(1, len(rows[0])))
    failed = [
        f"failed: {method}, seed {seed}: {why}"
        for method, runs in table.failures.items()
        for seed, why in runs.items()
    ]
    return [*lines, *failed, *filter(None, [table.withheld])]


def evaluation_text(result: Evaluation) -> list[str]:
    """Every number of an evaluation with its meaning, and what was found wrong."""
    from vaekit.evaluation.table import of_which_prior, reassurance, rows

    about = result.about
    head = f"{counted(about['images'], 'image')}, seed {about['seed']}"
    if "binarisation" in about:
        head += f", binarised by {about['binarisation']}"
    if "classes" in about:
        head += f", each with its class, one of {about['classes']}"
    if "likelihood" in about:
        head += f"; {about['likelihood']}: {about['likelihood_means']}"
    if said := of_which_prior(about):
        head += f"; {said}"
    found = rows(result.as_dict())
    if not found:
        head += f"; nothing to measure of a {about['model']} without the quality of its samples"
    label = max((len(row.label) for row in found), default=0)
    number = max((len(row.text) for row in found), default=0)
    lines = [head]
    for row in found:
        floor = "" if row.floor is None else f"; training images: {row.floor_text}"
        lines.append(
            f"  {row.label:{label}}  {row.text:>{number}}  {row.unit}{floor}. {as_typed(row.meaning)}"
        )
    if result.disentanglement is not None:
        carried = [f"z{d} {name} ({share:.0%})" for d, name, share in result.disentanglement.carries()]
        lines.append(
            f"dimensions, by the factor of which each tells most: {', '.join(carried) or 'none tells any'}"
        )
    lines += [f"found: {as_typed(finding)}" for finding in result.findings]
    lines += [f"remark: {as_typed(remark)}" for remark in result.remarks]
    return [*lines, *filter(None, [reassurance(result.as_dict())])]
