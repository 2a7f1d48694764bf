"""Do notes on a training come when they should, never when they should not, and do their remedies help?

    python benchmarks/notes.py [--which good] [--only WORD] [--seed 0]

Trains runs that are good and must have no note, and runs that learned too little, each of which must have a note of its
kind (`notes_runs.py`). The remedy of that note is applied, and must help: a lower -ELBO or reconstruction error under the
same likelihood, more variance explained, or samples that differ more. `evaluate` must find something wrong with each bad
run, and nothing with any good one. Prints one line per run and counts what failed; about twelve minutes on one
core. The folder of photographs is left out, with a line, where VAEKIT_DATA does not have it.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from anyones_sets import Missing
from notes_runs import BAD, GOOD, Options
from notes_sets import data

import vaekit
from vaekit.core import VaekitWarning
from vaekit.evaluation.table import reassurance
from vaekit.runs.records import Note

REMEDY = re.compile(r"(\w+)=('[^']*'|[\w.+-]*[\w])")
LENGTHS = ("epochs", "steps", "budget")  # of which a run has one
LESS = 0.1  # nats by which a remedy must help, at least


@dataclass(frozen=True)
class Trained:
    """A run as far as it is judged.

    Attributes:
        steps, likelihood, notes, figures: of its summary.
        findings, remarks, reassurance: of `evaluate`.
        seconds: that processors worked, evaluation included.
    """

    steps: int
    likelihood: str | None
    notes: tuple[Note, ...]
    figures: dict[str, float]
    findings: list[Note]
    remarks: list[Note]
    reassurance: str
    seconds: float

    def __str__(self) -> str:
        """`400 steps, explained 0.91, samples 0.55, -ELBO -37.1`."""
        names = {
            "explained_variance": "explained",
            "sample_variance": "samples",
            "negative_elbo_nats": "−ELBO",
            "code_usage": "codes",
        }
        parts = [f"{word} {self.figures[key]:.2f}" for key, word in names.items() if key in self.figures]
        return ", ".join([f"{self.steps} steps", *parts])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--which", choices=("good", "bad", "both"), default="both")
    parser.add_argument("--only", default="", help="runs whose name has this in it")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", VaekitWarning)
    began, counts = time.process_time(), {"pass": 0, "FAIL": 0, "skip": 0}
    jobs: dict[str, tuple[str, str, Options, str | None]] = {}
    jobs |= {name: (*row, None) for name, row in GOOD.items() if asked.which != "bad"}
    jobs |= {name: row for name, row in BAD.items() if asked.which != "good"}
    for name, (method, source, options, kind) in jobs.items():
        if asked.only in name:
            verdict, text = outcome(method, source, {"seed": asked.seed, **options}, kind)
            counts[verdict] += 1
            print(f"{verdict}  {'good' if kind is None else 'bad'}  {name:28} {text}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in counts.items()), end="")
    print(f"; {time.process_time() - began:.0f} s of processor time")
    sys.exit(counts["FAIL"] > 0)


def outcome(method: str, source: str, options: Options, kind: str | None) -> tuple[str, str]:
    """Whether a run is judged as it should be, and its line."""
    try:
        data(source)
    except Missing as missing:
        return "skip", str(missing)
    good, text = innocent(method, source, options) if kind is None else judge(method, source, options, kind)
    return "pass" if good else "FAIL", text


def innocent(method: str, source: str, options: Options) -> tuple[bool, str]:
    """Whether nothing is said against a good run, and its line."""
    run = trained(method, source, options)
    accused = [str(note) for note in [*run.notes, *run.findings]]
    remarks = [remark.kind for remark in run.remarks]
    return (
        not accused,
        f"{run}: {'; '.join(dict.fromkeys(accused)) or ', '.join(['no note', *remarks])} [{run.seconds:.0f} s]",
    )


def judge(method: str, source: str, options: Options, kind: str) -> tuple[bool, str]:
    """Whether a run that learned too little has its note, with a remedy that helps, and its line."""
    before = trained(method, source, options)
    told = "; ".join(map(str, before.notes)) or "no note"
    note = next((note for note in before.notes if note.kind == kind), None)
    if note is None:
        return False, f"{before}: no note {kind!r} but: {told}"
    changes = remedy_of(note)
    if not changes:
        return False, f"{before}: no remedy to apply in: {note}"
    after = trained(method, source, applied(options, changes))
    what = " ".join(f"{key}={value}" for key, value in changes.items())
    text = f"{before}: {told} [{what}: {after}; {before.seconds + after.seconds:.0f} s]"
    if not before.findings or before.reassurance:
        return False, f"evaluate finds nothing wrong: {text}"
    return helped(before, after), text


def remedy_of(note: Note) -> Options:
    """The first remedy of a note: `take steps=400 or warmup=2` gives {"steps": 400}; those joined by "and" go together."""
    first = re.split(r",? or |, ", note.remedy)[0]
    return {name: ast.literal_eval(text) for name, text in REMEDY.findall(first)}


def applied(options: Options, changes: Options) -> Options:
    """The options with those changes; a length takes the place of another."""
    if set(LENGTHS) & set(changes):
        options = {name: value for name, value in options.items() if name not in LENGTHS}
    return options | changes


def trained(method: str, source: str, options: Options) -> Trained:
    """A run, trained and evaluated as a user would, its folder thrown away."""
    began = time.process_time()
    given: Options = {"progress": "none", "device": "cpu", "precision": "fp32"}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        if "start" in options:
            vaekit.train(method, data(source), out=Path(folder) / "first", **given | options["start"])
            options = options | {"start": Path(folder) / "first"}
        history = vaekit.train(method, data(source), out=out, **given | options)
        found = vaekit.evaluate(
            out,
            data(source),
            samples=10,
            features="auto",
            disentanglement="no",
            device="cpu",
            progress="none",
        )
    assert history.summary is not None
    return Trained(
        steps=history.summary.steps,
        likelihood=history.summary.likelihood,
        notes=history.notes,
        figures=dict(history.test),
        findings=found.findings,
        remarks=found.remarks,
        reassurance=reassurance(found.as_dict()),
        seconds=time.process_time() - began,
    )


def helped(before: Trained, after: Trained) -> bool:
    """Returns whether the second run explains more, costs less under the same likelihood, or draws what differs more."""
    old, new = before.figures, after.figures
    if "explained_variance" in old and new["explained_variance"] >= old["explained_variance"] + 0.05:
        return True
    if "explained_variance" not in old:
        return new["sample_variance"] >= 2 * old["sample_variance"]
    cost = "negative_elbo_nats" if "negative_elbo_nats" in old else "reconstruction_nats"
    cheaper = before.likelihood == after.likelihood and new[cost] < old[cost] - LESS
    return cheaper or new.get("code_usage", 0.0) > 2 * old.get("code_usage", 1.0)


if __name__ == "__main__":
    main()
