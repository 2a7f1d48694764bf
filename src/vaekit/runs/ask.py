"""Asks a run for embeddings, samples, reconstructions. Each is a record, and a file where one is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from vaekit import inference
from vaekit.config.configured import strict
from vaekit.config.methods import PRIORS, find_method
from vaekit.core import DataError, RunError, SettingError, warn_of
from vaekit.data import Data
from vaekit.data.labels import round_robin
from vaekit.data.picking import picked
from vaekit.models import Model
from vaekit.models.capabilities import Encodes, HasPrior, Quantizes, Reconstructs, TakesPrior
from vaekit.models.doors import a_kind, checked_count
from vaekit.runs.answers import Encoded, Reconstructions, Samples
from vaekit.runs.array_files import headings_of
from vaekit.runs.given import data_of, given_examples, given_table
from vaekit.runs.load import Run, load_run
from vaekit.runs.outputs import (
    ARRAY_FILES,
    IMAGE_FILES,
    check_holds,
    check_out,
    usual_file,
    write_arrays,
    write_images,
)
from vaekit.runs.records import read_run_config

COUNT, COLUMNS = 64, 10  # samples, and samples of each class in a grid, where nobody says how many


def run_of(run: Run | str | Path, device: str = "auto") -> Run:
    """A run, loaded onto a device if only its folder is given.

    Raises:
        SettingError: neither.
    """
    if not isinstance(run, Run | str | Path) and not isinstance(getattr(run, "out", None), Path):
        asked = ": ask a model itself, model.embed(x), model.sample(16)" if isinstance(run, Model) else ""
        raise SettingError(
            f"run is {a_kind(run)}; give a run, from load_run or train, or its folder{asked}.", "run"
        )
    return run if isinstance(run, Run) else load_run(run, device=device)


def data_to_show(run: Run, data: object = None, label: str | None = None) -> Data | None:
    """As `data_of`; None, with a warning, where the run's own are gone: its previews are left to look at."""
    try:
        return data_of(run, data, label)
    except (DataError, RunError) as error:
        if data is not None:
            raise
        warn_of([f"only the {len(run.previews)} test images kept with the run are shown: {error}"])
        return None


def usual_out(run: str | Path, stem: str) -> Path:
    """The file for what a run draws if nobody names one: RUN/stem.png, or .csv and .npz for what is no picture.

    Raises:
        RunError: not a run folder.
    """
    about = read_run_config(Path(run)).data
    return Path(run, stem + usual_file(about.shape, about.pixels))


def what_follows(method: str, shape: Sequence[int]) -> list[str]:
    """Commands that fit a trained model: some have no encoder, some no pictures, some nothing yet to draw latents from.

    Args:
        method: key of METHODS.
        shape: of an example; rows, (D,), are no pictures to explore.
    """
    kind = find_method(method).model_class()
    needs_prior = issubclass(kind, TakesPrior) and not issubclass(kind, HasPrior)
    rebuilds = ["reconstruct"] if issubclass(kind, Reconstructs) else []
    explores = ["explore"] if len(shape) == 3 else []
    return [*explores, "figures", *rebuilds, "prior" if needs_prior else "sample"]


@strict
def encode(
    run: Run | str | Path,
    data: object = None,
    *,
    label: str | None = None,
    split: str = "all",
    out: str | Path | None = None,
    device: str = "auto",
) -> Encoded:
    """Encodes examples: posterior means and standard deviations of all latents, or grids of codes.

    Args:
        run: from `load_run`, or its folder.
        data: a data set, or a source as in `Run.load_data`, of one example or more; the run's own by default.
        label: class of images without labels, for a conditional run.
        split: train, validation, test or all.
        out: a file to write too: .npz, .npy (means or codes alone), or a table, .csv or .parquet.
        device: where a folder's model is computed.

    Returns:
        Means and standard deviations of every example, or its codes.

    Raises:
        SettingError: the model has no encoder, or the split holds nothing.

    Example:
        >>> encoded = vaekit.encode(run, split="test", out="codes.csv")
        >>> encoded.embedding.mean.shape
        torch.Size([313, 3])
    """
    if out is not None:
        check_out(Path(out), ARRAY_FILES, data, run=run)
    run = run_of(run, device)
    model = run.model
    if not isinstance(model, Encodes | Quantizes):
        raise SettingError(f"{run.path}: a {run.settings.method} has no encoder.")
    found = data_of(run, data, label)
    chosen = picked(found, split)
    if isinstance(model, Quantizes):
        encoded = Encoded(found.source, chosen, codes=inference.encode_codes(model, chosen))
    else:
        encoded = Encoded(found.source, chosen, inference.encode(model, chosen))
    encoded = replace(encoded, class_names=found.class_names)
    if out is not None:
        write_arrays(Path(out), encoded.arrays(), encoded.class_names, headings_of(run.config.data))
    return encoded


