"""`vaekit score`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.cli.command_options import ScoreOptions
from vaekit.cli.commands.encode import SPLITS, in_order
from vaekit.cli.commands.evaluate import shown
from vaekit.cli.output import Result, check_out, note, write_images
from vaekit.core import DataError, RunError, SettingError, choose
from vaekit.metrics import METRICS

if TYPE_CHECKING:
    from torch import Tensor

    from vaekit.data import Data, Split
    from vaekit.runs.load import Run
AUROC = METRICS["auroc"]


def score(options: ScoreOptions) -> Result:
    """How odd each image is: a CSV with the oddest first, a sheet of these, and AUROC where outliers are known."""
    out = Path(options.out) if options.out is not None else Path(options.run) / "scores.csv"
    check_out(out, (".csv",))
    choose(options.split, SPLITS, "--split")
    for name in ("samples", "count"):
        if getattr(options, name) < 1:
            raise SettingError(f"--{name} must be at least 1, not {getattr(options, name)}.")
    if options.against is not None and options.odd is not None:
        raise SettingError("--against and --odd both say what the outliers are; give one of them.")
    import torch

    from vaekit.data import to_unit
    from vaekit.evaluation.evaluate import is_binarised
    from vaekit.evaluation.outliers import DEFAULT, SCORES, aurocs, score_images
    from vaekit.models import LatentModel
    from vaekit.runs.load import load_run

    wanted = options.scores.split(",") if options.scores else None
    for name in [*(wanted or []), options.by or DEFAULT]:
        choose(name, SCORES, "score")
    run = load_run(options.run, device=options.device)
    if not isinstance(run.model, LatentModel):
        raise SettingError(f"{options.run}: a {run.settings.method} has no encoder, so it scores nothing.")
    model = run.model
    data = run.load_data(options.data, options.label)
    other = None if options.against is None else run.load_data(options.against, options.label)
    for source in (data if options.data is not None else None, other):
        for line in source.notes if source is not None else []:
            note(line)
    split = picked(data, options.split)
    outliers = None if options.odd is None else odd_ones(split, data, options.odd)
    train = training_images(run, data if options.data is None else None)
    common: dict[str, Any] = {"scores": wanted, "samples": options.samples, "seed": options.seed}
    with shown() as tell:
        common |= {"precision": options.precision, "tell": tell}
        scores, left_out = score_images(model, split, train, dynamic=is_binarised(model, data), **common)
        if other is not None:
            against, _ = score_images(
                model, picked(other, options.split), train, dynamic=is_binarised(model, other), **common
            )
    by = options.by or (DEFAULT if DEFAULT in scores else next(iter(scores)))
    if by not in scores:
        raise SettingError(f"--by {by}: that score was not computed; add it to --scores.")
    order = torch.argsort(scores[by], descending=True, stable=True)
    names = split.names or [str(number) for number in range(len(split))]
    write_scores(out, names, split, data, scores, order)
    values: dict[str, Any] = {
        "run": options.run,
        "data": data.source,
        "images": len(split),
        "by": by,
        "out": str(out),
    }
    lines = [f"{len(split):,} images in {out}, oddest first by {by}"]
    if split.images.ndim == 4:
        sheet = out.with_suffix(".png")
        write_images(to_unit(split.images[order[: options.count]]), sheet)
        values["sheet"] = str(sheet)
        lines.append(f"the oddest {min(options.count, len(split))} in {sheet}, row by row")
    worst = [names[i] for i in order[:10].tolist()]
    values["oddest"] = worst
    lines.append(f"oddest: {', '.join(worst[:5])}")
    if other is not None:
        values["against"], values["auroc"] = other.source, aurocs(scores, against)
    elif outliers is not None:
        usual, odd = ({n: s[mask] for n, s in scores.items()} for mask in (~outliers, outliers))
        values["odd"], values["auroc"] = options.odd, aurocs(usual, odd)
    lines += [f"{AUROC.label} {AUROC.text(value)}  {name}" for name, value in values.get("auroc", {}).items()]
    values["left_out"] = left_out
    lines += [f"left out: {name} ({reason})" for name, reason in left_out.items()]
    return Result(values, "\n".join(lines))


def picked(data: Data, name: str) -> Split:
    """The images of a split, or all of them.

    Raises:
        SettingError: there are none.
    """
    split = in_order(data) if name == "all" else data.splits[name]
    if len(split) == 0:
        raise SettingError(f"--split {name} of {data.source} holds no images.")
    return split


def odd_ones(split: Split, data: Data, classes: str) -> Tensor:
    """Mask (N,) of the images whose class is among some names, with commas between them.

    Raises:
        SettingError: no labels, an unknown class, or nothing left on one side.
    """
    import torch

    if split.labels is None or data.class_names is None:
        raise SettingError(f"--odd {classes}: {data.source} has no labels.")
    wanted = [name.strip() for name in classes.split(",")]
    for name in wanted:
        choose(name, data.class_names, "class")
    mask = torch.isin(split.labels, torch.tensor([data.class_names.index(name) for name in wanted]))
    if not mask.any() or mask.all():
        raise SettingError(f"--odd {classes}: needs images of these classes and of others.")
    return mask


def training_images(run: Run, data: Data | None) -> Split | None:
    """The images that a run was trained on, or None, with a note, where they are gone."""
    try:
        return (run.load_data() if data is None else data).train
    except (DataError, RunError) as error:
        note(f"no latent distance: {error}")
        return None


def write_scores(
    out: Path, names: list[str], split: Split, data: Data, scores: Mapping[str, Tensor], order: Tensor
) -> None:
    """A line an image: name, label where there is one, and its scores.

    Raises:
        RunError: it cannot be written; nothing is left behind.
    """
    from vaekit.runs.files import write_atomic, writing

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    labelled = split.labels is not None and data.class_names is not None
    writer.writerow(["name", *(["label"] if labelled else []), *scores])
    columns = [values.tolist() for values in scores.values()]
    for i in order.tolist():
        label = [data.class_names[int(split.labels[i])]] if labelled else []  # type: ignore[index]
        writer.writerow([names[i], *label, *(f"{column[i]:.6g}" for column in columns)])
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(out, text.getvalue().encode("utf-8"))
