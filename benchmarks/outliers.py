"""Which score finds which outliers? A VAE of MNIST against five kinds of images that are not of it.

    python benchmarks/outliers.py PHOTOS RESULTS.json [--likelihood NAME] [--train 55000] [--epochs 8]
        [--images 2000] [--held 4] [--data-dir DIR]

PHOTOS is a folder of photographs; they are made grey and 28x28. The other outliers: `strokes`, inverted MNIST test
digits, uniform noise, and the test digits of a class that a second VAE has not seen in training. MNIST test images
are the usual ones. RESULTS.json grows outlier by outlier, under its settings; what is in it is not measured again.
Prints AUROC as a table for each settings, and the score whose worst AUROC is best: the one that fails least. A score
that the likelihood does not allow has no row, but the reason.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from vaekit import Split, fit, load_data
from vaekit.config.methods import resolve
from vaekit.data import Data
from vaekit.data.picking import chosen
from vaekit.evaluation.outliers import aurocs, score_images
from vaekit.models import LatentModel
from vaekit.runs.files import write_json
from vaekit.training.fresh import new_model

SIZES = {"latent_dim": 20, "network": "mlp", "width": 512, "depth": 1}
SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--likelihood", default="gaussian-optimal")
    parser.add_argument("--train", type=int, default=55000, help="training images")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--held", type=int, default=4)
    parser.add_argument("--data-dir", default=None)
    options = parser.parse_args()
    every = json.loads(options.results.read_text(encoding="utf-8")) if options.results.exists() else {}
    lengths = f"{options.train:,} training images, {options.epochs} epochs, {options.images} of each kind"
    settings = f"{options.likelihood}, {lengths}"
    found = every.setdefault(settings, {"auroc": {}, "left_out": {}, "seconds": 0.0})
    for model, data, usual, outliers in asked(options, found["auroc"]):
        began, judge = time.process_time(), judged(model(), data)
        scores, found["left_out"] = judge(usual)
        for name, make in outliers.items():
            found["auroc"][name] = aurocs(scores, judge(make())[0])
            found["seconds"] += time.process_time() - began
            began = time.process_time()
            write_json(options.results, every)
    for settings, measured in every.items():
        show(settings, measured)


def asked(
    options: argparse.Namespace, known: dict[str, Any]
) -> list[tuple[Any, Data, Split, dict[str, Callable]]]:
    """For each model the way to train it, its data, the usual images, and the outliers that are not known yet."""
    data = load_data("mnist", data_dir=options.data_dir)
    data = data.replace(train=chosen(data.train, options.train, SEED))
    usual = chosen(data.test, options.images, SEED)
    outliers: dict[str, Callable[[], Split]] = {
        "strokes": lambda: chosen(load_data("strokes").test, options.images, SEED),
        "photos": lambda: grey_photos(options.photos, options.images),
        "inverted": lambda: Split(255 - usual.images),
        "noise": lambda: Split(uniform_noise(options.images)),
    }
    without, seen, held = held_out(data, options)
    named = {f"held-out {options.held}": lambda: held}
    sets = [(data, usual, outliers), (without, seen, named)]
    found = []
    for images, ordinary, odd in sets:
        if missing := {name: make for name, make in odd.items() if name not in known}:
            found.append((lambda images=images: trained(images, options), images, ordinary, missing))
    return found


def trained(data: Data, options: argparse.Namespace) -> LatentModel:
    given = {"data": "mnist", "epochs": options.epochs, "likelihood": options.likelihood, "seed": SEED}
    settings = resolve("vae", given, SIZES)
    model, objective = new_model(settings, data)
    fit(model, objective, data, progress="none", options=settings.fit)
    assert isinstance(model, LatentModel)
    return model


def judged(model: LatentModel, data: Data) -> Callable[[Split], tuple[dict[str, Any], dict[str, str]]]:
    return lambda split: score_images(model, split, data.train, seed=SEED)


def held_out(data: Data, options: argparse.Namespace) -> tuple[Data, Split, Split]:
    """Data without one class, test images of the others, and those of that one."""
    kept = {}
    for name, split in (("train", data.train), ("validation", data.validation)):
        assert split.labels is not None
        kept[name] = split.take((split.labels != options.held).nonzero()[:, 0])
    assert data.test.labels is not None
    odd = data.test.take((data.test.labels == options.held).nonzero()[:, 0])
    usual = data.test.take((data.test.labels != options.held).nonzero()[:, 0])
    return data.replace(**kept), chosen(usual, options.images, SEED), chosen(odd, options.images, SEED)


def uniform_noise(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(SEED)
    return torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=generator)


def grey_photos(folder: Path, count: int) -> Split:
    """Photographs, cut square and made grey and 28x28, evenly from all that are there."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    pictures = []
    for path in files[:: max(1, len(files) // count)][:count]:
        with Image.open(path) as image:
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            square = image.convert("L").crop((left, top, left + side, top + side))
            pictures.append(np.asarray(square.resize((28, 28), Image.Resampling.LANCZOS)))
    return Split(torch.from_numpy(np.stack(pictures))[:, None])


def show(settings: str, measured: dict[str, Any]) -> None:
    found = measured["auroc"]
    names = list(next(iter(found.values())))
    print(f"\n{settings}; {measured['seconds']:.0f} s of processor time\n")
    print("| AUROC | " + " | ".join(found) + " | worst |")
    print("|---" * (len(found) + 2) + "|")
    worst = {name: min(row[name] for row in found.values()) for name in names}
    for name in names:
        cells = [f"{row[name]:.3f}{' (fails)' if row[name] < 0.5 else ''}" for row in found.values()]
        print(f"| `{name}` | " + " | ".join(cells) + f" | {worst[name]:.3f} |")
    for name, reason in measured["left_out"].items():
        print(f"\nleft out: {name} ({reason})")
    print(f"\nfails least: {max(worst, key=lambda name: worst[name])}")


if __name__ == "__main__":
    main()