@strict
def sample(
    run: Run | str | Path,
    count: int | None = None,
    *,
    label: str | None = None,
    grid: bool = False,
    temperature: float = 1.0,
    seed: int = 0,
    out: str | Path | None = None,
    device: str = "auto",
) -> Samples:
    """Draws new images.

    Args:
        run: from `load_run`, or its folder.
        count: number of images (64), or with `grid` of each class (10).
        label: the one class to draw, a name or a number; all classes, one after another, by default.
        grid: one row for each class, all from the same draws.
        temperature: standard deviation of z relative to the prior's.
        seed: of the draws.
        out: a file to write too: .png, .npz, .npy, a table (.csv, .parquet), or a folder of PNGs.
        device: where a folder's model is computed.

    Returns:
        The images, and their classes where they were drawn by class.

    Raises:
        SettingError: the model cannot sample, or not by class; a file that cannot hold what it draws; a number out of range.

    Example:
        >>> drawn = vaekit.sample(run, 16, seed=1, out="samples.png")
        >>> drawn.images.shape
        torch.Size([16, 1, 8, 8])
    """
    if out is not None:
        check_out(Path(out), IMAGE_FILES, run=run)
    count = (COLUMNS if grid else COUNT) if count is None else checked_count(count)
    if count < 1:
        raise SettingError(f"count={count}: must be at least 1.")
    if not temperature >= 0:
        raise SettingError(f"temperature={temperature}: must be 0 or more.")
    if grid and label is not None:
        raise SettingError("grid=True draws every class; leave label= away, or grid=True.")
    run = run_of(run, device)
    check_images_come(run)
    if out is not None:
        check_holds(Path(out), run.model.shape, run.model.pixels)
    labels = _labels_to_draw(run, count, label, grid)
    parts = [None] if labels is None else labels.split(count)
    images = [inference.sample(run.model, count, y, seed=seed, temperature=temperature) for y in parts]
    classes = [] if labels is None else [run.classes[number] for number in labels.unique().tolist()]
    drawn = Samples(torch.cat(images), labels, classes)
    if out is not None:
        columns, headings = count if grid else None, headings_of(run.config.data)
        write_images(drawn.images, Path(out), run.model.pixels, labels, columns, run.classes, headings)
    return drawn


def check_images_come(run: Run) -> None:
    """Raises SettingError for a prior, which gives latents and no images."""
    if run.settings.method in PRIORS:
        raise SettingError(
            f"{run.path} is a prior over latents; its images come from the run around it: {run.path.parent}"
        )


def _labels_to_draw(run: Run, count: int, label: str | None, grid: bool) -> Tensor | None:
    """The class of each sample, (count,), or class after class in a grid; None without classes."""
    classes = run.model.sampled_classes
    if label is not None:
        return torch.full((count,), run.class_number(label))
    if grid and not classes:
        raise SettingError(
            f"grid=True: {run.path} was trained without labels ({run.settings.method}); a cvae has."
        )
    if grid:
        return torch.arange(classes).repeat_interleave(count)
    return round_robin(count, classes) if classes else None


@strict
def reconstruct(
    run: Run | str | Path,
    images: object = (),
    *,
    label: str | None = None,
    redraw_as: str | None = None,
    count: int = 32,
    out: str | Path | None = None,
    device: str = "auto",
) -> Reconstructions:
    """Takes images through a run's model and back.

    Args:
        run: from `load_run`, or its folder.
        images: image files or folders of them, or one or more sources as in `Run.load_data`; the run's previews by
            default.
        label: class of the images given, for a conditional run.
        redraw_as: class to decode them under instead.
        count: number of previews, when no images are given.
        out: a file to write too: .png (each image beside its reconstruction), .npz, .npy, a table (.csv, .parquet), or
            a folder of PNGs.
        device: where a folder's model is computed.

    Returns:
        The images, what came back of them, and the squared error of each.

    Raises:
        SettingError: the model has no encoder, no such class, a label is missing, or the file cannot hold the images.
        DataError: a file cannot be used.

    Example:
        >>> back = vaekit.reconstruct(run, images, out="beside.png")
        >>> back.rebuilt.shape, back.squared_errors.shape
        (torch.Size([8, 1, 8, 8]), torch.Size([8]))
    """
    if out is not None:
        check_out(Path(out), IMAGE_FILES, images, run=run)
    if count < 1:
        raise SettingError(f"count={count}: must be at least 1.")
    given = () if isinstance(images, list | tuple) and not len(images) else images
    if label is not None and isinstance(given, tuple) and not given:
        raise SettingError("label= says of which class given images are; the run's previews have their own.")
    run = run_of(run, device)
    model = run.model
    if not isinstance(model, Reconstructs):
        raise SettingError(f"{run.path}: a {run.settings.method} has no encoder, so it reconstructs nothing.")
    if out is not None:
        check_holds(Path(out), model.shape, model.pixels)
    other = None if redraw_as is None else run.class_number(redraw_as, "redraw_as")
    previews = run.previews.take(torch.arange(min(count, len(run.previews))))
    classes, labels, headings = run.class_names, None, headings_of(run.config.data)
    if isinstance(given, tuple) and not given:
        split, labels = previews, previews.labels
    elif headings.columns is not None and (table := given_table(run, given, label)) is not None:
        split, classes = picked(table, "all"), table.class_names
        labels = split.labels
    else:
        split = given_examples(run, given, label)
    rebuilt = inference.reconstruct(model, split, other)
    named = None if other is None else run.classes[other]
    originals = inference.shown_images(model, split)
    errors = inference.squared_errors(originals, rebuilt, model)
    found = Reconstructions(originals, rebuilt, split.names or [], errors, named, model.pixels)
    if out is not None:
        beside = Path(out).suffix.lower() == ".png"
        written = torch.cat([originals, rebuilt], -1) if beside else rebuilt
        named_labels = labels if headings.label is not None and redraw_as is None else None
        write_images(written, Path(out), model.pixels, named_labels, None, classes, headings)
    return found
