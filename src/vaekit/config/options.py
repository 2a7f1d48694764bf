"""Every option of a run, as plain frozen dataclasses without torch.

Each section mirrors the keyword arguments of one callable (a test compares names and defaults), so
an option is declared here once and reaches the command line, `config.json` and the documentation
from here. Options are flat: no two sections share a name.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vaekit.core import SettingError, near_miss

FORMAT = 1  # of config.json and of recipes; raised when an old reader would misunderstand a new file


@dataclass(frozen=True)
class DataSettings:
    """Where images come from: the arguments of `vaekit.load_data`."""

    data: str
    """digits, mnist, fashion-mnist, strokes, sprites, a folder of images, or a .npy or .npz file"""
    data_dir: str | None = None
    """folder with the files of named sets (in a subfolder of that name); else $VAEKIT_DATA, else a cache"""
    image_size: str | None = None
    """bring all images to this size: 64, or 48x64 for height x width (pixels)"""
    fit: Literal["crop", "pad"] = "crop"
    """how other aspect ratios reach --image-size: cut off the longer side, or pad the shorter"""
    layout: Literal["auto", "NHW", "NCHW", "NHWC", "ND"] = "auto"
    """order of the axes of an array"""
    images_key: str | None = None
    """name of the images in a .npz (default: images or x)"""
    labels_key: str | None = None
    """name of the labels in a .npz (default: labels or y, if there)"""
    pixels: Literal["auto", "binary", "8-bit", "unit", "real"] = "auto"
    """what the values are: 0/1, 0..255, continuous in [0, 1], or any real number (features)"""
    binarize: Literal["none", "dynamic", "static"] = "none"
    """grey to binary: a new draw every time (dynamic) or one fixed draw (static)"""
    validation: float = 1 / 12
    """share of the training images kept for validation; 0 trains on all of them"""


@dataclass(frozen=True)
class AutoencoderSettings:
    """Arguments of the models `AE` and `VAE`."""

    latent_dim: int = 20
    """number of latent dimensions"""
    network: str = "auto"
    """lesson, mlp or resnet; auto takes mlp for small grey images and arrays, else resnet"""
    width: int | None = None
    """hidden units (mlp) or channels of the first stage (resnet); default: the network's"""
    depth: int | None = None
    """residual blocks a side (mlp) or a stage (resnet); default: the network's"""
    likelihood: str = "auto"
    """bce, bernoulli, continuous-bernoulli, gaussian, gaussian-learned, gaussian-optimal, logistic-mixture or
    categorical; auto takes bernoulli for binary, gaussian for real, else bce"""
    sigma: float = 0.1
    """standard deviation of the gaussian likelihood, where the other gaussians start (pixels in [0, 1])"""
    mixtures: int = 10
    """components of the logistic-mixture likelihood"""


@dataclass(frozen=True)
class VQVAESettings:
    """Arguments of the model `VQVAE`."""

    downsample: int = 4
    """pixels a side of the patch that each code stands for: 4 makes a 7x7 grid of 28x28 images"""
    quantizer: Literal["ema", "gradient", "fsq"] = "ema"
    """how codes are learned: moving averages, gradients, or not at all (finite scalars)"""
    codes: int = 512
    """K, size of the codebook; for fsq about that many (64, 256, 512, 1024, 4096, 16384)"""
    code_dim: int = 16
    """length of a code's vector (fsq: that of its levels)"""
    decay: float = 0.99
    """of the moving averages of the codebook, a step"""
    kmeans: bool = True
    """start the codebook by k-means on the encoder's output"""
    revive: bool = True
    """replace codes that are hardly used by what the encoder returns"""
    width: int | None = None
    """channels (default: 64)"""
    depth: int | None = None
    """residual blocks a side (default: 3)"""
    likelihood: str = "auto"
    """as for a vae; auto takes bernoulli for binary pixels, else gaussian-optimal"""
    sigma: float = 0.1
    """standard deviation of the gaussian likelihood, where the other gaussians start (pixels in [0, 1])"""
    mixtures: int = 10
    """components of the logistic-mixture likelihood"""


@dataclass(frozen=True)
class QuantizedSettings:
    """Arguments of the objective `QuantizedReconstruction`."""

    commitment: float = 0.25
    """weight of the squared distance that draws the encoder to its codes"""


