"""COMMANDS: every command, one line each; and the help of `vaekit` itself. Imports no torch."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        usage: what follows its name.
        summary: one line for the help.
        options: dataclass in `vaekit.cli.command_options`.
        run: "module:function" in `vaekit.cli.commands`; takes what `read` returns and gives a `Result`.
        read: function of `vaekit.cli.reading`; makes the arguments of `run` from the words of the command line.
        seldom: whether the first help names it only.
    """

    usage: str
    summary: str
    options: str
    run: str
    read: str = "read_options"
    seldom: bool = False


COMMANDS = {
    "demo": Command("", "train a VAE on drawn digits and draw everything: start here", "DemoOptions", "train:demo"),
    "train": Command("METHOD --data SOURCE", "train a model", "TrainOptions", "train:train", "read_training"),
    "resume": Command("RUN", "resume an interrupted run, or train one longer", "ResumeOptions", "train:resume"),
    "prior": Command("RUN", "fit a density to the latents of a run, for sampling", "PriorOptions", "prior:prior",
                     "read_prior", seldom=True),
    "figures": Command("RUN", "draw what a run has learnt, and how it came to it", "FiguresOptions", "figures:figures"),
    "sample": Command("RUN", "draw new images", "SampleOptions", "images:sample"),
    "reconstruct": Command("RUN [IMAGES ...]", "images beside their reconstructions", "ReconstructOptions", "images:reconstruct"),
    "encode": Command("RUN", "embeddings of images, as .npz or .csv", "EncodeOptions", "encode:encode"),
    "evaluate": Command("RUN", "measure likelihood, latent space and samples; or any autoencoder", "EvaluateOptions", "evaluate:evaluate"),
    "cards": Command("CARD CARD", "figures of several autoencoders side by side", "CardsOptions", "cards:cards", seldom=True),
    "compare": Command("--data SOURCE", "several methods on the same data, or ended runs, side by side", "CompareOptions",
                       "compare:compare"),
    "sweep": Command("METHOD --data SOURCE --grid beta=1,4 --out FOLDER", "a run for each combination of some options' values",
                     "SweepOptions", "sweep:sweep", "read_sweep", seldom=True),
    "runs": Command("[WHERE]", "list runs: method, data, figure, size and state of each", "RunsOptions", "runs:runs"),
    "remove": Command("RUN", "remove a run, without files that are not its own", "RemoveOptions", "runs:remove", seldom=True),
    "reproduce": Command("[RECIPE ...]", "run recipes again, and judge their figures by those stored", "ReproduceOptions",
                         "reproduce:reproduce", seldom=True),
    "search": Command("RUN IMAGE", "the images nearest to one, by distance of latents", "SearchOptions", "near:search"),
    "duplicates": Command("RUN", "pairs of images that are nearly the same", "DuplicatesOptions", "near:duplicates", seldom=True),
    "interpolate": Command("RUN FIRST LAST", "from one image to another through the latents", "InterpolateOptions", "near:interpolate"),
    "score": Command("RUN --data SOURCE", "find odd images: a score for each, the oddest first", "ScoreOptions", "score:score"),
    "compress": Command("RUN --data SOURCE --out FILE", "put pictures into a smaller file, restored to the last pixel",
                        "CompressOptions", "compress:compress", seldom=True),
    "decompress": Command("FILE", "restore the pictures of such a file", "DecompressOptions", "compress:decompress", seldom=True),
    "explore": Command("RUN", "open the latent space in the browser", "ExploreOptions", "explore:explore"),
    "export": Command("RUN", "networks as ONNX files, or the explorer as a page of its own", "ExportOptions", "export:export"),
    "push": Command("RUN OWNER/NAME", "put the model of a run on the Hugging Face hub, with a card", "PushOptions", "push:push",
                    seldom=True),
    "check": Command("RUN", "say whether the files of a run are whole", "CheckOptions", "check:check", seldom=True),
    "data": Command("SOURCE", "describe a data source, with the problems found in it", "SourceOptions", "data:data"),
    "cache": Command("", "show, check or empty the cache of decoded images and downloads", "CacheOptions", "cache:cache", seldom=True),
    "features": Command("--data SOURCE", "learn features in which sample quality is measured", "FeaturesOptions",
                        "features:features", seldom=True),
}  # fmt: skip

EXAMPLES = """
  vaekit train vae --data digits      real handwritten digits; needs no file
  vaekit train vae --data photos/ --image-size 64
  vaekit COMMAND --help               options with units and defaults
"""

ALL = ("all", "--all")  # words after `vaekit --help` that show every command


def overview(everything: bool = False) -> str:
    """The help of `vaekit` itself: the commands that people need first, or all with what follows their names."""
    shown = {name: c for name, c in COMMANDS.items() if everything or not c.seldom}
    typed = {name: f"{name} {c.usage}".rstrip() if everything else name for name, c in shown.items()}
    width = max(map(len, typed.values()))
    others = [name for name in COMMANDS if name not in shown]
    also = textwrap.wrap(f"and {', '.join(others)} (vaekit --help all)", 78)
    return "\n".join(
        [
            "vaekit: the workbench for variational autoencoders",
            "",
            "usage: vaekit COMMAND [options]",
            "",
            *(f"  {typed[name]:{width}}   {c.summary}" for name, c in shown.items()),
            *(f"  {line}" for line in also if others),
            EXAMPLES.rstrip(),
            "",
            "Every command takes --json. Methods: vaekit train --help.",
            "Versions: vaekit --version. Completion: vaekit completion bash (or zsh).",
        ]
    )
