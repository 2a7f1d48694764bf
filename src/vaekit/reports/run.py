"""RUN/report.html: one page that holds everything about a run and loads nothing from anywhere."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from vaekit.config.methods import find_method, resolve
from vaekit.core import RunError, counted, foreign
from vaekit.data import SOURCES
from vaekit.evaluation.table import of_which_prior, reassurance
from vaekit.evaluation.table import rows as evaluation_rows
from vaekit.metrics import KINDS, METRICS, Under, metric_of
from vaekit.plain_files import utf8
from vaekit.plots.figures import FIGURES
from vaekit.reports.file_panel import file_panel
from vaekit.reports.html import document, flatten, scrolling, typeset
from vaekit.reports.shown import pictures
from vaekit.runs.files import write_atomic
from vaekit.runs.kept_files import files_of
from vaekit.runs.load import Run
from vaekit.runs.origin import Recorded
from vaekit.runs.records import CONFIG, SUMMARY, DataRecord, Summary, WeightsRecord
from vaekit.wording import names_of, of_rows

HEADLINE = (
    "negative_iwae_bound_nats", "negative_elbo_nats", "reconstruction_nats", "kl_nats", "mse", "code_usage", "code_perplexity",
)  # fmt: skip


def write_report(run: Run, figures: Mapping[str, Path], left_out: Mapping[str, str]) -> Path:
    """Writes the page of a run.

    Args:
        run: from `load_run`.
        figures, left_out: what `draw_figures` returned.
    Returns:
        RUN/report.html.

    Raises:
        RunError: the page cannot be written.
    """
    path = run.path / "report.html"
    write_atomic(path, utf8(page(run, figures, left_out)))
    return path


def write_again(run: Run) -> Path:
    """Writes the page of a run anew, with the figures that are in its folder.

    Raises:
        RunError: the page cannot be written.
    """
    pictures = {name: run.path / "figures" / f"{name}.png" for name in FIGURES}
    drawn = {name: path for name, path in pictures.items() if path.exists()}
    if not files_of(run):  # what was drawn is of another prior
        drawn.pop("bytes_and_error", None)
    return write_report(run, drawn, {})


def page(run: Run, figures: Mapping[str, Path], left_out: Mapping[str, str]) -> str:
    """The page as HTML."""
    title = f"{run.settings.method} on {run.config.data.source}"
    parts = [
        *(f"<p>{escape(line)}</p>" for line in what_was_trained(run)),
        _headline(run.summary, run.under),
        _verdict(run.summary),
        pictures(figures, left_out),
        _numbers(run.summary, run.under),
        kept_evaluation(run),
        file_panel(files_of(run), drawn=run.settings.data.binarize != "none"),
        _settings(run),
        _reproduce(run),
        _notes(run),
    ]
    whole = document(title, parts)
    return of_rows(whole, map(escape, names_in(run))) if len(run.config.data.shape) == 1 else whole


def names_in(run: Run) -> list[str]:
    """Names of a run's files, columns, classes and settings, which a page shows as they are."""
    settings = [value for value in run.settings.flat().values() if isinstance(value, str)]
    return [*names_of(run.config.data), str(run.path), command_line(run), *settings]


def what_was_trained(run: Recorded) -> list[str]:
    """In plain words: which model, on what, for how long, and which weights are shown."""
    data, summary, flat = run.config.data, run.summary, run.settings.flat()
    counts = data.images
    sentences = [f"{run.settings.method}: {find_method(run.settings.method).summary}."]
    latents = f", with {flat['latent_dim']} latent dimensions," if "latent_dim" in flat else ""
    classes = f" of {len(data.class_names)} classes" if data.class_names else ""
    sentences.append(
        f"The model{latents} was trained on {counts['train']:,} {_kind(data)}{classes} from {data.source}; "
        f"{counts['validation']:,} were kept for validation and {counts['test']:,} for the test."
    )
    if summary is None:
        return [*sentences, "The run has not ended: the numbers below are missing until it has."]
    early = ", stopped early because validation no longer got better" if summary.stopped_early else ""
    sentences.append(
        f"It took {counted(summary.epochs, 'epoch')} ({counted(summary.steps, 'step')}) and {summary.train_seconds:,.1f} s "
        f"on {summary.device} in {summary.precision}{early}. {_weights(summary.weights)}"
    )
    return sentences