@dataclass(frozen=True)
class CodesSettings:
    """Whose codes a prior is fitted to: the arguments of `vaekit.training.priors.load_codes`."""

    data: str
    """folder of a trained run"""


def resolved(default: Any) -> Any:
    """A field that the data decide and nobody types."""
    return dataclasses.field(default=default, metadata={"resolved": True})


@dataclass(frozen=True)
class CodePriorSettings:
    """Arguments of the model `CodePrior`."""

    conditional: bool = False
    """take the class of an image as condition, so that samples can be asked for by label"""
    width: int = 128
    """channels of the transformer"""
    depth: int = 4
    """its blocks"""
    heads: int = 4
    """its attention heads, which divide the width"""
    dropout: float = 0.0
    """share of what a block adds that is left out in training"""
    codes: int = resolved(512)
    """size of the codebook"""
    classes: int = resolved(0)
    """number of classes of the data"""


@dataclass(frozen=True)
class MixtureSettings:
    """Arguments of the model `Mixture`."""

    components: int = 10
    """normals in the mixture, each with its own covariance"""


@dataclass(frozen=True)
class CodeLengthSettings:
    """Arguments of the objectives `CodeLength` and `Density`: none."""


@dataclass(frozen=True)
class GANSettings:
    """Arguments of the model `GAN`."""

    latent_dim: int = 20
    """number of latent dimensions"""
    network: str = "auto"
    """lesson, mlp or resnet, its encoder as discriminator; auto takes mlp for small grey images and arrays,
    else resnet"""
    width: int | None = None
    """hidden units (mlp) or channels of the first stage (resnet); default: the network's"""
    depth: int | None = None
    """residual blocks a side (mlp) or a stage (resnet); default: the network's"""


@dataclass(frozen=True)
class ReconstructionSettings:
    """Arguments of the objective `Reconstruction`: none."""


@dataclass(frozen=True)
class ELBOSettings:
    """Arguments of the objective `ELBO`."""

    beta: float = 1.0
    """weight of the KL term"""
    kl_warmup: float = 0.0
    """share of the run (of each cycle if cyclical) over which beta rises from 0"""
    beta_schedule: Literal["linear", "cosine", "cyclical"] = "linear"
    """how beta rises; cyclical has four cycles"""
    free_bits: float = 0.0
    """nats a latent dimension that cost nothing (batch mean)"""


@dataclass(frozen=True)
class IWAESettings:
    """Arguments of the objective `IWAE`."""

    samples: int = 5
    """draws of z for each image"""
    estimator: Literal["standard", "dreg"] = "standard"
    """gradient of the encoder; dreg is doubly reparameterised: less noise, for many samples"""


@dataclass(frozen=True)
class AdversarialSettings:
    """Arguments of the objective `Adversarial`."""

    penalty: float = 1.0
    """weight of the discriminator's squared gradient at real images (R1); 0 takes none"""


@dataclass(frozen=True)
class TCVAESettings:
    """Arguments of the objective `TCVAE`."""

    beta: float = 6.0
    """weight of the total correlation; 1 is the ELBO"""


@dataclass(frozen=True)
class FactorVAESettings:
    """Arguments of the objective `FactorVAE`."""

    gamma: float = 10.0
    """weight of the total correlation"""
    discriminator_width: int = 256
    """units of each of the discriminator's six layers"""


@dataclass(frozen=True)
class DIPVAESettings:
    """Arguments of the objective `DIPVAE`."""

    off_diagonal: float = 10.0
    """weight of the squared covariances of z"""
    diagonal: float = 10.0
    """weight of the squared distance of the variances of z from 1"""


@dataclass(frozen=True)
class CapacitySettings:
    """Arguments of the objective `Capacity`."""

    capacity: float = 25.0
    """KL that is aimed at in the end (nats)"""
    capacity_ramp: float = 0.33
    """share of the run over which the aim rises from 0"""
    capacity_weight: float = 100.0
    """weight of the KL's distance from the aim"""


