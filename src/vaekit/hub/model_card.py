"""The model card, README.md of a repository: what was trained, on what, how, how well, and how it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit import PUBLIC, inference
from vaekit.config.options import Settings
from vaekit.core import VaekitError, counted
from vaekit.data.labels import round_robin
from vaekit.distributions.likelihoods import measured_under
from vaekit.evaluation.table import of_which_prior
from vaekit.evaluation.table import rows as evaluation_rows
from vaekit.images.png import png
from vaekit.images.sheet import TILE
from vaekit.images.tile import tile
from vaekit.metrics import KINDS, METRICS, Under, metric_of
from vaekit.models import Model
from vaekit.models.capabilities import EncodesVector, Reconstructs
from vaekit.reports.run import changed_settings, command_line, what_was_trained
from vaekit.runs.load import settings_of
from vaekit.runs.origin import for_others, records_of
from vaekit.runs.records import RunConfig, Summary

SAMPLES, COUNT, COLUMNS = "samples.png", 64, 8
MOST_CLASSES = 100  # names in a card


@dataclass(frozen=True)
class Record:
    """The records of a run, without paths; a `vaekit.runs.origin.Recorded`."""

    settings: Settings
    config: RunConfig
    summary: Summary | None
    under: Under


def record_of(model: Model) -> Record | None:
    """The records of the run that a model's weights are from, or None."""
    records = records_of(model)
    if records is None:
        return None
    config, summary = for_others(*records)
    under = measured_under(model.likelihood_name, model.classes > 0)
    return Record(settings_of(Path(), config), config, summary, under)


def sample_sheet(model: Model) -> bytes | None:
    """64 samples under seed 0 as a PNG; None of a model that draws no pictures."""
    if not draws(model):
        return None
    labels = round_robin(COUNT, model.sampled_classes) if model.sampled_classes else None
    scale = max(1, TILE // min(model.shape[-2:]))
    return png(tile(inference.sample(model, COUNT, labels, seed=0), COLUMNS, scale))


def draws(model: Model) -> bool:
    """Returns whether a model draws pictures."""
    with suppress(VaekitError):  # an own model that cannot
        return model.pixels != "real" and len(model.shape) == 3 and model.can_sample()
    return False


def card_of(model: Model, name: str, about: Mapping[str, Any]) -> str:
    """The card as Markdown.

    Args:
        model: with the origin from which its run is known.
        name: of the repository, or a folder.
        about: metadata of its head; tags and task are added.
    """
    record = record_of(model)
    method = type(model).__name__.lower() if record is None else record.settings.method
    title = method if record is None else f"{method} on {record.config.data.source}"
    kinds = {method, "autoencoder"} if isinstance(model, Reconstructs) else {method}
    tags = sorted({*about.get("tags", ()), *kinds})
    head = {**about, "tags": tags, "pipeline_tag": task(model)}
    parts = [
        f"---\n{metadata(head)}---",
        f"# {plain(title)}",
        *_what(model, record),
        *(
            [f"![{COUNT} samples]({SAMPLES})", f"{COUNT} samples, drawn under seed 0."]
            if draws(model)
            else []
        ),
        *_use(model, name),
        *([] if record is None else [*_figures(record), *_settings(record), *_notes(record), *_made(record)]),
    ]
    return "\n\n".join(parts) + "\n"


def task(model: Model) -> str:
    """Returns the hub's word for what a model is used for."""
    if draws(model):
        return "unconditional-image-generation"
    return "image-feature-extraction" if len(model.shape) == 3 else "feature-extraction"


def metadata(values: Mapping[str, Any]) -> str:
    """YAML of flat values; JSON's words are YAML's too."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def plain(text: object) -> str:
    """Text as Markdown that means itself, in one line."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", " ".join(str(text).split()))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [" | ".join(map(str, row)) for row in (head, *rows)]
    columns = lines[0].count(" | ") + 1
    return "\n".join(f"| {line} |" for line in (lines[0], " | ".join(["---"] * columns), *lines[1:]))


def _what(model: Model, record: Record | None) -> list[str]:
    """Lines of the kind of model, and of its data."""
    facts = ", ".join(f"{key} {plain(value)}" for key, value in model.facts().items() if value is not None)
    lines = [f"A model of vaekit, {type(model).__name__}: {facts}."]
    if record is None:
        return [
            *lines,
            "No run is known of these weights: neither their data nor their figures can be given here.",
        ]
    lines.append(" ".join(plain(line) for line in what_was_trained(record)))
    names = record.config.data.class_names
    if model.classes and names is not None and len(names) <= MOST_CLASSES:
        lines.append(
            "Classes: " + ", ".join(f"{number} {plain(name)}" for number, name in enumerate(names)) + "."
        )
    return lines


