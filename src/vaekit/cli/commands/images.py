"""`vaekit sample` and `vaekit reconstruct`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaekit.cli.command_options import ReconstructOptions, SampleOptions
from vaekit.cli.output import Result, check_out, note, write_images
from vaekit.core import DataError, SettingError
from vaekit.metrics import METRICS

if TYPE_CHECKING:
    from torch import Tensor

    from vaekit.runs.load import Run

SUFFIXES = (".png", ".npz", "")

BATCH = 512  # images decoded at a time

COUNT, COLUMNS = 64, 10  # samples, and samples of each class in a grid, where nobody says how many


def sample(options: SampleOptions) -> Result:
    """Draws images from a run's prior: of one class, of all in turn, or a grid of them."""
    out = Path(options.out) if options.out is not None else Path(options.run) / "samples.png"
    check_out(out, SUFFIXES)
    count = (COLUMNS if options.grid else COUNT) if options.count is None else options.count
    if count < 1:
        raise SettingError(f"--count must be at least 1, not {count}.")
    if not options.temperature >= 0:
        raise SettingError(f"--temperature must be 0 or more, not {options.temperature}.")
    if options.grid and options.label is not None:
        raise SettingError("--grid draws every class; leave --label away, or --grid.")
    import torch

    from vaekit.data.labels import in_turn
    from vaekit.runs.load import load_run

    run = load_run(options.run, device=options.device)
    check_images_come(run)
    labels, what = None, f"{count} samples"
    if options.grid:
        labels, what = (
            grid_labels(run, count),
            f"grid of {count} samples for each of {run.model.sampled_classes} classes",
        )
    elif options.label is not None:
        labels = torch.full((count,), run.class_number(options.label))
        what += f" of class {run.classes[int(labels[0])]}"
    elif run.model.sampled_classes:
        labels, what = in_turn(count, run.model.sampled_classes), f"{what}, classes in turn,"
    images = draw(run, count, labels, options)
    write_images(images, out, labels, columns=count if options.grid else None)
    values = {"run": options.run, "out": str(out), "images": len(images), "seed": options.seed}
    if labels is not None:
        values |= {"classes": [run.classes[i] for i in labels.unique().tolist()]}
    return Result(values, f"{what} in {out}")


def grid_labels(run: Run, columns: int) -> Tensor:
    """Labels of a grid, class after class: (classes * columns,)."""
    import torch

    if not run.model.sampled_classes:
        raise SettingError(
            f"--grid: {run.path} was trained without labels ({run.settings.method}); a cvae has."
        )
    return torch.arange(run.model.sampled_classes).repeat_interleave(columns)


def draw(run: Run, count: int, labels: Tensor | None, options: SampleOptions) -> Tensor:
    """Samples with these labels; every `count` of them come from the same draws of z."""
    import torch

    drawn = []
    for y in [None] if labels is None else labels.split(count):
        generator = torch.Generator().manual_seed(options.seed)
        for start in range(0, count, BATCH):
            part = None if y is None else y[start : start + BATCH]
            size = min(BATCH, count - start)
            images = run.model.sample(size, part, temperature=options.temperature, generator=generator)
            drawn.append(images.cpu())
    return torch.cat(drawn)


def check_images_come(run: Run) -> None:
    """Raises SettingError for a prior, which gives codes and no images."""
    from vaekit.models import CodeDensity

    if isinstance(run.model, CodeDensity):
        raise SettingError(
            f"{run.path} is a prior over codes; its images come from the run around it: {run.path.parent}"
        )


