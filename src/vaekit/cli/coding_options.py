"""Options of the commands that compress pictures and restore them. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaekit.cli.common_options import OTHERWISE, Common
from vaekit.config.fields import option


@dataclass(frozen=True, kw_only=True)
class CompressOptions(Common):
    """The pictures to compress, how, and the file they go to."""

    run: str = option(
        help="folder of a trained run: a VAE with masses on binary or 8-bit pixels, or with --lossy a VQ-VAE",
        positional=True,
    )
    data: str | None = option(
        None,
        first=True,
        help="a source as in `train`, or one image file, of any number of examples (default: the run's own)",
    )
    split: str = option("all", help="train, validation, test or all")
    label: str | None = option(
        None, help="class of images without labels, for a conditional run: a name, or else a number from 0"
    )
    out: str | None = option(
        None,
        first=True,
        help=f"the .vk file (default: RUN/compressed.vk{OTHERWISE})",
    )
    with_model: bool = option(
        False, first=True, help="put the model inside, so that nothing else is needed to restore"
    )
    lossy: bool = option(
        False,
        first=True,
        help="code a VQ-VAE's codes under its prior: what comes back are its reconstructions",
    )
    trade: float = option(
        0.0,
        at_least=0,
        help="of --lossy: 1 per cent fewer bits may cost so many per cent more squared error; above 0 takes far longer",
    )
    part: int | None = option(
        None,
        at_least=1,
        help="examples of each part, which is restored without the others (default: 10,000, fewer of large pictures)",
    )
    beside: int = option(
        1000, at_least=0, help="pictures on which general coders are measured too; 0 leaves them out"
    )
    sizes: str | None = option(
        None,
        first=True,
        help=".csv of the bytes of each example, most first: a score for odd images (default: none)",
    )


@dataclass(frozen=True, kw_only=True)
class DecompressOptions(Common):
    """The file to restore, and the folder or file its pictures go to."""

    file: str = option(help=".vk file of `vaekit compress`", positional=True)
    out: str | None = option(
        None, help="new folder, of PNGs under their names, or a .npz (default: the file's name without .vk)"
    )
    model: str | None = option(
        None, help="folder of the run that it was made with, where the model is not inside"
    )
    part: int | None = option(
        None, at_least=0, help="number of the one part to restore, from 0 (default: all)"
    )