@dataclass(frozen=True)
class FitSettings:
    """Arguments of `vaekit.fit`."""

    epochs: int = 20
    """passes over the training images"""
    batch_size: int = 192
    """images a step"""
    optimizer: Literal["adam", "adamw", "adamax", "sgd", "muon"] = "adam"
    """update rule; muon is for matrices, such as those of a code prior, and leaves the rest to adamw"""
    learning_rate: float = 4e-3
    """peak learning rate"""
    beta1: float = 0.9
    """decay of the first moment in adam, adamw, adamax; momentum of sgd and muon"""
    beta2: float = 0.99
    """decay of the second moment in adam, adamw, adamax"""
    weight_decay: float = 0.0
    """decoupled in adamw and muon, else an L2 penalty"""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """how the learning rate falls to 0 over the run, or constant"""
    warmup: int = 40
    """steps over which the learning rate rises from 0"""
    clip: float = 100.0
    """largest norm of the gradient (mean loss in nats an image); 0 does not clip"""
    average: float = 0.0
    """decay of averaged weights a step (0.999, say), used for validation and afterwards; 0 averages nothing"""
    weights: Literal["best", "last"] = "best"
    """which weights to keep: best on validation (if there is any), or the last"""
    patience: int = 0
    """stop after this many epochs without a better validation value; 0 never stops early"""
    checkpoint_seconds: float = 15.0
    """time between resumable states: what a crash can cost; the weights are bit for bit the same"""
    seed: int = 0
    """seed of weights, order and noise; never of the split"""
    device: str = "auto"
    """auto, cpu, cuda or mps"""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """arithmetic of the networks; likelihoods and KL are always fp32"""
    deterministic: bool = False
    """on CUDA: only deterministic kernels, so that resuming is exact to the bit"""


@dataclass(frozen=True)
class Settings:
    """The resolved settings of one run: a method's name and one section of each kind."""

    method: str
    data: DataSettings
    model: Any
    objective: Any
    fit: FitSettings

    def flat(self) -> dict[str, Any]:
        """All options in one dict, in the order of the sections."""
        values: dict[str, Any] = {"method": self.method}
        for section in (self.data, self.model, self.objective, self.fit):
            values |= dataclasses.asdict(section)
        return values


def build(section: type, values: Mapping[str, Any], where: str) -> Any:
    """A section from the values that belong to it, checked for type.

    Raises:
        SettingError: a value does not have the type of its field.
    """
    hints = typing.get_type_hints(section)
    arguments = {}
    for field in dataclasses.fields(section):
        if field.name in values:
            arguments[field.name] = _checked(values[field.name], hints[field.name], field.name, where)
    return section(**arguments)


def check_known(values: Mapping[str, Any], known: list[str], where: str) -> None:
    """Raises SettingError for the first key that is not known."""
    for key in values:
        if key not in known:
            raise SettingError(f"{where}: unknown option {key!r}.{near_miss(key, known)}")


def read_config(path: str) -> dict[str, Any]:
    """Flat options from a recipe, from a run's `config.json`, or from a plain dict of options.

    Raises:
        SettingError: the file is missing, not JSON, not an object, or of a newer format.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        raise SettingError(f"--config {path}: no such file.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SettingError(f"--config {path}: cannot be read as JSON ({error}).") from None
    if not isinstance(content, dict):
        raise SettingError(f"--config {path}: must hold one JSON object of options.")
    check_format(content, f"--config {path}")
    if "settings" in content:
        content = content["settings"]
        if not isinstance(content, dict):
            raise SettingError(f"--config {path}: 'settings' must be a JSON object of options.")
    return {key: value for key, value in content.items() if key != "format"}


def check_format(content: Mapping[str, Any], where: str) -> None:
    """Raises SettingError when a file was written by a newer vaekit."""
    number = content.get("format", FORMAT)
    if not isinstance(number, int) or number > FORMAT:
        raise SettingError(
            f"{where}: format {number!r} is newer than this vaekit reads ({FORMAT}); update vaekit."
        )


def _checked(value: Any, hint: Any, name: str, where: str) -> Any:
    """The value if it fits the type hint, an int widened to float where a float is meant."""
    choices = typing.get_args(hint) if typing.get_origin(hint) is Literal else None
    if choices is not None:
        if value in choices:
            return value
        close = near_miss(str(value), [str(choice) for choice in choices])
        listed = ", ".join(str(choice) for choice in choices)
        raise SettingError(f"{where}: {name} = {value!r} is not one of {listed}.{close}")
    allowed = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if float in allowed and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    fits = any(
        isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool) for kind in allowed
    )
    if not fits:
        wanted = " or ".join("null" if kind is type(None) else kind.__name__ for kind in allowed)
        raise SettingError(f"{where}: {name} = {value!r} must be {wanted}.")
    return value
