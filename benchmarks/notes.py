"""Do notes on a training come when they should, never when they should not, and do their remedies help?

    python benchmarks/notes.py [--which good] [--only WORD] [--seed 0]

Trains runs that are good and must have no note, and runs that learned too little, each of which must have a note of its
kind. The remedy of that note is applied, and must help: more variance explained, a lower −ELBO under the same
likelihood, or samples that differ more. Prints one line per run and counts what failed; about ten minutes on one
core.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import math
import re
import sys
import warnings
from functools import cache
from typing import Any

import numpy as np
import torch

from vaekit import load_data
from vaekit.config.methods import resolve
from vaekit.config.options import FitSettings
from vaekit.core import VaekitWarning
from vaekit.data import Data
from vaekit.runs.records import Note
from vaekit.training.fit import History, fit
from vaekit.training.fresh import new_model

GO = {"likelihood": "gaussian-optimal"}
LESSON = {"network": "lesson"}
SMALL = {**LESSON, "batch_size": 16, "epochs": 60}

Options = dict[str, Any]

GOOD: dict[str, tuple[str, str, Options]] = {  # name -> method, data, options
    "README: vae": ("vae", "digits", {**GO, "epochs": 30}),
    "README: cvae": ("cvae", "digits", {**GO, "epochs": 30}),
    "README: Python": ("vae", "digits", {**GO, "epochs": 30, "latent_dim": 10}),
    "README: two latents": ("vae", "digits", {"likelihood": "gaussian", "latent_dim": 2, "epochs": 60}),
    "demo": ("vae", "digits", {"likelihood": "gaussian", "sigma": 0.15, "latent_dim": 2, "width": 256, "epochs": 60}),
    "another seed": ("vae", "digits", {**GO, "epochs": 30, "seed": 1}),
    "bce": ("vae", "digits", {"likelihood": "bce", "epochs": 30}),
    "binary digits": ("vae", "digits", {"binarize": "dynamic", "epochs": 30}),
    "beta-vae": ("beta-vae", "digits", {**GO, "epochs": 30}),
    "beta-tcvae": ("beta-tcvae", "digits", {**GO, "epochs": 30}),
    "ae": ("ae", "digits", {"epochs": 30}),
    "vqvae": ("vqvae", "digits", {"epochs": 30}),
    "vqvae of fixed codes": ("vqvae", "digits", {"quantizer": "fsq", "epochs": 30}),
    "iwae": ("iwae", "digits", {**GO, "epochs": 30, "samples": 3}),
    "gan": ("gan", "digits", {"epochs": 40}),
    "KL rising to the end": ("vae", "digits", {**GO, "epochs": 30, "kl_warmup": 1.0}),
    "KL warm-up": ("vae", "digits", {**GO, "epochs": 40, "kl_warmup": 0.3}),
    "cyclical KL": ("vae", "digits", {**GO, "epochs": 40, "kl_warmup": 0.5, "beta_schedule": "cyclical"}),
    "constant rate": ("vae", "digits", {**GO, "epochs": 40, "schedule": "constant"}),
    "stopped early": ("vae", "digits", {**GO, "epochs": 100, "patience": 8}),
    "strokes": ("vae", "strokes", {**LESSON, "epochs": 10, "batch_size": 64}),
    "strokes, vqvae": ("vqvae", "strokes", {"epochs": 4, "batch_size": 32}),
    "small folder": ("vae", "shapes", {**GO, **SMALL}),
    "small folder, ae": ("ae", "shapes", SMALL),
    "small folder, cvae": ("cvae", "shapes", {**GO, **SMALL}),
}  # fmt: skip

BAD: dict[str, tuple[str, str, Options, str]] = {  # name -> method, data, options, kind of its note
    "3 epochs": ("vae", "digits", {"epochs": 3}, "warm-up"),
    "3 epochs, cvae": ("cvae", "digits", {**GO, "epochs": 3}, "warm-up"),
    "4 epochs, no warm-up": ("vae", "digits", {**GO, "epochs": 4, "warmup": 0}, "steps"),
    "8 epochs, vqvae": ("vqvae", "digits", {"epochs": 8, "warmup": 8}, "steps"),
    "3 epochs, gan": ("gan", "digits", {"epochs": 3}, "warm-up"),
    "warm-up of 1000 steps": ("vae", "digits", {**GO, "epochs": 20, "warmup": 1000}, "warm-up"),
    "larger folder, 20 steps": ("vae", "shapes", {**LESSON, **GO, "epochs": 20, "batch_size": 192}, "warm-up"),
    "batch of everything": ("vae", "shapes", {**LESSON, "epochs": 110, "batch_size": 192, "warmup": 10, "learning_rate": 1e-3}, "batch"),
    "still improving": ("beta-tcvae", "digits", {"likelihood": "bce", "epochs": 30}, "unfinished"),
    "beta 1000": ("vae", "digits", {**GO, "epochs": 30, "beta": 1000.0}, "weight"),
    "beta 100, bce": ("vae", "digits", {"likelihood": "bce", "epochs": 30, "beta": 100.0}, "weight"),
    "beta-vae under bce": ("beta-vae", "digits", {"likelihood": "bce", "epochs": 30}, "weight"),
    "small folder, beta 1000": ("vae", "shapes", {**GO, **SMALL, "beta": 1000.0}, "weight"),
    "capacity 0": ("capacity-vae", "digits", {**GO, "epochs": 30, "capacity": 0.0}, "weight"),
    "rate 1e-6": ("vae", "digits", {**GO, "epochs": 30, "learning_rate": 1e-6}, "rate"),
    "rate 1e-6, ae": ("ae", "digits", {"epochs": 30, "learning_rate": 1e-6}, "rate"),
    "rate 1e-6, gan": ("gan", "digits", {"epochs": 30, "learning_rate": 1e-6}, "rate"),
    "rate 1e-4": ("vae", "digits", {**GO, "epochs": 30, "learning_rate": 1e-4}, "rate"),
    "rate 0.3": ("vae", "digits", {**GO, "epochs": 30, "learning_rate": 0.3}, "diverged"),
    "rate 0.1, ae": ("ae", "digits", {"epochs": 30, "learning_rate": 0.1}, "diverged"),
    "rate 0.05, gan": ("gan", "digits", {"epochs": 30, "learning_rate": 0.05}, "samples"),
    "stopped before the KL": ("vae", "digits", {**GO, "epochs": 400, "kl_warmup": 0.9, "patience": 6}, "ramp"),
    "sigma 5": ("vae", "digits", {"likelihood": "gaussian", "sigma": 5.0, "epochs": 30}, "collapse"),
    "dead codes": ("vqvae", "digits", {"epochs": 30, "quantizer": "gradient", "kmeans": False, "revive": False}, "codes"),
}  # fmt: skip

REMEDY = re.compile(r"(\w+)=('[^']*'|[\w.+-]*[\w])")


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
    failed = 0
    for name, (method, source, options) in GOOD.items():
        if asked.only in name and asked.which != "bad":
            history = trained(method, source, {"seed": asked.seed, **options})
            failed += told(name, not history.notes, history, "; ".join(map(str, history.notes)) or "no note")
    for name, (method, source, options, kind) in BAD.items():
        if asked.only in name and asked.which != "good":
            failed += judge(name, method, source, {"seed": asked.seed, **options}, kind)
    print(f"{failed} failed")
    sys.exit(failed > 0)


def judge(name: str, method: str, source: str, options: Options, kind: str) -> bool:
    """Trains a run that learns too little, applies the remedy of its note, and returns whether anything failed."""
    before = trained(method, source, options)
    note = next((note for note in before.notes if note.kind == kind), None)
    if note is None:
        return told(name, False, before, f"no note {kind!r}; {'; '.join(map(str, before.notes))}")
    changes = remedy_of(note)
    after = trained(method, source, applied(options, changes, len(data(source).train)))
    what = " ".join(f"{key}={value}" for key, value in changes.items())
    return told(name, helped(before, after), before, f"{note}  [{what}: {shown(after)}]")


def remedy_of(note: Note) -> Options:
    """The first remedy of a note: `take steps=400 or warmup=2` gives {"steps": 400}; those joined by "and" go together."""
    first = re.split(r",? or |, ", note.remedy)[0]
    return {name: value_of(text) for name, text in REMEDY.findall(first)}


def value_of(text: str) -> Any:
    return ast.literal_eval(text)


def applied(options: Options, changes: Options, images: int) -> Options:
    """The options with those changes; a number of steps as one of epochs where training knows no steps."""
    changed = {**options, **changes}
    if "steps" in changes:
        epochs = changed.pop("epochs", None)
        if "steps" not in {field.name for field in dataclasses.fields(FitSettings)}:
            batch = changed.get("batch_size", FitSettings().batch_size)
            steps = changed.pop("steps")
            changed["epochs"] = max(epochs or 1, math.ceil(steps / math.ceil(images / batch)))
    return changed


def trained(method: str, source: str, options: Options) -> History:
    """The history of a run in memory."""
    images = data("binary " + source) if options.get("binarize") else data(source)
    fixed = {"data": source, "device": "cpu", "precision": "fp32"}
    settings = resolve(method, {k: v for k, v in options.items() if k != "binarize"}, fixed, where="")
    model, objective = new_model(settings, images)
    return fit(model, objective, images, options=settings.fit, progress="none", method=method)


@cache
def data(name: str) -> Data:
    """Small data sets: digits, 1,500 strokes, and 200 colour pictures of discs and squares such as a folder has."""
    if name == "binary digits":
        return load_data("digits", binarize="dynamic")
    if name == "strokes":
        whole = load_data("strokes")
        sizes = {"train": 1500, "validation": 200, "test": 300}
        return whole.replace(
            **{key: whole.splits[key].take(torch.arange(size)) for key, size in sizes.items()}
        )
    if name == "shapes":
        images, labels = shapes(200)
        return load_data(images, labels=labels)
    return load_data(name)


def shapes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Discs and squares of any colour on any ground, with noise: (N, 3, 16, 16) uint8, and which of both."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:16, :16]
    images = []
    for number in range(count):
        ink, ground = random.uniform(0, 255, (2, 3, 1, 1))
        (x, y), size = random.uniform(4, 12, 2), random.uniform(2, 6)
        disc = (columns - x) ** 2 + (rows - y) ** 2 < size**2
        square = (abs(columns - x) < size) & (abs(rows - y) < size)
        picture = np.where((square, disc)[number % 2], ink, ground) + random.normal(0, 8, (3, 16, 16))
        images.append(picture.clip(0, 255).astype(np.uint8))
    return np.stack(images), np.arange(count) % 2


def helped(before: History, after: History) -> bool:
    """Returns whether the second run explains more, costs less under the same likelihood, or draws what differs more."""
    old, new = dict(before.test), dict(after.test)
    explained = new.get("explained_variance", 0.0) >= old.get("explained_variance", 0.0) + 0.05
    varied = "explained_variance" not in old and new["sample_variance"] >= 2 * old["sample_variance"]
    same = before.summary is not None and after.summary is not None
    same = same and before.summary.likelihood == after.summary.likelihood  # type: ignore[union-attr]
    cheaper = (
        same and "negative_elbo_nats" in old and new["negative_elbo_nats"] < old["negative_elbo_nats"] - 0.1
    )
    used = new.get("code_usage", 0.0) > 2 * old.get("code_usage", 1.0)
    return explained or varied or cheaper or used


def shown(history: History) -> str:
    """`400 steps, explained 0.91, samples 0.55, −ELBO -37.1`."""
    figures = dict(history.test)
    names = {
        "explained_variance": "explained",
        "sample_variance": "samples",
        "negative_elbo_nats": "−ELBO",
        "code_usage": "codes",
    }
    assert history.summary is not None
    parts = [f"{word} {figures[key]:.2f}" for key, word in names.items() if key in figures]
    return ", ".join([f"{history.summary.steps} steps", *parts])


def told(name: str, good: bool, history: History, text: str) -> bool:
    """Prints a line of the table; returns whether it failed."""
    print(f"{'pass' if good else 'FAIL'}  {name:28} {shown(history)}: {text}", flush=True)
    return not good


if __name__ == "__main__":
    main()
