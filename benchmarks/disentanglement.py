"""Is a dimension of a beta-VAE tilt, thickness or the digit? And how do four methods fare on sprites?

    python benchmarks/disentanglement.py strokes RESULTS.json [--epochs 6] [--seeds 0 1 2]
    python benchmarks/disentanglement.py sprites RESULTS.json [--epochs 4] [--seeds 0 1 2]

`strokes`: the lesson's claim, beta-VAEs of 10 latents with beta in 1, 2, 4, 8, 16. `sprites`: a VAE, a beta-VAE,
a beta-TCVAE and a FactorVAE of 10 latents, and ICA on an autoencoder's codes; `--images` of them to train on.
RESULTS.json has one entry per run and grows run by run: what is in it is not trained again, so that the script can
be stopped and started. Prints the table (median, least and greatest over the seeds) and the verdict, and draws RESULTS.png.

The rule of the verdict, fixed before any run: a dimension *is* a factor if it carries at least 40 % of the factor's
entropy (histograms of 20 bins), at least twice as much of it as of any other factor, and twice as much as any
other dimension carries. The claim holds for a run if slant, thickness and class each have such a dimension; it
holds for a beta if it does in most of its seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaekit import fit, load_data
from vaekit.config.methods import resolve
from vaekit.data import Data
from vaekit.data.picking import chosen
from vaekit.evaluation.factors.disentanglement import (
    Disentanglement,
    disentanglement,
    ica_latents,
    measure_disentanglement,
)
from vaekit.evaluation.factors.factor_table import MOST
from vaekit.inference import encode
from vaekit.metrics import METRICS
from vaekit.models import LatentModel
from vaekit.plots import style
from vaekit.plots.draw import png
from vaekit.plots.factor_maps import SHADES
from vaekit.runs.files import write_json
from vaekit.training.fresh import new_model

CLAIMED = ("slant", "thickness", "class")
SHARE, LEAD = 0.4, 2.0
Entry = tuple[str, Mapping[str, Any]]  # method, options

STUDIES: dict[str, dict[str, Entry]] = {
    "strokes": {f"beta {beta}": ("beta-vae", {"beta": float(beta)}) for beta in (1, 2, 4, 8, 16)},
    "sprites": {
        "VAE": ("vae", {}),
        "beta-VAE": ("beta-vae", {"beta": 4.0}),
        "beta-TCVAE": ("beta-tcvae", {"beta": 6.0}),
        "FactorVAE": ("factor-vae", {"gamma": 30.0}),
        "AE + ICA": ("ae", {"weight_decay": 1e-5}),
    },
}
EPOCHS = {"strokes": 6, "sprites": 4}
SIZES: dict[str, dict[str, Any]] = {  # those of the tables in docs/disentanglement.md, whatever the defaults are
    "strokes": {
        "latent_dim": 10, "network": "mlp", "width": 256, "depth": 1, "learning_rate": 2e-3, "batch_size": 192,
        "likelihood": "bce",
    },
    "sprites": {
        "latent_dim": 10, "network": "mlp", "width": 256, "depth": 1, "learning_rate": 1e-3, "batch_size": 192,
        "likelihood": "bernoulli",
    },
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("results", type=Path)
    parser.add_argument("--epochs", type=int, default=None, help="default: 6 (strokes), 4 (sprites)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--images", type=int, default=None, help="training images (default: all)")
    options = parser.parse_args()
    options.epochs = options.epochs or EPOCHS[options.study]
    found = json.loads(options.results.read_text(encoding="utf-8")) if options.results.exists() else {}
    data = load_data(options.study)
    if options.images is not None:
        data = data.replace(train=chosen(data.train, options.images, 0))
    for seed in options.seeds:
        for name in STUDIES[options.study]:
            key = f"{options.study} {name} epochs {options.epochs} images {len(data.train)} seed {seed}"
            if key not in found:
                found[key] = {"name": name, **trained(options.study, name, data, options.epochs, seed)}
                write_json(options.results, found)
    wanted = f"{options.study} "
    ending = tuple(f"epochs {options.epochs} images {len(data.train)} seed {seed}" for seed in options.seeds)
    rows = [row for key, row in found.items() if key.startswith(wanted) and key.endswith(ending)]
    show(options.study, rows)
    picture = options.results.with_suffix(".png")
    picture.write_bytes(png(maps(options.study, rows)))
    print(f"\n{picture}: how much each dimension carries of each factor, run by run")


def maps(study: str, rows: list[dict[str, Any]]) -> Figure:
    """The matrices of all runs, dimensions sorted by the factor they are most informative about: one row per seed."""
    names = [name for name in STUDIES[study] if any(row["name"] == name for row in rows)]
    runs = [[row for row in rows if row["name"] == name] for name in names]
    count = max(map(len, runs))
    note = f"Rows of a square are dimensions, columns factors: white 0, darkest {SHARE:.0%} of a factor's entropy or more."
    figure = style.chart(
        style.PAGE, 0.5 + 1.5 * count, f"Information of each dimension about each factor: {study}", note
    )
    panels = figure.subplots(count, len(names), squeeze=False)
    for column, own in enumerate(runs):
        for row, run in enumerate(own):
            information, axes = np.array(run["information"]), style.dress(panels[row, column])
            order = np.lexsort((-information.max(1), information.argmax(1)))
            axes.imshow(information[order], cmap=SHADES, vmin=0, vmax=SHARE, aspect="auto")
            axes.set_yticks([])
            last, factors = row == len(own) - 1, run["factors"]
            axes.set_xticks(range(len(factors)), factors if last else [""] * len(factors), rotation=90)
            if row == 0:
                axes.set_title(names[column], **style.text_style())
    return figure


def trained(study: str, name: str, data: Data, epochs: int, seed: int) -> dict[str, Any]:
    """Trains one model and measures it on test images."""
    method, given = STUDIES[study][name]
    settings = resolve(method, {"data": study, "epochs": epochs, "seed": seed}, SIZES[study], given)
    model, objective = new_model(settings, data)
    assert isinstance(model, LatentModel)
    began = time.monotonic()
    history = fit(model, objective, data, progress="none", options=settings.fit)
    seconds = time.monotonic() - began
    result = measured(model, data, ica=method == "ae")
    nats = dict(history.test.figures)
    return {"seconds": round(seconds, 1), "test": nats, **result.as_dict()}


def measured(model: LatentModel, data: Data, ica: bool) -> Disentanglement:
    assert data.factors is not None
    if not ica:
        return measure_disentanglement(model, data.test, data.factors)
    test = chosen(data.test, MOST, 0)
    assert test.factors is not None
    return disentanglement(
        ica_latents(encode(model, test).mean.double().numpy()), test.factors.numpy(), data.factors
    )


def is_factor(information: np.ndarray, k: int) -> int | None:
    """The dimension that is factor k by the rule above, or None."""
    d = int(information[:, k].argmax())
    carried = information[d, k]
    others = max(
        np.delete(information[d], k).max(initial=0.0), np.delete(information[:, k], d).max(initial=0.0)
    )
    return d if carried >= SHARE and carried >= LEAD * others else None


def show(study: str, rows: list[dict[str, Any]]) -> None:
    """The table, as Markdown, and the verdict."""
    columns = [name for name in rows[0] if name in METRICS and all(name in row for row in rows)]
    print("| | " + " | ".join(METRICS[name].label for name in columns) + " | seconds |")
    print("|---" * (len(columns) + 2) + "|")
    for name in STUDIES[study]:
        own = [row for row in rows if row["name"] == name]
        if own:
            cells = [spread([row[column] for row in own]) for column in columns]
            print(
                f"| {name} | "
                + " | ".join(cells)
                + f" | {statistics.median(r['seconds'] for r in own):.0f} |"
            )
    if study == "strokes":
        verdict(rows)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def verdict(rows: list[dict[str, Any]]) -> None:
    """Which dimension is which factor, run by run, and whether the lesson's claim holds."""
    print(
        "\nEach factor: the dimension that is it (share of the factor's entropy it carries), or the best and no"
    )
    for name in STUDIES["strokes"]:
        own = [row for row in rows if row["name"] == name]
        holds = 0
        for number, row in enumerate(own):
            information, factors = np.array(row["information"]), row["factors"]
            cells = []
            for k, factor in enumerate(factors):
                d, best = is_factor(information, k), int(information[:, k].argmax())
                cells.append(f"{factor}: {'' if d is not None else 'no, '}z{best} {information[best, k]:.0%}")
            held = all(is_factor(information, factors.index(factor)) is not None for factor in CLAIMED)
            holds += held
            print(f"{name}, run {number}: {'; '.join(cells)}")
        if own:
            word = "holds" if holds > len(own) / 2 else "does not hold"
            print(f"{name}: the claim (slant, thickness, class) {word}: {holds} of {len(own)} runs")


if __name__ == "__main__":
    main()