def reconstruct(options: ReconstructOptions) -> Result:
    """Images beside their reconstructions, from files or from the run's own previews."""
    out = Path(options.out) if options.out is not None else Path(options.run) / "reconstructions.png"
    check_out(out, SUFFIXES)
    if options.count < 1:
        raise SettingError(f"--count must be at least 1, not {options.count}.")
    import torch

    from vaekit.data import to_unit
    from vaekit.data.labels import in_batches
    from vaekit.models import Autoencoder
    from vaekit.runs.load import load_run

    run = load_run(options.run, device=options.device)
    if not isinstance(run.model, Autoencoder):
        raise SettingError(
            f"{options.run}: a {run.settings.method} has no encoder, so it reconstructs nothing."
        )
    if options.label is not None and not options.images:
        raise SettingError("--label says of which class given images are; the run's previews have their own.")
    label, other = (
        None if word is None else run.class_number(word, option)
        for word, option in ((options.label, "label"), (options.redraw_as, "redraw_as"))
    )
    if options.images:
        if run.model.classes and label is None:
            raise SettingError(
                f"{options.run} is told the class of each image; say of which these are: --label NAME "
                f"({', '.join(run.classes[:10])}{', ...' * (len(run.classes) > 10)})."
            )
        stored, names = read_images([Path(path) for path in options.images], run)
        labels = None if label is None else torch.full((len(stored),), label)
    else:
        few = run.previews.take(torch.arange(min(options.count, len(run.previews))))
        stored, names, labels = few.images, few.names or [], few.labels
    originals = to_unit(stored)
    rebuilt = torch.cat(
        [
            run.model.reconstruct(
                x, y, redraw_as=None if other is None else torch.full((len(x),), other)
            ).cpu()
            for x, y in in_batches(originals, labels, BATCH)
        ]
    )
    errors = (rebuilt - originals).square().flatten(1).mean(1)
    pictures = out.suffix.lower() == ".png" and originals.ndim == 4
    write_images(torch.cat([originals, rebuilt], dim=-1) if pictures else rebuilt, out)
    values = {
        "run": options.run,
        "out": str(out),
        "images": len(stored),
        "names": names,
        "mean_squared_error": errors.mean().item(),
    }
    kind = "its reconstruction" if other is None else f"itself as {run.classes[other]}"
    mse = METRICS["mse"]
    what = f"each image with {kind} at its right" if pictures else "reconstructions"
    return Result(
        values,
        f"{len(stored)} images in {out}: {what}; {mse.label} {mse.text(values['mean_squared_error'])} {mse.unit}",
    )


def read_images(paths: Sequence[Path], run: Run) -> tuple[Tensor, list[str]]:
    """Image files, and those in folders, brought to the size and the channels of a run's images.

    Returns:
        (N, C, H, W) uint8, and a name each.

    Raises:
        DataError: a path is missing or no image, a file is damaged, or the run is not one of images.
    """
    import numpy as np
    import torch

    from vaekit.data.formats import picture_files as files

    shape = run.config["data"]["shape"]
    if len(shape) != 3 or shape[0] not in files.COLOURS or run.config["data"]["pixels"] == "real":
        raise DataError(f"{run.path} was trained on {shape}, not on pictures; leave the image files away.")
    found = [file for path in paths for file in _image_files(path)]
    bad: list[files.Bad] = []
    headers = list(files.good(files.parallel(files.probe, found), bad))
    plan = files.Plan((shape[1], shape[2]), run.settings.data.fit, shape[0])
    decoded = list(files.good(files.parallel(lambda header: files.decode(header, plan), headers), bad))
    if bad:
        raise DataError(f"{bad[0].path} cannot be read as an image: {bad[0].reason}.")
    for line in files.conversions(headers, plan):
        note(line)
    if other := sum(header.size != plan.size for header in headers):
        note(
            f"{other} image{'s' * (other != 1)} brought to the run's {shape[1]}x{shape[2]} pixels ({plan.fit})"
        )
    pixels = np.stack([image.pixels for image in decoded])
    return torch.from_numpy(pixels), [str(header.path) for header in headers]


def _image_files(path: Path) -> list[Path]:
    from vaekit.data.formats.folder import scan
    from vaekit.data.formats.picture_files import SUFFIXES as KNOWN

    if path.is_dir():
        listed, notes = scan(path)
        if not listed:
            raise DataError(f"{path}: no images in this folder.")
        for line in notes:
            note(line)
        return [path / name for name in listed]
    if not path.is_file():
        raise DataError(f"{path}: no such image file or folder.")
    if path.suffix.lower() not in KNOWN:
        raise DataError(f"{path} is not an image file; known endings: {' '.join(sorted(KNOWN))}.")
    return [path]
