"""Which score finds which outliers? A VAE of MNIST against four kinds of images that are not of it.

    python benchmarks/outliers.py PHOTOS RESULTS.json [--epochs 8] [--images 2000] [--held 4] [--data-dir DIR]

PHOTOS is a folder of photographs; they are made grey and 28x28. The other outliers: `strokes`, inverted MNIST test
digits, and the test digits of a class that a second VAE has not seen in training. MNIST test images are the usual
ones. RESULTS.json grows outlier by outlier; what is in it is not measured again. Prints AUROC as a table, and
the score whose worst AUROC is best: the one that fails least.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--held", type=int, default=4)
    parser.add_argument("--data-dir", default=None)
    options = parser.parse_args()
    found = json.loads(options.results.read_text(encoding="utf-8")) if options.results.exists() else {}
    data = load_data("mnist", data_dir=options.data_dir)
    usual = chosen(data.test, options.images, 0)
    outliers = {
        "strokes": lambda: chosen(load_data("strokes").test, options.images, 0),
        "photos": lambda: grey_photos(options.photos, options.images),
        "inverted": lambda: Split(255 - usual.images),
    }
    model = None
    for name, make in outliers.items():
        if name not in found:
            model = model or trained(data, options.epochs)
            found[name] = compared(model, data, usual, make())
            write_json(options.results, found)
    held = f"held-out {options.held}"
    if held not in found:
        found[held] = held_out(data, options)
        write_json(options.results, found)
    show(found)


def trained(data: Data, epochs: int) -> LatentModel:
    settings = resolve("vae", {"data": "mnist", "epochs": epochs}, SIZES)
    model, objective = new_model(settings, data)
    fit(model, objective, data, progress="none", options=settings.fit)
    assert isinstance(model, LatentModel)
    return model


def compared(model: LatentModel, data: Data, usual: Split, odd: Split) -> dict[str, float]:
    scores = [score_images(model, split, data.train)[0] for split in (usual, odd)]
    return aurocs(scores[0], scores[1])


def held_out(data: Data, options: argparse.Namespace) -> dict[str, float]:
    """A model that has not seen one class, on the classes that it has seen against that one."""
    kept = {}
    for name, split in (("train", data.train), ("validation", data.validation)):
        assert split.labels is not None
        kept[name] = split.take((split.labels != options.held).nonzero()[:, 0])
    without = data.replace(**kept)
    assert data.test.labels is not None
    odd = data.test.take((data.test.labels == options.held).nonzero()[:, 0])
    usual = chosen(data.test.take((data.test.labels != options.held).nonzero()[:, 0]), options.images, 0)
    return compared(trained(without, options.epochs), without, usual, odd)


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


def show(found: dict[str, dict[str, float]]) -> None:
    names = list(next(iter(found.values())))
    print("| AUROC | " + " | ".join(found) + " | worst |")
    print("|---" * (len(found) + 2) + "|")
    worst = {name: min(row[name] for row in found.values()) for name in names}
    for name in names:
        cells = [f"{row[name]:.3f}{' (fails)' if row[name] < 0.5 else ''}" for row in found.values()]
        print(f"| `{name}` | " + " | ".join(cells) + f" | {worst[name]:.3f} |")
    print(f"\nfails least: {max(worst, key=lambda name: worst[name])}")


if __name__ == "__main__":
    main()
