"""`vaekit sample` and `vaekit reconstruct`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import ReconstructOptions, SampleOptions
from vaekit.cli.output import Result
from vaekit.cli.places import place_of
from vaekit.cli.spelling import counted, examples
from vaekit.metrics import METRICS

MSE = METRICS["mse"]


def sample(options: SampleOptions) -> Result:
    """Draws images from a run's prior: of one class, of all in turn, or a grid of them."""
    out = place_of("sample", options)
    drawn = vaekit.sample(
        options.run,
        options.count,
        label=options.label,
        grid=options.grid,
        temperature=options.temperature,
        seed=options.seed,
        out=out,
        device=options.device,
    )
    count, classes, what = len(drawn.images), drawn.classes, counted(len(drawn.images), "sample")
    values = {"run": options.run, "out": str(out), "images": count, "seed": options.seed}
    if drawn.labels is None:
        return Result(values, f"{what} in {out}")
    if options.grid:
        what = f"grid of {counted(count // len(classes), 'sample')} for each of {len(classes)} classes"
    else:
        what += ", classes in turn," if options.label is None else f" of class {classes[0]}"
    return Result(values | {"classes": classes}, f"{what} in {out}")


def reconstruct(options: ReconstructOptions) -> Result:
    """Images beside their reconstructions, from files or from the run's own previews."""
    out = place_of("reconstruct", options)
    found = vaekit.reconstruct(
        options.run,
        options.images,
        label=options.label,
        redraw_as=options.redraw_as,
        count=options.count,
        out=out,
        device=options.device,
    )
    error, count = found.squared_errors.mean().item(), len(found.rebuilt)
    values = {"run": options.run, "out": str(out), "images": count, "names": found.names}
    kind = f"itself redrawn as {found.redrawn_as}" if found.redrawn_as else "its reconstruction"
    what = f"each image with {kind} at its right" if out.suffix.lower() == ".png" else "reconstructions"
    units = ", in standard units" if found.pixels == "real" else ""
    text = f"{examples(count, found.rebuilt.shape[1:])} in {out}: {what}"
    if not found.redrawn_as:  # another class is not meant to be like the image
        text += f"; {MSE.label} {MSE.text(error)} {MSE.unit}{units}"
    return Result(values | {"mean_squared_error": error}, text)
