"""`vaekit search`, `vaekit duplicates`, `vaekit interpolate`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import DuplicatesOptions, InterpolateOptions, SearchOptions
from vaekit.cli.output import Result, aligned
from vaekit.cli.places import place_of
from vaekit.cli.spelling import counted, examples

SHOWN = 20  # pairs; all are in the file


def search(options: SearchOptions) -> Result:
    """Finds the images nearest to one."""
    out = place_of("search", options)
    asked = {"count": options.count, "split": options.split, "label": options.label, "device": options.device}
    found = vaekit.search(options.run, options.image, options.data, out=out, **asked)
    labels = found.labels or [""] * len(found.names)
    rows = [["", "image", "class", "distance"]]
    for place_, (name, label, far) in enumerate(
        zip(found.names, labels, found.distances.tolist(), strict=True), 1
    ):
        rows.append([f"{place_}", name, label, f"{far:.2f}"])
    drawn = [] if found.sheet is None else [f"{found.query}, then these row by row, in {found.sheet}"]
    values = {"run": options.run, **found.as_dict()} | (
        {} if found.sheet is None else {"out": str(found.sheet)}
    )
    return Result(values, [*aligned(rows, right={0, 3}), *drawn])


def duplicates(options: DuplicatesOptions) -> Result:
    """Finds pairs of images that are nearly the same."""
    out = place_of("duplicates", options)
    asked = {"share": options.share, "split": options.split, "label": options.label, "device": options.device}
    found = vaekit.duplicates(options.run, options.data, out=out, **asked)
    pairs = list(zip(found.first, found.second, found.differences.tolist(), found.splits, strict=True))
    lines = [f"{counted(len(pairs), 'pair')} of {found.compared:,} images, in {out}"]
    if pairs:
        rows = [["", a, b, "exact copies" if d == 0 else f"{d:.3g}", s] for a, b, d, s in pairs[:SHOWN]]
        lines += aligned([["", "first", "second", "squared difference", "splits"], *rows], right={3})
    if len(pairs) > SHOWN:
        lines.append(f"and {len(pairs) - SHOWN:,} more, less and less alike")
    values = {"run": options.run, "data": found.source, "images": found.compared, "out": str(out)}
    keys = ("first", "second", "squared_difference", "splits")
    return Result(values | {"pairs": [dict(zip(keys, pair, strict=True)) for pair in pairs]}, lines)


def interpolate(options: InterpolateOptions) -> Result:
    """Walks from one image to another."""
    out = place_of("interpolate", options)
    asked = {"steps": options.steps, "way": options.way, "label": options.label, "device": options.device}
    found = vaekit.interpolate(options.run, options.first, options.last, out=out, **asked)
    text = f"{examples(len(found.images), found.images.shape[1:])} from {' to '.join(found.names)} in {out}"
    return Result(
        {"run": options.run, "out": str(out), "names": found.names, "images": len(found.images)}, text
    )
