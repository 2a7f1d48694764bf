"""What does a photograph of 32x32 cost with a loss, in real bytes? The tables of docs/compression.md.

    python benchmarks/lossy_photos.py PHOTOS RUN RESULTS.json [--plot PLOT.png] [--split test] [--images N]
        [--codes 1024] [--epochs 40] [--prior-epochs 6] [--trades 0 1 3 6]

Trains a VQ-VAE on the folder PHOTOS into RUN (mirrored at random), and a prior of the codes of its training images and of
these mirrored, where there are none yet. Then codes the images of a split, which neither has seen, at several trades of bits
against error; restores them from the bytes; and measures WebP and JPEG on the same ones. RESULTS.json grows trade by
trade; what is in it is not measured again. Prints it, with bytes at two errors and the pictures after which the model, as it stands
in a file, has paid for itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaekit import fit, load_data, load_run
from vaekit.coding.coders import coder_bytes
from vaekit.coding.general_lossy import general_points, pays_after, size_at
from vaekit.coding.lossy import LossyCoder
from vaekit.config.methods import resolve
from vaekit.data import Data, Split
from vaekit.plots.bytes_and_error import bytes_and_error
from vaekit.plots.style import DPI
from vaekit.runs.file_cost import Point
from vaekit.runs.files import write_json
from vaekit.runs.load import Run
from vaekit.runs.prior_place import prior_folder
from vaekit.runs.records import has_ended
from vaekit.training.fresh import new_model
from vaekit.training.priors import prior

ERRORS = (0.0069, 0.0047)  # of the issue
WEIGHT_BITS = 10  # as `compress(..., with_model=True)` takes
PRIOR = {"width": 64, "depth": 2, "dropout": 0.1}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--split", default="test", choices=["validation", "test"])
    parser.add_argument("--images", type=int, help="the first so many of the split alone")
    parser.add_argument("--codes", type=int, default=1024)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--prior-epochs", type=int, default=6)
    parser.add_argument("--trades", type=float, nargs="+", default=[0.0, 1.0, 3.0, 6.0])
    options = parser.parse_args()
    run = trained(options)
    split = run.load_data().splits[options.split]
    levels = torch.as_tensor(split.images).numpy()[: options.images]
    found = json.loads(options.results.read_text(encoding="utf-8")) if options.results.exists() else {}
    found |= {"images": len(levels), "split": options.split, "threads": torch.get_num_threads()}
    if "general" not in found:
        found["general"] = {
            name: [dataclasses.asdict(point) for point in points]
            for name, points in general_points(levels).items()
        }
        write_json(options.results, found)
    measure(run, levels, options.trades, found, options.results)
    found["at"] = at_errors(found)
    write_json(options.results, found)
    if options.plot:
        note = f"{len(levels):,} photographs of 32 × 32 that the model has not seen, without the model's {found['model_bytes']:,} bytes"
        bytes_and_error(points_of(found), note).savefig(options.plot, dpi=DPI)
    print(json.dumps(found))


def trained(options: argparse.Namespace) -> Run:
    """The run, with its prior."""
    if not has_ended(options.run):
        given = {"data": str(options.photos), "codes": options.codes, "epochs": options.epochs, "flip": True}
        settings = resolve("vqvae", given)
        data = load_data(**settings.data.flat())
        model, objective = new_model(settings, data)
        fit(model, objective, data, out=options.run, method="vqvae", options=settings.fit)
    run = load_run(options.run, device="cpu")
    if not has_ended(prior_folder(options.run)):
        prior(run, images=mirrored_too(run.load_data()), epochs=options.prior_epochs, **PRIOR)
        run = load_run(options.run, device="cpu")
    return run


def mirrored_too(data: Data) -> Data:
    """The same data, each training image also mirrored."""
    images = torch.as_tensor(data.train.images)
    labels = data.train.labels
    both = None if labels is None else torch.cat([labels, labels])
    return dataclasses.replace(data, train=Split(torch.cat([images, images.flip(-1)]), both))


def measure(run: Run, levels: np.ndarray, trades: list[float], found: dict[str, Any], out: Path) -> None:
    """Adds bytes, error and seconds at each trade that is not there yet."""
    coder = LossyCoder(run, weight_bits=WEIGHT_BITS)
    found["model_bytes"], found["hash"] = len(coder_bytes(coder)), coder.hash()
    for trade in trades:
        at = found.setdefault("trades", {})
        if str(trade) in at:
            continue
        coder.trade, began = trade, time.process_time()
        coded = coder.code(levels)
        between = time.process_time()
        pictures = coder.restore(coded.content, len(levels))
        at[str(trade)] = {
            "size": len(coded.content) / len(levels),
            "bound": float(coded.bits.mean() / 8),
            "error": float(((pictures / 255 - levels / 255) ** 2).mean()),
            "encode_ms": 1000 * (between - began) / len(levels),
            "decode_ms": 1000 * (time.process_time() - between) / len(levels),
        }
        write_json(out, found)


def points_of(found: dict[str, Any]) -> dict[str, list[Point]]:
    """All coders' points."""
    ours = [Point(at["size"], at["error"]) for at in found["trades"].values()]
    general = {name: [Point(**point) for point in points] for name, points in found["general"].items()}
    return {"vaekit, codes under their prior": ours, **general}


def at_errors(found: dict[str, Any]) -> dict[str, Any]:
    """Bytes of every coder at the issue's errors, between measured points, and after how many pictures the model pays."""
    result: dict[str, Any] = {}
    for error in ERRORS:
        sizes = {name: size_at(points, error) for name, points in points_of(found).items()}
        ours = next(iter(sizes.values()))
        pays = {
            name: pays_after(found["model_bytes"], ours, size)
            for name, size in sizes.items()
            if ours is not None and size is not None and size is not sizes[next(iter(sizes))]
        }
        result[str(error)] = {"bytes": sizes, "pays_after": pays}
    return result


if __name__ == "__main__":
    main()
