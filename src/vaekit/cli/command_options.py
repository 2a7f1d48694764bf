"""Options of every command but those that a method brings (`vaekit.config.options`). Imports no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from vaekit.config.options import DataSettings


def positional(**arguments: Any) -> Any:
    """A field that is given by its place, without a name."""
    return dataclasses.field(metadata={"positional": True}, **arguments)


@dataclass(frozen=True, kw_only=True)
class Common:
    """Options of every command."""

    json: bool = False
    """print one JSON object on standard output and nothing else there"""


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Common):
    """Where the run goes, and where its options come from."""

    out: str | None = None
    """run folder, which must not exist yet (default: runs/METHOD-SOURCE-N)"""
    config: str | None = None
    """JSON file of options: a recipe, or the config.json of a run; options of the command line win"""


@dataclass(frozen=True, kw_only=True)
class DemoOptions(Common):
    """Where the demonstration goes."""

    out: str | None = None
    """run folder, which must not exist yet (default: runs/demo-N)"""
    seed: int = 0
    """seed of weights, order and noise"""


@dataclass(frozen=True, kw_only=True)
class ResumeOptions(Common):
    """Which run to go on with."""

    run: str = positional()
    """run folder that was interrupted"""


@dataclass(frozen=True, kw_only=True)
class PriorOptions(Common):
    """Whose codes, and what becomes of a prior that is there."""

    run: str = positional()
    """folder of a trained run; the prior goes into RUN/prior"""
    replace: bool = False
    """replace a prior that is there"""
    config: str | None = None
    """JSON file of options: a recipe, or the config.json of a prior; options of the command line win"""


@dataclass(frozen=True, kw_only=True)
class RunOptions(Common):
    """A trained run and where to compute."""

    run: str = positional()
    """folder of a trained run"""
    device: str = "auto"
    """auto, cpu, cuda or mps"""


@dataclass(frozen=True, kw_only=True)
class SourceRunOptions(RunOptions):
    """A trained run, and which images it is to look at."""

    data: str | None = None
    """a source as in `train` (default: the run's own)"""
    label: str | None = None
    """class of images without labels, for a conditional run: a name, or else a number from 0"""


@dataclass(frozen=True, kw_only=True)
class SampleOptions(RunOptions):
    """What to draw, and where it goes."""

    count: int | None = None
    """number of images (default: 64); with --grid, images of each class (default: 10)"""
    label: str | None = None
    """class to draw: a name, or else a number from 0 (default: the classes take turns)"""
    grid: bool = False
    """a row a class; down a column the same z, where the decoder is told the class"""
    temperature: float = 1.0
    """standard deviation of z relative to the prior's; below 1 is more typical, less varied"""
    seed: int = 0
    """seed of the draws"""
    out: str | None = None
    """.png (one contact sheet), .npz, or a folder (one PNG an image) (default: RUN/samples.png)"""


@dataclass(frozen=True, kw_only=True)
class ReconstructOptions(RunOptions):
    """What to reconstruct, and where it goes."""

    images: tuple[str, ...] = positional(default=())
    """image files or folders of them (default: the run's own preview images, from its test split)"""
    label: str | None = None
    """class of the images given: a name, or else a number from 0; a conditional run wants it"""
    redraw_as: str | None = None
    """redraw them as this class, in the same style: a name, or else a number from 0"""
    count: int = 32
    """number of preview images, when none are given"""
    out: str | None = None
    """.png (each image beside its reconstruction), .npz, or a folder (one PNG an image)
    (default: RUN/reconstructions.png)"""


@dataclass(frozen=True, kw_only=True)
class EncodeOptions(SourceRunOptions):
    """What to encode, and where it goes."""

    split: str = "all"
    """train, validation, test or all"""
    out: str | None = None
    """.npz or .csv with mean, std, labels and names (default: RUN/codes.npz)"""


@dataclass(frozen=True, kw_only=True)
class FiguresOptions(SourceRunOptions):
    """Which figures, and where they go."""

    data: str | None = None
    """a source as in `train` (default: the run's own, or its preview images where that is gone)"""
    out: str | None = None
    """folder (default: RUN/figures)"""
    only: str | None = None
    """names of figures, with commas between them (default: all that fit)"""
    tsne: bool = False
    """draw the t-SNE map too; takes a while"""
    ellipses: int = 0
    """number of images whose posteriors are drawn on the maps, as ellipses"""
    linear: bool = False
    """manifold on equal steps of z, as in the lesson, instead of equal probability"""


@dataclass(frozen=True, kw_only=True)
class ExploreOptions(SourceRunOptions):
    """Which images to show, and where the page is served."""

    data: str | None = None
    """a source as in `train` (default: the run's own, or its preview images where that is gone)"""
    port: int = 8765
    """port of the page; 0 takes any free one"""
    host: str = "127.0.0.1"
    """address to listen on; any other than the default can be reached from other machines"""
    no_browser: bool = False
    """only print the address"""


@dataclass(frozen=True, kw_only=True)
class ExportOptions(SourceRunOptions):
    """What is written, and where it goes."""

    format: Literal["onnx", "web"] = "onnx"
    """onnx: encoder.onnx and decoder.onnx; web: the explorer's page, for any file server"""
    out: str | None = None
    """new folder (default: RUN/onnx or RUN/web)"""
    data: str | None = None
    """a source as in `train`, for the images on the page (default: as in `explore`)"""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(SourceRunOptions):
    """What to measure, and how carefully."""

    data: str | None = None
    """a source as in `train` (default: the run's own; only then is summary.json written)"""
    samples: int = 5000
    """K of the importance-weighted bound"""
    images: int | None = None
    """test images for the likelihood, drawn at random (default: all)"""
    jackknife: bool = False
    """also the bound without its bias of order 1/K"""
    annealed: int = 0
    """test images on which annealed importance sampling checks the bound; 100 take minutes"""
    features: str | None = None
    """in which samples are compared with test images: a name, or a file of `vaekit features`
    (default: mnist_v1 for MNIST, else principal components)"""
    skip_quality: bool = False
    """leave out the quality of samples"""
    disentanglement: Literal["auto", "yes", "no"] = "auto"
    """measure how codes follow the factors that images were made from: where they are known, or yes, or no"""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """arithmetic of the networks"""
    seed: int = 0
    """seed of all draws, the binarisation of images included"""


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(SourceRunOptions):
    """Which images to score, how, and where the scores go."""

    split: str = "all"
    """train, validation, test or all"""
    scores: str | None = None
    """names of scores, with commas between them (default: all that the model allows)"""
    by: str | None = None
    """the score by which images are put in order (default: likelihood_regret_nats)"""
    against: str | None = None
    """a second source, of outliers: AUROC of each score, the same split of both"""
    odd: str | None = None
    """classes that are outliers, with commas between them: AUROC of each score"""
    samples: int = 64
    """K of the importance-weighted bound"""
    count: int = 64
    """images on the contact sheet"""
    out: str | None = None
    """.csv, with the contact sheet as .png beside it (default: RUN/scores.csv)"""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """arithmetic of the networks"""
    seed: int = 0
    """seed of all draws"""


@dataclass(frozen=True)
class SourceOptions(DataSettings):
    """The source to describe."""

    data: str = positional()
    """digits, mnist, fashion-mnist, strokes, sprites, a folder of images, or a .npy or .npz file"""
    json: bool = False
    """print one JSON object on standard output and nothing else there"""


@dataclass(frozen=True)
class CompareOptions(DataSettings):
    """Which methods, for how long, and where it goes."""

    methods: tuple[str, ...] = ()
    """names with spaces between them (default: ae vae beta-vae cvae vqvae gan, as far as they fit the data)"""
    seeds: int = 3
    """sub-runs of each method"""
    seed: int = 0
    """the first of the seeds"""
    budget: str | None = None
    """training time of each sub-run: 120s, 5m, 1h; becomes whole epochs by timing 50 steps; of a vqvae half is
    for the model, the rest for the prior of its codes (default: 60s)"""
    epochs: int | None = None
    """equal passes over the training images instead of equal time; the prior of a vqvae has as many more"""
    latent_dim: int = 20
    """number of latent dimensions"""
    network: str = "auto"
    """lesson, mlp or resnet; auto takes mlp for small grey images and arrays, else resnet"""
    width: int | None = None
    """hidden units (mlp) or channels of the first stage (resnet), not of a vqvae; default: the network's"""
    depth: int | None = None
    """residual blocks a side (mlp) or a stage (resnet), not of a vqvae; default: the network's"""
    likelihood: str = "auto"
    """of the methods that have one; auto takes each method's own"""
    batch_size: int = 192
    """images a step (not of a prior)"""
    features: str | None = None
    """in which samples are compared: a name, or a file of `vaekit features` (default: mnist_v1 for MNIST, a
    classifier learned from the labels, or principal components)"""
    device: str = "auto"
    """auto, cpu, cuda or mps"""
    out: str | None = None
    """folder; with an unfinished comparison of the same options it is gone on with
    (default: runs/compare-SOURCE-N)"""
    json: bool = False
    """print one JSON object on standard output and nothing else there"""


@dataclass(frozen=True)
class FeaturesOptions(DataSettings):
    """Images and labels to learn features from, and how."""

    kind: Literal["auto", "classifier", "pca"] = "auto"
    """classifier needs labels, pca none; auto takes a classifier where there are labels"""
    dimensions: int = 64
    """number of features; pca takes fewer where images are few or small"""
    epochs: int = 12
    """passes over the training images; the best on validation is kept (classifier)"""
    seed: int = 0
    """seed of weights, order and noise (classifier)"""
    device: str = "auto"
    """auto, cpu, cuda or mps"""
    out: str | None = None
    """.safetensors (default: features/NAME.safetensors, with the hash of its content in NAME)"""
    json: bool = False
    """print one JSON object on standard output and nothing else there"""
