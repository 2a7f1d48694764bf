"""`vaekit sample` and `vaekit reconstruct`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaekit.commands.options import ReconstructOptions, SampleOptions
from vaekit.commands.output import Result, check_out, note, write_images
from vaekit.core import DataError, SettingError

if TYPE_CHECKING:
    from torch import Tensor

    from vaekit.runs import Run

SUFFIXES = (".png", ".npz", "")
BATCH = 512  # images decoded at a time


def sample(options: SampleOptions) -> Result:
    """Draws images from a run's prior."""
    out = Path(options.out) if options.out is not None else Path(options.run) / "samples.png"
    check_out(out, SUFFIXES)
    if options.count < 1:
        raise SettingError(f"--count must be at least 1, not {options.count}.")
    if not options.temperature >= 0:
        raise SettingError(f"--temperature must be 0 or more, not {options.temperature}.")
    import torch

    from vaekit.runs import load_run

    run = load_run(options.run, device=options.device)
    check_images_come(run)
    generator = torch.Generator().manual_seed(options.seed)
    sizes = [min(BATCH, options.count - start) for start in range(0, options.count, BATCH)]
    drawn = [run.model.sample(n, temperature=options.temperature, generator=generator).cpu() for n in sizes]
    write_images(torch.cat(drawn), out)
    values = {"run": options.run, "out": str(out), "images": options.count, "seed": options.seed}
    return Result(values, f"{options.count} samples in {out}")


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
    from vaekit.models import Autoencoder
    from vaekit.runs import load_run

    run = load_run(options.run, device=options.device)
    if not isinstance(run.model, Autoencoder):
        raise SettingError(
            f"{options.run}: a {run.settings.method} has no encoder, so it reconstructs nothing."
        )
    if options.images:
        stored, names = read_images([Path(path) for path in options.images], run)
    else:
        stored = run.previews.images[: options.count]
        names = (run.previews.names or [])[: options.count]
    originals = to_unit(stored)
    rebuilt = torch.cat([run.model.reconstruct(x).cpu() for x in originals.split(BATCH)])
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
    what = "each image with its reconstruction at its right" if pictures else "reconstructions"
    return Result(
        values, f"{len(stored)} images in {out}: {what}; mean squared error {errors.mean():.4f} a pixel"
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

    from vaekit.data import images as files

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
    from vaekit.data.folder import scan
    from vaekit.data.images import SUFFIXES as KNOWN

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
