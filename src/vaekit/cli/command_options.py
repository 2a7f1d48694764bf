"""Options of every command but those that a method brings (`vaekit.config.options`). Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vaekit.cli.coding_options import CompressOptions as CompressOptions
from vaekit.cli.coding_options import DecompressOptions as DecompressOptions
from vaekit.cli.common_options import OTHERWISE, Common, RunOptions, SourceRunOptions
from vaekit.cli.measuring_options import CardsOptions as CardsOptions
from vaekit.cli.measuring_options import DuplicatesOptions as DuplicatesOptions
from vaekit.cli.measuring_options import EvaluateOptions as EvaluateOptions
from vaekit.cli.measuring_options import InterpolateOptions as InterpolateOptions
from vaekit.cli.measuring_options import ScoreOptions as ScoreOptions
from vaekit.cli.measuring_options import SearchOptions as SearchOptions
from vaekit.config.compare_options import CompareSettings
from vaekit.config.fields import field_of, option, rule_of, same
from vaekit.config.likelihood_parts import LikelihoodPart
from vaekit.config.network_parts import NetworkPart
from vaekit.config.options import DataSettings, FitSettings
from vaekit.config.parts import Undecided
from vaekit.config.reproduce_options import ReproduceSettings


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Common):
    """The folder of the run, and the file of its options."""

    out: str | None = option(
        None, first=True, help="run folder, which must not exist yet (default: runs/METHOD-SOURCE-N)"
    )
    config: str | None = option(
        None,
        first=True,
        help="JSON file of options: a recipe, by its name too, or the config.json of a run; options of the command line win",
    )
    start: str | None = option(
        None,
        first=True,
        help="folder of a run whose weights training begins with, on these data; options of the model are that run's "
        "unless given",
    )


@dataclass(frozen=True, kw_only=True)
class SweepOptions(Common):
    """The values to combine, and the folder."""

    grid: tuple[str, ...] = option(
        (), first=True, help="values of options, beta=1,4 latent_dim=5,10 say, all of which are combined"
    )
    seeds: int = option(1, at_least=1, first=True, help="runs of each combination, with seeds from --seed on")
    out: str = option(first=True, help="folder, new or of this very sweep, which is resumed")
    config: str | None = same(TrainOptions, "config")


@dataclass(frozen=True, kw_only=True)
class DemoOptions(Common):
    """The folder of the demonstration."""

    out: str | None = option(None, help="run folder, which must not exist yet (default: runs/demo-strokes-N)")
    seed: int = same(FitSettings, "seed")


@dataclass(frozen=True, kw_only=True)
class ResumeOptions(Common):
    """The run to resume."""

    run: str = option(help="run folder: interrupted, or to be trained longer", positional=True)
    epochs: int | None = option(
        None, at_least=1, help="new total length in epochs, those that are done included"
    )
    steps: int | None = option(
        None, at_least=1, help="new total length in steps, those that are done included"
    )
    budget: str | None = option(None, help="training time from now on, which becomes steps: 90s, 3min, 1h")
    data: str | None = option(
        None, help="where the run's data are now, if they moved; they must be the same, and the place is kept"
    )


@dataclass(frozen=True, kw_only=True)
class PriorOptions(Common):
    """The run whose latents get a prior, and whether one that is there is replaced."""

    run: str = option(help="folder of a trained run; the prior goes into RUN/prior", positional=True)
    replace: bool = option(False, help="replace a prior that is there")
    config: str | None = option(
        None,
        help="JSON file of options: a recipe, by its name too, or the config.json of a prior; options of the command line win",
    )


@dataclass(frozen=True, kw_only=True)
class SampleOptions(RunOptions):
    """The images to draw, and the file they go to."""

    count: int | None = option(
        None,
        at_least=1,
        help="number of images (default: 64); with --grid, images of each class (default: 10)",
    )
    label: str | None = option(
        None, help="class to draw: a name, or else a number from 0 (default: all classes, one after another)"
    )
    grid: bool = option(
        False,
        help="one row per class; down a column the same z, where the decoder is conditioned on the class",
    )
    temperature: float = option(
        1.0,
        at_least=0,
        help="standard deviation of z relative to the prior's; below 1 is more typical, less varied",
    )
    seed: int = option(0, at_least=0, help="seed of the draws")
    out: str | None = option(
        None,
        help=".png (one contact sheet), .npz, .npy, .csv, .parquet, or a folder (one PNG per image) "
        f"(default: RUN/samples.png, of rows .csv, of other real values .npz{OTHERWISE})",
    )


@dataclass(frozen=True, kw_only=True)
class ReconstructOptions(RunOptions):
    """The images to reconstruct, and the file they go to."""

    images: tuple[str, ...] = option(
        (),
        help="image files, folders of them, or files as for `encode` (default: the run's own preview images, from its "
        "test split)",
        positional=True,
    )
    label: str | None = option(
        None, help="class of the images given: a name, or else a number from 0; a conditional run wants it"
    )
    redraw_as: str | None = option(
        None, help="redraw them as this class, in the same style: a name, or else a number from 0"
    )
    count: int = option(32, at_least=1, help="number of preview images, when none are given")
    out: str | None = option(
        None,
        help=".png (each image beside its reconstruction), .npz, .npy, .csv, .parquet, or a folder (one PNG per image) "
        f"(default: RUN/reconstructions.png, of rows .csv, of other real values .npz{OTHERWISE})",
    )


@dataclass(frozen=True, kw_only=True)
class EncodeOptions(SourceRunOptions):
    """The images to encode, and the file they go to."""

    split: str = option("all", help="train, validation, test or all")
    out: str | None = option(
        None,
        help=f".npz, .csv or .parquet with mean, std, labels and names, or .npy with the means (default: RUN/codes.npz{OTHERWISE})",
    )


@dataclass(frozen=True, kw_only=True)
class CheckOptions(Common):
    """The run to check."""

    run: str = option(help="run folder, of a run that has ended or not", positional=True)


@dataclass(frozen=True, kw_only=True)
class RunsOptions(Common):
    """The folder to search, and what of it is listed."""

    where: str | None = option(
        None, help="folder to search, three folders deep (default: runs, or the present one)", positional=True
    )
    sort: Literal["changed", "name", "method", "data", "size", "value"] = option(
        "changed", help="order: the last changed first, the largest first, the lowest value first, or by name"
    )
    methods: tuple[str, ...] = option((), help="only runs of these, names with spaces between them")
    data: str | None = option(None, help="only runs on data that have this in their name")
    state: Literal["any", "ended", "unfinished", "training", "damaged"] = option(
        "any", help="only runs in this state"
    )


@dataclass(frozen=True, kw_only=True)
class RemoveOptions(Common):
    """The run to remove."""

    run: str = option(help="run folder", positional=True)
    yes: bool = option(False, help="do not ask; needed where nobody can answer")


@dataclass(frozen=True, kw_only=True)
class FiguresOptions(SourceRunOptions):
    """The figures to draw, and the folder they go to."""

    data: str | None = option(
        None, help="a source as in `train` (default: the run's own, or its preview images where that is gone)"
    )
    out: str | None = option(None, help=f"folder, or a .png for one figure (default: RUN/figures{OTHERWISE})")
    only: str | None = option(None, help="names of figures, with commas between them (default: all that fit)")
    tsne: bool = option(False, help="draw the t-SNE map too; takes a while")
    ellipses: int = option(
        0, at_least=0, help="number of images whose posteriors are drawn on the maps, as ellipses"
    )
    linear: bool = option(
        False, help="manifold on equal steps of z, as in the lesson, instead of equal probability"
    )


@dataclass(frozen=True, kw_only=True)
class ExploreOptions(SourceRunOptions):
    """The images to show, and the address of the page."""

    data: str | None = option(
        None, help="a source as in `train` (default: the run's own, or its preview images where that is gone)"
    )
    port: int = option(8765, help="port of the page; 0 takes any free one")
    host: str = option(
        "127.0.0.1",
        help="address to listen on; any other than the default can be reached from other machines",
    )
    no_browser: bool = option(False, help="only print the address")


@dataclass(frozen=True, kw_only=True)
class ExportOptions(SourceRunOptions):
    """The format of the export, and the folder it goes to."""

    format: Literal["onnx", "web"] = option(
        "onnx", help="onnx: encoder.onnx and decoder.onnx; web: the explorer's page, for any file server"
    )
    out: str | None = option(None, help=f"new folder (default: RUN/onnx or RUN/web{OTHERWISE})")
    data: str | None = option(
        None, help="a source as in `train`, for the images on the page (default: as in `explore`)"
    )


@dataclass(frozen=True, kw_only=True)
class PushOptions(Common):
    """The run to push, and where."""

    run: str = option(help="folder of a trained run", positional=True)
    repo_id: str = option(help="OWNER/NAME on the hub; made where it is missing", positional=True)
    private: bool = option(False, help="a new repository is seen by its owner alone")
    branch: str | None = option(None, help="of the repository (default: main)")


@dataclass(frozen=True)
class SourceOptions(DataSettings):
    """The source to describe."""

    data: str = option(
        first=True,
        help=rule_of(DataSettings.__dataclass_fields__["data"]).help,
        positional=True,
    )
    json: bool = same(Common, "json")


@dataclass(frozen=True, kw_only=True)
class CacheOptions(Common):
    """The work to do on the cache."""

    check: bool = option(False, help="read all of it and compare it with the hashes that were written down")
    empty: bool = option(False, help="remove it all; what is needed is made or downloaded again")


@dataclass(frozen=True)
class CompareOptions(DataSettings):
    """The methods to compare, their budget, and the folder; or runs that have ended."""

    data: str | None = field_of(rule_of(DataSettings.__dataclass_fields__["data"]), None)  # type: ignore[assignment]
    runs: tuple[str, ...] = option(
        (),
        help="folders of runs that have ended, to be put side by side instead of training",
        positional=True,
    )
    methods: tuple[str, ...] = option(
        (),
        first=True,
        help="names with spaces between them (default: ae vae beta-vae cvae vqvae gan, as far as they fit the data)",
    )
    seeds: int = option(3, at_least=1, first=True, help="sub-runs of each method")
    seed: int = option(0, at_least=0, first=True, help="the first of the seeds")
    budget: str | None = option(
        None,
        first=True,
        help="processor time of each sub-run: 120s, 5m, 1h; becomes steps, by timing a few steps of each method in turn; of a "
        "vqvae half is for the model, the rest for the prior of its latents (no length given: 60s)",
    )
    epochs: int | None = option(
        None,
        at_least=1,
        first=True,
        help="equal passes over the training images instead of equal time; the prior of a vqvae has as many more",
    )
    steps: int | None = option(
        None, at_least=1, first=True, help="equal steps instead; the prior of a vqvae has as many more"
    )
    latent_dim: int | None = same(CompareSettings, "latent_dim")
    network: NetworkPart | Undecided = same(CompareSettings, "network")
    likelihood: LikelihoodPart | Undecided = same(CompareSettings, "likelihood")
    batch_size: int | None = same(CompareSettings, "batch_size")
    features: str | None = option(
        None,
        first=True,
        help="in which samples are compared: a name, or a file of `vaekit features` (default: mnist_v1 for MNIST, a "
        "classifier learned from the labels, or principal components)",
    )
    device: str = same(CompareSettings, "device")
    out: str | None = option(
        None,
        first=True,
        help="folder; an unfinished comparison of the same options in it is resumed (default: runs/compare-SOURCE-N)",
    )
    json: bool = same(Common, "json")


@dataclass(frozen=True)
class FeaturesOptions(DataSettings):
    """Images and labels to learn features from, and how."""

    kind: Literal["auto", "classifier", "pca"] = option(
        "auto",
        first=True,
        help="classifier needs labels, pca none; auto takes a classifier where there are labels",
    )
    dimensions: int = option(
        64, first=True, help="number of features; pca takes fewer where images are few or small"
    )
    epochs: int = option(
        12,
        at_least=1,
        first=True,
        help="passes over the training images; the best on validation is kept (classifier)",
    )
    seed: int = option(0, at_least=0, help="seed of weights, order and noise (classifier)")
    device: str = same(FitSettings, "device")
    out: str | None = option(
        None,
        first=True,
        help=".safetensors (default: features/NAME.safetensors, with the hash of its content in NAME)",
    )
    json: bool = same(Common, "json")


@dataclass(frozen=True)
class ReproduceOptions(ReproduceSettings):
    """The recipes to run again, and the folder."""

    json: bool = same(Common, "json")