def _kind(data: DataRecord) -> str:
    """`grey images of 28 × 28 pixels`, or rows of features."""
    shape = data.shape
    if len(shape) == 1:
        return f"rows of {shape[0]} features"
    channels = {1: "grey ", 3: "colour ", 4: "colour "}.get(shape[0], "")
    look = "binary " if data.pixels == "binary" else channels
    with_ = {2: " in two channels", 4: ", with opacity,"}.get(shape[0], "")
    return f"{look}images of {shape[1]} × {shape[2]} pixels{with_}"


def _weights(weights: WeightsRecord) -> str:
    """Says which weights the pictures and numbers are of."""
    which = "that were best on validation" if weights.which == "best" else "at the end"
    average = ", averaged over the last steps" if weights.averaged else ""
    return f"Pictures and numbers are of the weights {which} ({weights.when}){average}."


def _headline(summary: Summary | None, under: Under) -> str:
    test = dict((summary and summary.test) or ())
    shown = {key: metric_of(key, under) for key in HEADLINE if key in test}
    items = [
        f"<li><b>{typeset(metric.text(test[key]))}</b><span>{escape(metric.label)} on the test split, "
        f"{escape(metric.unit)}</span></li>"
        for key, metric in shown.items()
    ]
    return f'<ul class="headline">{"".join(items)}</ul>' if items else ""


def _verdict(summary: Summary | None) -> str:
    """Says what kept the run from learning more, and what would help."""
    items = "".join(f"<li>{escape(str(note))}</li>" for note in (summary and summary.notes) or ())
    return f"<p>Notes on the training:</p><ul>{items}</ul>" if items else ""


def _numbers(summary: Summary | None, under: Under) -> str:
    """Numbers by split in the order of METRICS and then all others, then those of the run."""
    if summary is None:
        return ""
    by_split = {name: dict(split) for name, split in summary.splits.items()}
    splits = list(by_split)
    keys = [*METRICS, *dict.fromkeys(key for name in splits for key in by_split[name])]
    keys = [key for key in dict.fromkeys(keys) if any(key in by_split[name] for name in splits)]
    rest = {
        key: value
        for key, value in flatten(summary.as_dict())
        if key.split(".")[0] not in [*splits, "evaluation", "files"]
    }
    rest = {
        key: value
        for key, value in rest.items()
        if isinstance(value, int | float) and value is not False and value is not True
    }
    tables = [
        _table(splits, {key: [by_split[name].get(key) for name in splits] for key in keys}, under),
        _table(["run"], {key: [value] for key, value in rest.items()}, under),
    ]
    return "<h2>Numbers</h2>\n" + "\n".join(tables) if any(tables) else ""


def kept_evaluation(run: Run) -> str:
    """Shows what was measured of a run last.

    Raises:
        RunError: summary.json holds what no evaluation is.
    """
    with foreign(f"{run.path / SUMMARY}: its evaluation cannot be shown", RunError):
        return _evaluation(run.summary and run.summary.evaluation)


def _evaluation(values: Mapping[str, Any] | None) -> str:
    """Shows what `vaekit evaluate` measured, and what it found wrong."""
    if not values:
        return ""
    lines = [f"{counted(values['images'], 'image')}, seed {values['seed']}."]
    if "classes" in values:
        lines.append(f"The model is conditioned on the class y of each image, one of {values['classes']}.")
    if "binarisation" in values:
        lines.append(f"Binarised: {values['binarisation']}.")
    if "likelihood_means" in values:
        lines.append(f"{values['likelihood']} is {values['likelihood_means']}.")
    if said := of_which_prior(values):
        lines.append(f"{said[:1].upper()}{said[1:]}.")
    body = "".join(
        f'<tr><th scope="row">{escape(row.label)}<br><span class="faint">{escape(row.unit)}</span></th>'
        f'<td class="number" data-split="value">{escape(typeset(row.text))}</td>'
        f'<td class="number" data-split="training images">{escape(typeset(row.floor_text))}</td>'
        f"<td><p>{escape(row.meaning)}</p></td></tr>"
        for row in evaluation_rows(values)
    )
    found = "".join(f"<li>{escape(f['text'])}; {escape(f['remedy'])}.</li>" for f in values["findings"])
    said = "".join(f"<li>{escape(f['text'])}; {escape(f['remedy'])}.</li>" for f in values.get("remarks", ()))
    line = reassurance(values)
    verdict = f"<p>{escape(line[:1].upper() + line[1:])}.</p>" if line else ""
    return (
        f"<h2>Evaluation</h2>\n<p>{escape(' '.join(lines))}</p>\n"
        + (f"<p>Found:</p><ul>{found}</ul>" if found else verdict)
        + (f"<p>Good to know, and no fault:</p><ul>{said}</ul>" if said else "")
        + scrolling(
            '<table class="numbers"><thead><tr><th></th><th class="number">value</th>'
            f'<th class="number">training images</th><th></th></tr></thead><tbody>{body}</tbody></table>',
            "What was measured",
        )
    )


