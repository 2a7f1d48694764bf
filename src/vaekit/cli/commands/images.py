"""`vaekit sample` and `vaekit reconstruct`."""

from __future__ import annotations

from pathlib import Path

from vaekit.cli.command_options import ReconstructOptions, SampleOptions
from vaekit.cli.output import Result
from vaekit.metrics import METRICS

MSE = METRICS["mse"]


def sample(options: SampleOptions) -> Result:
    """Draws images from a run's prior: of one class, of all in turn, or a grid of them."""
    from vaekit.runs import ask

    out = Path(options.run, "samples.png") if options.out is None else Path(options.out)
    run = ask.run_of(options.run, options.device)
    drawn = ask.sample(
        run,
        options.count,
        label=options.label,
        grid=options.grid,
        temperature=options.temperature,
        seed=options.seed,
        out=out,
    )
    values = {"run": options.run, "out": str(out), "images": len(drawn.images), "seed": options.seed}
    if drawn.labels is None:
        return Result(values, f"{len(drawn.images)} samples in {out}")
    classes = [run.classes[i] for i in drawn.labels.unique().tolist()]
    how = ", classes in turn," if options.label is None else f" of class {classes[0]}"
    what = f"{len(drawn.images)} samples{how}"
    if options.grid:
        each = len(drawn.images) // len(classes)
        what = f"grid of {each} samples for each of {len(classes)} classes"
    return Result(values | {"classes": classes}, f"{what} in {out}")


def reconstruct(options: ReconstructOptions) -> Result:
    """Images beside their reconstructions, from files or from the run's own previews."""
    from vaekit.runs import ask

    out = Path(options.run, "reconstructions.png") if options.out is None else Path(options.out)
    run = ask.run_of(options.run, options.device)
    found = ask.reconstruct(
        run,
        options.images,
        label=options.label,
        redraw_as=options.redraw_as,
        count=options.count,
        out=out,
    )
    error, count = found.squared_errors.mean().item(), len(found.rebuilt)
    values = {"run": options.run, "out": str(out), "images": count, "names": found.names}
    what = "reconstructions"
    if out.suffix.lower() == ".png" and found.rebuilt.ndim == 4:
        as_class = options.redraw_as and run.classes[run.class_number(options.redraw_as, "redraw_as")]
        kind = f"itself as {as_class}" if as_class else "its reconstruction"
        what = f"each image with {kind} at its right"
    text = f"{count} images in {out}: {what}; {MSE.label} {MSE.text(error)} {MSE.unit}"
    return Result(values | {"mean_squared_error": error}, text)
