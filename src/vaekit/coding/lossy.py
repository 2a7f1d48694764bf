"""Pictures as codes of a VQ-VAE: smaller files, of pictures that are nearly the same.

Codes are had from the encoder in floating point, which only the writer of a file needs. What a reader needs, the prior and
the decoder, is in exact arithmetic (`vaekit.coding.exact_codes`).
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vaekit import inference
from vaekit.coding.attention import WEIGHT
from vaekit.coding.code_choice import Chooser
from vaekit.coding.code_masses import CodeMasses, CountedCodes, FittedCodes, shared_out
from vaekit.coding.exact_codes import BINARY, GROUP, ExactCodes
from vaekit.coding.exact_prior import Codes, PriorShape, exact_prior_of
from vaekit.coding.knots import FRACTION
from vaekit.coding.of_networks import translated
from vaekit.coding.portion import Coded
from vaekit.coding.translate import WEIGHT_BITS, Builder
from vaekit.core import SettingError
from vaekit.data import Data, Split
from vaekit.data.dataset import to_unit
from vaekit.evaluation.latents.independent_codes import best_pull, smoothed
from vaekit.models import Model
from vaekit.models.capabilities import Quantizes, TakesPrior
from vaekit.networks.causal import CausalBlock, CausalTransformer
from vaekit.networks.quantizers import Quantizer
from vaekit.runs.load import Run

MEANS = {  # likelihoods whose mean is a function of one number for each value
    "gaussian": "identity",
    "gaussian-learned": "identity",
    "gaussian-optimal": "identity",
    "bce": "sigmoid",
    "bernoulli": "sigmoid",
}
FEWER_BITS = (
    4  # that codes take 0.04 % more with 6 bits of the prior's weights is less than they weigh in a file
)
SCALE = 2.0**20  # counts as whole numbers


class LossyCoder(ExactCodes):
    """Codes pictures by a run's VQ-VAE.

    Args:
        run: of a model of codes, on the CPU.
        trade: 1 per cent fewer bits may cost so many per cent more squared error. 0 takes the encoder's own codes; 1 made
            files of photographs a tenth smaller, with 2 per cent more error, in eleven times the time.
        images: the run's own, if they are loaded already; they are looked at where no prior is fitted.
        weight_bits: as in `exact_codes`.

    Attributes:
        remade: whether a reader that has the run makes the same again. Counts of codes are those of this machine, and
            must go into the file.

    Raises:
        SettingError, RunError, DataError: as in `exact_codes`.
    """

    def __init__(
        self, run: Run, trade: float = 0.0, images: Data | None = None, weight_bits: int = WEIGHT_BITS
    ) -> None:
        made = exact_codes(run, images, weight_bits)
        super().__init__(made.shape, made.grid, made.vectors, made.decoder, made.mean, made.masses)
        self.model, self.trade = cast(Quantizes, run.model), trade
        self.remade = isinstance(made.masses, FittedCodes)

    def code(self, levels: NDArray[np.uint8], labels: Codes | None = None) -> Coded:
        """Codes pictures.

        Args:
            levels: (B, C, H, W), 0 to 255, of binary pixels 0 and 1.
            labels: (B,) classes for a conditional prior, which are sent; without them the best of each is found.
        """
        images = torch.from_numpy(np.ascontiguousarray(levels))
        images = images.float() if self.mean.endswith(BINARY) else to_unit(images)
        codes = inference.encode_codes(self.model, Split(images)).flatten(1).numpy()
        count = len(self.masses.classes)
        if labels is not None and len(labels) and 0 <= labels.min() <= labels.max() < count:
            y = labels.astype(np.int64)
        else:
            y = self.best_classes(codes)
        if self.trade and len(codes):
            chooser = Chooser(
                self.model, self.vectors / 2**FRACTION, self.masses, self.worth(images, codes, y)
            )
            parts = [slice(first, first + GROUP) for first in range(0, len(codes), GROUP)]
            codes = np.concatenate([chooser.better(images[part], codes[part], y[part]) for part in parts])
        return Coded(*self.packed(codes, y))

    def worth(self, images: Tensor, codes: Codes, y: Codes) -> float:
        """Squared error of a picture that a bit is worth: `trade` times what one is on average, of up to 128."""
        some = slice(0, GROUP)
        pictures = inference.decode_codes(self.model, torch.from_numpy(codes[some]).view(-1, *self.grid))
        errors = (pictures - images[some]).square().sum()
        return self.trade * float(errors) / float(self.bits(codes[some], y[some]).sum())


def exact_codes(run: Run, images: Data | None = None, weight_bits: int = WEIGHT_BITS) -> ExactCodes:
    """The reader's side of a run: decoder, and the prior of codes, where one is fitted, or else how often each was seen.

    Args:
        run: of a model of codes.
        images: the run's own, if they are loaded already; they are looked at where no prior is fitted.
        weight_bits: bits after the point of the decoder's weights; the prior's have FEWER_BITS fewer.

    Raises:
        SettingError: another model or likelihood, or weights that are too large for exact arithmetic.
        RunError: the prior is one of other weights.
        DataError: the run's data are needed and are not there.
    """
    model = run.model
    if not isinstance(model, Quantizes):
        raise SettingError(
            f"lossy=True needs the codes of a vqvae; {run.path} is a {run.settings.method}.", "lossy"
        )
    mean, prior = mean_of(model), model.fitted_prior() if isinstance(model, TakesPrior) else None
    if prior is None:
        data = run.load_data() if images is None else images
        masses: CodeMasses = counted(inference.encode_codes(model, data.train), model.quantizer.size)
    else:
        masses = fitted(prior, weight_bits - FEWER_BITS)
    vectors = vectors_of(model)
    h, w = model.grid
    builder = Builder(weight_bits)
    limits = int(vectors.min()), int(vectors.max())
    z = builder.input("z", (vectors.shape[1], h, w), *limits, 1.0, FRACTION)
    decoder = builder.program({"raw": translated(builder, cast(nn.Module, model.decoder), z, None)})
    return ExactCodes(model.shape, model.grid, vectors, decoder, mean, masses)


def mean_of(model: Model) -> str:
    """Name of the way from what the decoder gives to a picture, as in `ExactCodes`.

    Raises:
        SettingError: that is not one number for each value, or the values are not levels.
    """
    name, pixels = model.likelihood_name or "", model.pixels
    if pixels not in ("8-bit", "binary") or name not in MEANS:
        raise SettingError(
            f"lossy=True restores 8-bit or binary pixels from their mean: likelihood={name!r} on {pixels} pixels "
            "cannot; train the vqvae on 8-bit pixels with likelihood='gaussian-optimal'.",
            "lossy",
        )
    return MEANS[name] + BINARY * (pixels == "binary")


def vectors_of(model: Quantizes) -> Codes:
    """The vectors of all codes times 2**12, rounded, (K, D)."""
    quantizer, numbers = cast(Quantizer, model.quantizer), torch.arange(model.quantizer.size).view(-1, 1, 1)
    with torch.no_grad():
        vectors = quantizer.vectors(numbers.to(inference.device_of(model)))[..., 0, 0]
    return np.rint(np.ldexp(vectors.cpu().double().numpy(), FRACTION)).astype(np.int64)


def fitted(prior: Any, kept: int = WEIGHT) -> FittedCodes:
    """A prior of codes in exact arithmetic.

    Args:
        prior: a model of codes.
        kept: as in `exact_prior_of`.

    Raises:
        SettingError: it is no transformer of ours, or its weights are too large.
    """
    network = getattr(prior, "network", None)
    if not isinstance(network, CausalTransformer):
        raise SettingError(
            f"a {type(prior).__name__} cannot be turned into exact arithmetic, which lossy=True needs."
        )
    block = cast(CausalBlock, network.blocks[0])
    shape = PriorShape(
        codes=network.nothing,
        height=prior.shape[-2],
        width=prior.shape[-1],
        classes=prior.classes,
        channels=network.norm.normalized_shape[0],
        depth=len(network.blocks),
        heads=block.heads,
        epsilon=network.norm.eps,
    )
    seen = prior.seen.cpu().double().numpy()
    weights = {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}
    return FittedCodes(exact_prior_of(shape, weights, kept), shared_out(np.rint(seen) + (seen.sum() == 0)))


def counted(codes: Tensor, size: int) -> CountedCodes:
    """Shares of each code at each place in training images, smoothed as in
    `vaekit.evaluation.latents.independent_codes`.

    Args:
        codes: (N, h, w) of the training images.
        size: K.
    """
    columns = codes.flatten(1).T
    counts = torch.stack([column.bincount(minlength=size) for column in columns]).double()
    overall, alike = counts.sum(0), torch.full((size,), 1 / size, dtype=torch.float64)
    b = best_pull(overall, alike)
    above = smoothed(overall, alike, b)
    pull = best_pull(counts, above)
    return CountedCodes(shared_out(np.rint(smoothed(counts, above, pull).numpy() * SCALE)))
