"""Options of an autoencoder that is no run: what its networks take and give, and the images it is shown. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vaekit.config.fields import Options, option, same
from vaekit.config.options import DataSettings

ROLES = (
    "mean",
    "logvar",
    "logstd",
    "std",
    "variance",
    "moments",
    "codes",
    "z",
    "-",
)  # of an encoder's outputs


@dataclass(frozen=True)
class ForeignSettings(Options):
    """Conventions of the networks of a foreign autoencoder."""

    range: Literal["auto", "0..1", "-1..1", "0..255"] = option(
        "auto",
        help="encoder and decoder: values of black and white (auto: 0..255 where the network takes whole numbers, else 0..1)",
    )
    decoder_range: Literal["same", "0..1", "-1..1", "0..255"] = option(
        "same", help="encoder and decoder: what the decoder gives for black and white (same: as range says)"
    )
    axes: Literal["auto", "NCHW", "NHWC", "NHW", "flat"] = option(
        "auto",
        help="encoder and decoder: order of the axes of images (auto: by the shapes that the network declares)",
    )
    latents: str | None = option(
        None,
        help="encoder and decoder: what the encoder's outputs are, in their order, with commas between them, say "
        f"mean,logvar; of {', '.join(ROLES)}, where moments are mean and logvar in one and - is left aside "
        "(default: by their names and types)",
    )
    codes: int | None = option(
        None,
        at_least=2,
        help="encoder and decoder: K, number of codes that each place of discrete latents chooses among",
    )
    image_size: str | None = same(DataSettings, "image_size")
    fit: Literal["crop", "pad"] = same(DataSettings, "fit")
    binarize: Literal["none", "dynamic", "static"] = same(DataSettings, "binarize")
    data_dir: str | None = same(DataSettings, "data_dir")


@dataclass(frozen=True, kw_only=True)
class ForeignFiles(ForeignSettings):
    """The files of a foreign autoencoder, and of the card."""

    encoder: str | None = option(
        None, help="ONNX file: measure any autoencoder instead of a run, on the images of data"
    )
    decoder: str | None = option(None, help="ONNX file of its decoder")
    card: str | None = option(
        None, help=".json file for the card, the figures that any autoencoder has; vaekit cards compares them"
    )
