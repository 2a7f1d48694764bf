"""Options of data and of training, the settings of a whole run, and the files that hold them. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vaekit.config.fields import Options, option
from vaekit.config.optimizer_parts import OPTIMIZERS, OptimizerPart
from vaekit.config.parts import part
from vaekit.config.recipe_names import shipped
from vaekit.config.run_length import LENGTHS, check_length
from vaekit.config.schedule_parts import SCHEDULES, Schedule
from vaekit.core import SettingError, near_miss, reason
from vaekit.plain_files import plain_file

FORMAT = 1  # of config.json and of recipes; raised when an old reader would misunderstand a new file

NAMED_SETS = ("digits", "mnist", "fashion-mnist", "strokes", "sprites")  # what `vaekit.data.SOURCES` can load


@dataclass(frozen=True)
class DataSettings(Options):
    """The source of the images: the options of `vaekit.load_data`."""

    data: str = option(
        first=True,
        help=f"{', '.join(NAMED_SETS)}, a folder or archive (.zip, .tar) of images, or a .npy, .npz, .csv or .parquet file",
    )
    data_dir: str | None = option(
        None,
        help="folder with the files of named sets (in a subfolder of that name); else $VAEKIT_DATA, else a cache",
    )
    image_size: str | None = option(
        None, first=True, help="bring all images to this size: 64, or 48x64 for height x width (pixels)"
    )
    fit: Literal["crop", "pad"] = option(
        "crop",
        help="how other aspect ratios reach the image size: cut off the longer side, or pad the shorter",
    )
    layout: Literal["auto", "NHW", "NCHW", "NHWC", "ND"] = option(
        "auto", help="order of the axes of an array"
    )
    images_key: str | None = option(
        None, help="name of the images in a .npz (default: by the names there, images or x_train, say)"
    )
    labels_key: str | None = option(
        None,
        help="name of the labels in a .npz, or their column in a table (default: by the names there)",
    )
    pixels: Literal["auto", "binary", "8-bit", "unit", "real"] = option(
        "auto",
        help="what the values are: 0/1, 0..255, continuous in [0, 1], or any real number (features; standardised for the model)",
    )
    white: float | None = option(
        None,
        above=0,
        help="value of white in image files of more than 8 bits: 4095 of 12-bit cameras, say "
        "(default: 65535, or what else their numbers go to; 1 of floats)",
    )
    binarize: Literal["none", "dynamic", "static"] = option(
        "none", help="grey to binary: a new draw every time (dynamic) or one fixed draw (static)"
    )
    validation: float | None = option(
        None,
        at_least=0,
        below=1,
        help="share of the training images kept for validation; 0 trains on all of them "
        "(default: a twelfth; of few images 16, but never more than a quarter)",
    )


@dataclass(frozen=True)
class CodesSettings(Options):
    """The run whose latents a prior is fitted to: the options of `vaekit.training.priors.load_codes`."""

    data: str = option(help="folder of a trained run")
    encoded_on: str = option("cpu", help="device on which the latents were made, and are made again")


@dataclass(frozen=True)
class FitSettings(Options):
    """Options of `vaekit.fit`."""

    epochs: int | None = option(
        None,
        at_least=1,
        first=True,
        help="length in passes over the training images (no length given: by the number of images)",
    )
    steps: int | None = option(None, at_least=1, first=True, help="length in steps instead")
    budget: str | None = option(
        None,
        first=True,
        help="length as a time on this machine instead: 90s, 3min, 1h; becomes steps, by timing 50, before training begins",
    )
    batch_size: int | None = option(
        None, at_least=1, first=True, help="images per step (none given: by the number of images)"
    )
    flip: bool = option(
        False,
        help="mirror each training image left-right with probability 1/2, anew in every epoch; not for digits or text",
    )
    optimizer: OptimizerPart = part(
        OPTIMIZERS,
        "adam",
        words=(),
        help="update rule; muon is for matrices, such as those of a code prior, and leaves the rest to adamw",
    )
    learning_rate: float | None = option(
        None, above=0, first=True, help="peak learning rate (none given: by shape and batch size)"
    )
    schedule: Schedule = part(
        SCHEDULES, "linear", words=(), help="how the learning rate falls to 0 over the run, or constant"
    )
    clip: float = option(
        1000.0, at_least=0, help="largest norm of the gradient (mean loss in nats per image); 0 does not clip"
    )
    average: float = option(
        0.0,
        at_least=0,
        below=1,
        help="decay per step of averaged weights (0.999, say), used for validation and afterwards; 0 averages nothing",
    )
    weights: Literal["best", "last"] = option(
        "best", help="which weights to keep: best on validation (if there is any), or the last"
    )
    patience: int = option(
        0,
        at_least=0,
        help="stop after this many validations (one per epoch; with steps or a budget at least 50 steps apart) without a "
        "better value; 0 never stops early",
    )
    checkpoint_seconds: float = option(
        15.0,
        at_least=0,
        help="time between resumable states: what a crash can cost; the weights are bit for bit the same",
    )
    seed: int = option(0, at_least=0, first=True, help="seed of weights, order and noise; never of the split")
    device: str = option("auto", help="auto, cpu, cuda or mps")
    precision: Literal["auto", "fp32", "bf16"] = option(
        "auto", help="arithmetic of the networks; likelihoods and KL are always fp32"
    )
    log: Literal["none", "tensorboard", "trackio"] = option(
        "none",
        help="copy metrics and pictures into the log of a program that shows them: RUN/tensorboard, or Trackio's own place",
    )
    deterministic: bool = option(
        False, help="on CUDA: only deterministic kernels, so that resuming is exact to the bit"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_length(self.length)

    @property
    def length(self) -> dict[str, Any]:
        """Returns the length that is given, by its name; empty where none is."""
        return {name: getattr(self, name) for name in LENGTHS if getattr(self, name) is not None}


@dataclass(frozen=True)
class Settings:
    """The resolved settings of one run: a method's name and one section of each kind.

    Attributes:
        given: names of the options that somebody gave; the others are defaults, in whose place the data may decide.
    """

    method: str
    data: Any
    model: Any
    objective: Any
    fit: FitSettings
    given: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def sections(self) -> tuple[Options, ...]:
        return self.data, self.model, self.objective, self.fit

    def flat(self) -> dict[str, Any]:
        """All options in one dict, in the order of the sections, those of the parts beside their names."""
        values: dict[str, Any] = {"method": self.method}
        for section in self.sections:
            values |= section.flat()
        return values


def only_given(settings: Settings) -> dict[str, Any]:
    """The options that somebody gave, flat, beside the method."""
    return {name: value for name, value in settings.flat().items() if name in {"method", *settings.given}}


def read_config(path: str) -> dict[str, Any]:
    """Flat options from a recipe, from a run's `config.json`, or from a plain dict of options; a recipe that comes with
    vaekit can be given by its name.

    Raises:
        SettingError: the file is missing, not JSON, not an object, or of a newer format.
    """
    where = f"config {path}"
    try:
        with open(plain_file(Path(shipped().get(path, path))), encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        raise SettingError(f"{where}: no such file.{near_miss(path, shipped())}", "config") from None
    except IsADirectoryError:
        raise SettingError(f"{where}: a folder; options of a run are in its config.json.", "config") from None
    except Exception as error:  # not only no JSON: nested too deeply, or numbers of too many digits
        raise SettingError(f"{where}: cannot be read as JSON ({reason(error)}).", "config") from None
    if not isinstance(content, dict):
        raise SettingError(f"{where}: must hold one JSON object of options.", "config")
    check_format(content, where)
    if "settings" in content:
        content = content["settings"]
        if not isinstance(content, dict):
            raise SettingError(f"{where}: 'settings' must be a JSON object of options.", "config")
    return {key: value for key, value in content.items() if key != "format"}


def check_format(content: Mapping[str, Any], where: str) -> None:
    """Raises SettingError when a file was written by a newer vaekit."""
    number = content.get("format", FORMAT)
    if not isinstance(number, int) or number > FORMAT:
        raise SettingError(
            f"{where}: format {number!r} is newer than this vaekit reads ({FORMAT}); update vaekit."
        )
