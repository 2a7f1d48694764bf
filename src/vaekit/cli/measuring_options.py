"""Options of the commands that measure finished runs and single images. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vaekit.cli.common_options import OTHERWISE, Common, RunOptions, SourceRunOptions
from vaekit.config.fields import option, same
from vaekit.config.foreign_options import ForeignFiles
from vaekit.config.options import FitSettings


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(ForeignFiles, SourceRunOptions):
    """The measures to take, and their effort; or the networks of an autoencoder that is no run."""

    run: str | None = option(
        None, first=True, help="folder of a trained run; or give --encoder and --decoder", positional=True
    )
    data: str | None = option(
        None,
        first=True,
        help="a source as in `train` (default: the run's own; only then is summary.json written)",
    )
    samples: int = option(5000, at_least=1, first=True, help="K of the importance-weighted bound")
    images: int | None = option(
        None, at_least=1, first=True, help="test images for the likelihood, drawn at random (default: all)"
    )
    jackknife: bool = option(False, help="also the bound without its bias of order 1/K")
    annealed: int = option(
        0,
        at_least=0,
        first=True,
        help="test images on which annealed importance sampling checks the bound; 100 take minutes",
    )
    sandwich: int = option(
        0,
        at_least=0,
        first=True,
        help="images to draw from the model, whose log p(x) annealed chains bound from both sides",
    )
    chains: int = option(16, at_least=1, help="annealed chains for each image")
    temperatures: int = option(500, at_least=1, help="steps of the path of annealed chains")
    leapfrog: int = option(2, at_least=1, help="steps of each trajectory of annealed chains")
    features: str | None = option(
        None,
        first=True,
        help="in which samples are compared with test images: a name, or a file of `vaekit features` "
        "(default: mnist_v1 for MNIST, else principal components)",
    )
    skip_quality: bool = option(False, first=True, help="leave out the quality of samples")
    disentanglement: Literal["auto", "yes", "no"] = option(
        "auto",
        help="measure how latents follow the factors that images were made from: where they are known, or yes, or no",
    )
    precision: Literal["auto", "fp32", "bf16"] = same(FitSettings, "precision")
    seed: int = option(0, at_least=0, first=True, help="seed of all draws")


@dataclass(frozen=True, kw_only=True)
class CardsOptions(Common):
    """The cards to compare."""

    cards: tuple[str, ...] = option(
        (), help="files of cards, two or more; the others are compared with the first", positional=True
    )


@dataclass(frozen=True, kw_only=True)
class SearchOptions(SourceRunOptions):
    """The image to search for, and where."""

    image: str = option(help="image file", positional=True)
    count: int = option(15, at_least=1, help="number of images to find")
    split: str = option("all", help="train, validation, test or all of what is searched")
    out: str | None = option(
        None, help=".png: the image, then the nearest row by row (default: RUN/neighbours-IMAGE.png)"
    )


@dataclass(frozen=True, kw_only=True)
class DuplicatesOptions(SourceRunOptions):
    """The images to compare, and how alike they must be."""

    share: float = option(
        0.25,
        at_least=0,
        help="a pair is nearly the same below this share of the model's own squared error; 0 for exact copies alone",
    )
    split: str = option("all", help="train, validation, test or all")
    out: str | None = option(
        None,
        help=f".csv, one line for each pair (default: RUN/duplicates.csv{OTHERWISE})",
    )


@dataclass(frozen=True, kw_only=True)
class InterpolateOptions(RunOptions):
    """The two images, and the way between them."""

    first: str = option(help="image file", positional=True)
    last: str = option(help="image file", positional=True)
    steps: int = option(10, at_least=2, help="images on the way, both ends among them")
    way: Literal["spherical", "linear"] = option(
        "spherical", help="spherical keeps the length that draws of the prior have; linear goes straight"
    )
    label: str | None = option(
        None, help="class under which a conditional run decodes: a name, or else a number from 0"
    )
    out: str | None = option(
        None,
        help=".png (the first image, the way, the last), .npz, .npy, .csv, .parquet, or a folder (default: "
        "RUN/interpolation-FIRST-LAST.png, of rows .csv, of other real values .npz)",
    )


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(SourceRunOptions):
    """The images to score, the score, and the file it goes to."""

    split: str = option("all", first=True, help="train, validation, test or all")
    scores: str | None = option(
        None,
        first=True,
        help="names of scores, with commas between them (default: all that the model allows)",
    )
    by: str | None = option(
        None, first=True, help="the score by which images are put in order (default: likelihood_regret_nats)"
    )
    against: str | None = option(
        None, first=True, help="a second source, of outliers: AUROC of each score, the same split of both"
    )
    odd: str | None = option(
        None, first=True, help="classes that are outliers, with commas between them: AUROC of each score"
    )
    quantile: float = option(
        0.99,
        above=0,
        below=1,
        help="an image is an outlier above this quantile of the scores of the run's own validation images",
    )
    samples: int = option(64, at_least=1, help="K of the importance-weighted bound")
    count: int = option(64, at_least=1, help="images on the contact sheet")
    out: str | None = option(
        None,
        help=f".csv, with the contact sheet as .png beside it (default: RUN/scores.csv{OTHERWISE})",
    )
    precision: Literal["auto", "fp32", "bf16"] = same(FitSettings, "precision")
    seed: int = option(0, at_least=0, help="seed of all draws")