def _use(model: Model, name: str) -> list[str]:
    """A program that loads it, and asks what it can answer."""
    kind = type(model).__name__
    networks = ", encoder=encoder, decoder=decoder" if model.arguments.get("network") == "custom" else ""
    loader = f"vaekit.{kind}.from_pretrained" if kind in PUBLIC else f"{kind}.from_pretrained"
    lines = ["import vaekit", "", f"model = {loader}({json.dumps(name, ensure_ascii=False)}{networks})"]
    labels = ""
    if model.classes:
        lines.append(f"labels = [number % {model.classes} for number in range(16)]")
        labels = ", labels"
    if draws(model) or model_samples(model):
        lines.append(f"images = model.sample(16{labels if model.sampled_classes else ''})")
    else:
        lines.append(f"images = ...  # of shape (N, {', '.join(map(str, model.shape))})")
    if isinstance(model, EncodesVector):
        lines.append(f"codes = model.embed(images{labels})")
    if isinstance(model, Reconstructs):
        lines.append(f"again = model.reconstruct(images{labels})")
    code = "\n".join(lines)
    return ["## Use", f"    pip install 'vaekit[hub]'\n\n```python\n{code}\n```"]


def model_samples(model: Model) -> bool:
    """Returns whether a model samples, pictures or not."""
    with suppress(VaekitError):
        return model.can_sample()
    return False


def _figures(record: Record) -> list[str]:
    """Figures of the end of the training, and what was measured of the run later, with errors."""
    summary, under = record.summary, record.under
    if summary is None:
        return []
    parts = ["## Figures"]
    name, split = next(((n, s) for n, s in reversed(summary.splits.items())), ("", None))
    if split is not None:
        keys = dict.fromkeys([*METRICS, *split.figures])
        found = [(metric_of(key, under), split.figures[key]) for key in keys if key in split.figures]
        rows = [(plain(m.label), m.text(v), plain(m.unit), plain(m.sentence)) for m, v in found]
        line = f"Means over {counted(split.images, f'{name} image')} at the end of the training."
        parts += [line, table(("figure", "value", "unit", "meaning"), rows)]
    if summary.evaluation:
        parts += _evaluated(summary.evaluation)
    return parts


def _evaluated(values: Mapping[str, Any]) -> list[str]:
    """Figures that `vaekit evaluate` measured last: each with its standard error, a share with its interval of 95 %."""
    lines = [
        f"Measured on {counted(values['images'], 'image')} of the {values.get('split', 'test')} split, seed {values['seed']}."
    ]
    if "likelihood_means" in values:
        lines.append(f"{values['likelihood']} is {values['likelihood_means']}.")
    if said := of_which_prior(values):
        lines.append(f"{said[:1].upper()}{said[1:]}.")
    rows = [
        (plain(row.label), plain(row.text), plain(row.floor_text), plain(row.unit), plain(row.meaning))
        for row in evaluation_rows(values)
    ]
    found = [f"- {plain(f['text'])}; {plain(f['remedy'])}." for f in values["findings"]]
    head = ("figure", "value ± standard error", "training images", "unit", "meaning")
    return [plain(" ".join(lines)), table(head, rows), *(["Found:\n\n" + "\n".join(found)] if found else [])]


def _settings(record: Record) -> list[str]:
    """Settings that differ from the defaults, and the command that trains it again."""
    changed = changed_settings(record).items()
    rows = [(f"{plain(key)}", plain(value), plain(default)) for key, (value, default) in changed]
    text = "Those that differ from the defaults of the method; where the default is auto or None, what was chosen. All are in config.json."
    shown = table(("option", "value", "default"), rows) if rows else "All as by default."
    command = "".join(f"    {line}\n" for line in command_line(record).splitlines())
    return ["## Settings", text, shown, f"To train it again:\n\n{command.rstrip()}"]


def _notes(record: Record) -> list[str]:
    """Notes on the meaning of its numbers, and on what kept it from learning more."""
    notes = [KINDS[record.under.kind].note.format(name=record.under.likelihood)] if record.under.kind else []
    if record.summary is not None and not record.summary.evaluation:  # whose findings have them
        notes += [str(note) for note in record.summary.notes or ()]
    items = "\n".join(f"- {plain(note)}" for note in notes if note)
    return ["## Notes", items] if items else []


def _made(record: Record) -> list[str]:
    """Versions, seed, and the data to the last bit."""
    listed = ", ".join(f"{name} {value}" for name, value in record.config.versions.items())
    data = record.config.data.fingerprint
    return [
        "## Made with",
        plain(f"{listed}; seed {record.settings.fit.seed}; fingerprint of data and split {data}."),
    ]