def changed_settings(run: Recorded) -> dict[str, tuple[Any, Any]]:
    """Option -> (value, default of the method), where they differ."""
    flat, sections = run.settings.flat(), run.settings.sections
    chosen = {name: flat[name] for section in sections for name in section.parts()}
    method, data = run.settings.method, {"data": flat["data"]}
    defaults = resolve(method, data, chosen, quiet=True).flat()
    defaults |= {name: value for name, value in resolve(method, data).flat().items() if name in chosen}
    # An option may be there with one choice of another and not with its default.
    return {key: (value, defaults.get(key)) for key, value in flat.items() if value != defaults.get(key)}


def _settings(run: Run) -> str:
    changed = "".join(
        f"<tr><th><code>{escape(key)}</code></th><td><code>{escape(str(value))}</code></td>"
        f'<td class="faint">default: <code>{escape(str(default))}</code></td></tr>'
        for key, (value, default) in changed_settings(run).items()
    )
    every = "\n".join(f"{key} = {value}" for key, value in run.settings.flat().items())
    table = (
        scrolling(f"<table>{changed}</table>", "Settings that differ")
        if changed
        else "<p>All as by default.</p>"
    )
    return (
        '<h2>Settings</h2>\n<p class="faint">Those that differ from the method\'s defaults; where the default is '
        f"<code>auto</code> or <code>None</code>, what was chosen.</p>\n{table}\n"
        f"<details><summary>All settings</summary><pre>{escape(every)}</pre></details>"
    )


def command_line(run: Recorded) -> str:
    """The command that trains this run again."""
    words = ["vaekit", "train", run.settings.method, "--data", str(run.settings.data.data)]
    for key, (value, _) in changed_settings(run).items():
        flag = "--" + key.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif value is not None:
            words += [flag, str(value)]
    return shlex.join(words)


def _reproduce(run: Run) -> str:
    listed = ", ".join(f"{name} {value}" for name, value in run.config.versions.items())
    config = shlex.join(["vaekit", "train", run.settings.method, "--config", str(run.path / CONFIG)])
    data = run.config.data
    given = data.path is None and data.source not in SOURCES
    array = "<p>The images were given as an array in Python; save them as a .npy file first.</p>\n"
    return (
        f"<h2>How to reproduce</h2>\n{array if given else ''}<pre>{escape(command_line(run))}</pre>\n"
        f"<p>or, with every setting as it was resolved:</p>\n<pre>{escape(config)}</pre>\n"
        f"<p>Seed {run.settings.fit.seed}. Data fingerprint <code>{escape(data.fingerprint)}"
        f'</code>.</p>\n<p class="faint">{escape(listed)}</p>'
    )


def _notes(run: Run) -> str:
    """Says what the reader should know: about the likelihood, and what was found odd in the data."""
    notes = list(run.config.data.notes)
    under = run.under
    if under.kind:
        notes = [KINDS[under.kind].note.format(name=under.likelihood), *notes]
    items = "".join(f"<li>{escape(note)}</li>" for note in notes if note)
    return f"<h2>Notes</h2>\n<ul>{items}</ul>" if items else ""


def _table(columns: list[str], rows: Mapping[str, list[Any]], under: Under) -> str:
    if not rows:
        return ""
    head = "".join(f'<th class="number">{escape(name)}</th>' for name in columns)
    body = []
    for key, values in rows.items():
        metric = metric_of(key, under)
        cells = "".join(
            f'<td class="number" data-split="{escape(name)}">{typeset(metric.text(value))}</td>'
            for name, value in zip(columns, values, strict=True)
        )
        unit = f'<br><span class="faint">{escape(metric.unit_apart)}</span>' if metric.unit_apart else ""
        meaning = f"<td><p>{escape(metric.sentence)}</p></td>"
        body.append(f'<tr><th scope="row">{escape(metric.label)}{unit}</th>{cells}{meaning}</tr>')
    return scrolling(
        f'<table class="numbers"><thead><tr><th></th>{head}<th></th></tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>",
        f"Numbers: {', '.join(columns)}",
    )
