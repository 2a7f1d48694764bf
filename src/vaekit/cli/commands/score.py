"""`vaekit score`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import ScoreOptions
from vaekit.cli.output import Result
from vaekit.cli.places import place_of
from vaekit.cli.spelling import as_typed, examples, listed
from vaekit.metrics import METRICS

AUROC = METRICS["auroc"]


def score(options: ScoreOptions) -> Result:
    """Ranks images by how odd they are: a CSV, a sheet of the oddest, and AUROC where outliers are known."""
    out = place_of("score", options)
    found = vaekit.score(
        options.run,
        options.data,
        split=options.split,
        label=options.label,
        scores=listed(options.scores),
        by=options.by,
        against=options.against,
        odd=listed(options.odd),
        quantile=options.quantile,
        samples=options.samples,
        seed=options.seed,
        precision=options.precision,
        device=options.device,
        out=out,
        count=options.count,
    )
    number, shape = len(found.split), found.split.images.shape[1:]
    values = {"run": options.run, "data": found.source, "images": number, "by": found.by, "out": str(out)}
    lines = [f"{examples(number, shape)} in {out}, oddest first by {found.by}"]
    if found.sheet is not None:
        values["sheet"] = str(found.sheet)
        lines.append(f"the oddest {min(options.count, number)} in {found.sheet}, row by row")
    lines.append(f"oddest: {', '.join(found.oddest(5))}")
    if found.threshold is not None and found.outliers is not None:
        limit, count = found.threshold, int(found.outliers.sum())
        values |= {
            "threshold": limit.score, "quantile": limit.quantile, "validation_images": limit.images, "outliers": count,
        }  # fmt: skip
        lines.append(f"{count:,} above the threshold {limit.score:.6g} (column outlier): {limit.said(shape)}")
    lines += [f"{AUROC.label} {AUROC.text(value)}  {name}" for name, value in found.auroc.items()]
    lines += [f"left out: {name} ({as_typed(reason)})" for name, reason in found.left_out.items()]
    named = {"against": options.against, "odd": options.odd, "auroc": dict(found.auroc) or None}
    values |= {name: value for name, value in named.items() if value is not None}
    return Result(values | {"oddest": found.oddest(10), "left_out": dict(found.left_out)}, lines)
