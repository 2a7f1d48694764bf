"""comparison.html and comparison.json: the table, the lesson's claims judged, and the pictures."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from vaekit.comparison.claims import LABELLED, RULE, Verdict, figure, short
from vaekit.comparison.dots import dots
from vaekit.comparison.fairness import spent_in_words, withheld
from vaekit.comparison.lesson_claims import judge_all
from vaekit.comparison.measure import FEW, Reference
from vaekit.comparison.pictures import drawable
from vaekit.comparison.plan import Plan
from vaekit.comparison.rows import COST, ROWS, STABILITY, Spread, Table, label, metric_in, tabulate
from vaekit.comparison.strips import sections
from vaekit.comparison.subruns import Records
from vaekit.comparison.wish import has_own_network
from vaekit.config.methods import METHODS
from vaekit.config.options import FORMAT
from vaekit.core import counted
from vaekit.data import Data
from vaekit.metrics import KINDS
from vaekit.models import Model
from vaekit.plain_files import utf8
from vaekit.reports.html import document, scrolling, typeset
from vaekit.runs.files import write_atomic, write_json
from vaekit.runs.load import load_run
from vaekit.wording import names_of, of_rows

HTML, JSON = "comparison.html", "comparison.json"
BINARISED = (
    "All figures of a model are of the binary pixels that it was trained on, one fixed draw of each image: reconstructions, "
    "latents, nats and bits. What it draws or decodes are means, which are grey, and compared with the grey images; a GAN "
    "draws what looks like the binary ones, so that its distances from the grey ones are larger by what binarising does."
)
MARKS = {"holds": "yes", "does not hold here": "no", "depends": "open"}


def write_comparison(
    plan: Plan, records: Records, reference: Reference, data: Data, folder: Path
) -> tuple[Path, Path]:
    """Writes both files from what was measured and from the runs themselves.

    Returns:
        Their paths.

    Raises:
        RunError: they cannot be written.
    """
    table, floor = tabulate(records, plan.wish.budget), reference.floor()
    verdicts = judge_all(table)
    parts = [
        *(f"<p>{escape(line)}</p>" for line in what_was_compared(plan, data, reference, records)),
        f'<p class="warning">{escape(table.withheld)}</p>' if table.withheld else "",
        _failures(table),
        dots(table, floor),
        "<h2>Figures</h2>",
        _table(table, floor),
        "<h2>What the lesson says, judged by these figures</h2>",
        _claims(verdicts, table),
        sections(_first(records, folder), data) if drawable(data) else "",
        _runs(plan, table, folder),
    ]
    title = f"{' · '.join(plan.wish.methods)} on {data.source}"
    whole = document(title, parts)
    names = [*names_of(data), str(folder)]
    write_atomic(folder / HTML, utf8(of_rows(whole, map(escape, names)) if len(data.shape) == 1 else whole))
    write_json(folder / JSON, as_dict(plan, records, table, floor, verdicts, reference))
    return folder / HTML, folder / JSON


def as_dict(
    plan: Plan,
    records: Records,
    table: Table,
    floor: Mapping[str, float],
    verdicts: list[Verdict],
    reference: Reference,
) -> dict[str, Any]:
    """The content of comparison.json."""
    spreads = {
        method: {
            name: {"mean": spread.mean, "standard_deviation": spread.deviation, "seeds": spread.count}
            for name, spread in row.items()
        }
        for method, row in table.figures.items()
    }
    return {
        "format": FORMAT,
        "wish": plan.wish.as_dict(),
        "lengths": plan.lengths,
        "prior_lengths": plan.prior_lengths,
        "decided": plan.decided,
        "withheld": table.withheld,
        "binarised": table.binarised,
        "features": reference.features and reference.features.name,
        "images": reference.count,
        "methods": spreads,
        "training_images": dict(floor),
        "likelihoods": {method: name for method, (name, _) in table.likelihoods.items()},
        "failed": {
            m: {str(seed): why for seed, why in runs.items()} for m, runs in table.failures.items() if runs
        },
        "runs": {m: {str(seed): record for seed, record in runs.items()} for m, runs in records.items()},
        "claims": [
            {
                "section": verdict.claim.section,
                "claim": verdict.claim.text,
                "verdict": verdict.verdict,
                "because": [f"expected {one.expected}: {one.found}" for one in verdict.judged],
                "missing": verdict.missing,
            }
            for verdict in verdicts
        ],
        "rule": RULE,
    }


def what_was_compared(plan: Plan, data: Data, reference: Reference, records: Records) -> Iterator[str]:
    """In plain words."""
    wish = plan.wish
    seeds = counted(len(wish.seeds), "seed")
    shape = " × ".join(map(str, data.shape))
    yield (
        f"Trained on the same {len(data.train):,} images of {shape} from {data.source} and measured on the same "
        f"{len(data.test):,} test images or random ones among them, as the rows say; {seeds} of each method. "
        + networks(wish.methods)
    )
    yield length_in_words(plan, records)
    if decided := decided_in_words(plan):
        yield decided
    if reference.features is not None:
        accuracy = reference.classifier and reference.classifier.accuracy
        reads = f", a classifier that reads {accuracy:.1%} of test images as labelled" if accuracy else ""
        yield (
            f"Sets of images are compared in the features {reference.features.name}{reads}, "
            f"{reference.count:,} images of each kind."
        )
    best = "" if withheld(wish.budget, records) else "; the best mean of a row is set in bold"
    spread = "" if len(wish.seeds) > 1 else " One seed has no spread: differences may be chance."
    yield (
        f"Figures are means over the seeds (n = {len(wish.seeds)}, less those that failed) ± the standard deviation"
        f"{best}.{spread}"
    )


def networks(methods: Sequence[str]) -> str:
    """Says which methods have the same networks."""
    own = [method for method in methods if has_own_network(method)]
    if not own:
        return "Networks of the same family and size."
    return f"Networks of the same family and size; {', '.join(own)}: its own kind (its parameters are in the table)."


def length_in_words(plan: Plan, records: Records) -> str:
    """Says how long each run was trained."""
    wish = plan.wish
    if wish.budget is None:
        also = " and its prior as many" if plan.prior_lengths else ""
        return "".join(f"Each run had {count:,} {name}{also}." for name, count in wish.length.items())
    spent = spent_in_words(records)
    steps = ", ".join(f"{method} {plan.described(method)}" for method in plan.lengths)
    prior = " A model whose latents get a prior has half of the time, its prior the rest." * bool(
        plan.prior_lengths
    )
    return (
        f"Each run had {wish.budget:g} s of processor time{'; ' * bool(spent)}{spent}. A few steps of each method were timed in "
        f"turn and the budget turned into steps, so that every schedule ends: {steps}.{prior}"
    )


def decided_in_words(plan: Plan) -> str:
    """Says what the data decided for all methods alike; "" where nobody left it open."""
    named = {"batch_size": "images per step", "latent_dim": "latents"}
    shared = {name: value for own in plan.decided.values() for name, value in own.items() if name in named}
    return (
        "Decided by the data, for all methods that have them: " * bool(shared)
        + ", ".join(f"{value} {named[name]}" for name, value in shared.items())
        + "." * bool(shared)
    )


def _failures(table: Table) -> str:
    items = "".join(
        f"<li><b>{escape(method)}, seed {seed}</b>: {escape(why)}</li>"
        for method, runs in table.failures.items()
        for seed, why in runs.items()
    )
    return f'<h2>Failed</h2><ul class="failed">{items}</ul>' if items else ""


def _table(table: Table, floor: Mapping[str, float]) -> str:
    """One row per figure, one column per method."""
    methods = table.methods
    head = "".join(f'<th class="number">{escape(method)}</th>' for method in methods)
    body = []
    shown = [name for name in ROWS if any(name in row for row in table.figures.values())]
    for group, names in groupby(shown, ROWS.__getitem__):
        body.append(f'<tr class="group"><th colspan="{len(methods) + 2}">{escape(group)}</th></tr>')
        body += [_row(name, table, floor) for name in names]
    return scrolling(
        '<table class="compared"><thead><tr><th></th>'
        f'{head}<th class="number">training images</th></tr></thead><tbody>{"".join(body)}</tbody></table>',
        "Figures of every method",
        "tall",
    ) + _notes(table, floor)


def _row(name: str, table: Table, floor: Mapping[str, float]) -> str:
    metric, best = metric_in(name, table), table.best(name)
    cells = "".join(
        f'<td class="number">{_cell(table.get(method, name), method in best, absent(name))}</td>'
        for method in table.methods
    )
    reference = escape(typeset(figure(floor[name]))) if name in floor else ""
    unit = ", ".join(filter(None, (metric.unit_apart, metric.direction)))
    return (
        f'<tr><th title="{escape(meaning(name, table))}">'
        f'{escape(label(name, table))}<br><span class="faint">{escape(unit)}</span></th>'
        f'{cells}<td class="number faint">{reference}</td></tr>'
    )


def meaning(name: str, table: Table) -> str:
    """Returns the sentence of a row, with the conditions under which it was measured."""
    return metric_in(name, table).sentence_with(table.measured.get(name, {}))


def absent(name: str) -> str:
    """Returns what stands where a method has no such figure."""
    return "–" if ROWS[name] in (COST, STABILITY) else "not defined"


def _cell(spread: Spread | None, best: bool, absent: str) -> str:
    if spread is None:
        return f'<span class="faint">{absent}</span>'
    mean, _, deviation = escape(typeset(short(spread))).partition(" ± ")
    mean = f"<b>{mean}</b>" if best else mean
    return mean + (f'<br><span class="faint">± {deviation}</span>' if deviation else "")


def _notes(table: Table, floor: Mapping[str, float]) -> str:
    """Says what the reader of the table must know."""
    notes = ["The last column has training images in the place of samples: what a perfect model would reach."]
    if table.binarised:
        notes.append(BINARISED)
    if "blend_midpoint_fd" in floor:
        notes.append(
            f"Midpoints, decoded N(0, I) and fitted normal are {FEW:,} images at most, judged by as many test images drawn at "
            "random, training images too: fewer than samples, so that their distances are larger and compare within their own "
            "rows. Midpoints lie between other test images than those, as far as there are as many."
        )
        notes.append(
            "For midpoints compare: the mean of the two images themselves, without any model, has the Fréchet distance "
            f"{figure(floor['blend_midpoint_fd'])} and the precision {figure(floor['blend_midpoint_precision'])}."
        )
    for method, (name, kind) in table.likelihoods.items():
        if KINDS[kind].note and table.get(method, "nll_nats") is not None:
            notes.append(f"{method}: {KINDS[kind].note.format(name=name)}")
    labelled = [method for method in table.methods if method in LABELLED]
    if labelled:
        notes.append(
            f"{', '.join(labelled)}: conditioned on the class of each image, test images too; nats and bits are those of p(x|y)."
        )
    for method, lines in table.notes.items():
        notes += [f"{method}: {line}" for line in lines]
    meanings = "".join(
        f"<li><b>{escape(label(name, table))}</b>: {escape(meaning(name, table))}</li>"
        for name in ROWS
        if any(name in found for found in table.figures.values())
    )
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<ul>{items}</ul><details><summary>What each row means</summary><ul>{meanings}</ul></details>"


def _claims(verdicts: list[Verdict], table: Table) -> str:
    if table.withheld:
        texts = "".join(f"<li>{escape(verdict.claim.text)}</li>" for verdict in verdicts)
        return (
            f'<p class="warning">{escape(table.withheld)}</p>'
            f"<details><summary>{len(verdicts)} not judged</summary><ul>{texts}</ul></details>"
        )
    known, open_ = ([v for v in verdicts if (v.verdict is None) == missing] for missing in (False, True))
    rest = f"<details><summary>{len(open_)} not judged</summary>{_listed(open_)}</details>" if open_ else ""
    return f'<p class="faint">{escape(RULE)}</p>{_listed(known)}{rest}'


def _listed(verdicts: list[Verdict]) -> str:
    body = []
    for verdict in verdicts:
        word = verdict.verdict or "not judged"
        lines = [f"expected {one.expected}: {one.found} ({one.verdict})" for one in verdict.judged]
        lines += [verdict.missing] if verdict.missing else []
        because = "".join(f"<li>{escape(line)}</li>" for line in lines)
        body.append(
            f'<li class="claim {MARKS.get(word, "none")}"><span class="verdict">{escape(word)}</span> '
            f'<span class="faint">{escape(verdict.claim.section)}</span> {escape(verdict.claim.text)}'
            f'<ul class="faint">{because}</ul></li>'
        )
    return f'<ul class="claims">{"".join(body)}</ul>'


def _first(records: Records, folder: Path) -> dict[str, Model]:
    """The model of the first run of each method that has ended."""
    models = {}
    for method, runs in records.items():
        ended = [seed for seed, record in runs.items() if "failed" not in record]
        if ended:
            models[method] = load_run(folder / f"{method}-{ended[0]}").model
    return models


def _runs(plan: Plan, table: Table, folder: Path) -> str:
    lines = [f"{method}: {METHODS[method].summary}" for method in table.methods]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    shown = "\n".join(shlex.join(["vaekit", "figures", str(folder / name)]) for name, _, _ in plan.names)
    return (
        f"<h2>Runs</h2><ul>{items}</ul><p>Every run is a folder like any other:</p>"
        f"<details><summary>commands</summary><pre>{escape(shown)}</pre></details>"
    )
