"""The loss of a vector-quantised autoencoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vaekit.config.configured import options_of
from vaekit.config.objective_options import QuantizedSettings
from vaekit.core import Loss
from vaekit.models import Model
from vaekit.models.capabilities import Quantizes
from vaekit.networks.quantizers import used_codes
from vaekit.objectives.base import Objective


class QuantizedReconstruction(Objective):
    """-log p(x|z) + ||sg[z_e] - e||^2 + commitment ||z_e - sg[e]||^2 (van den Oord et al. 2017, eq. 3).

    All three are summed over the image. The codebook term is there for a codebook that learns by
    gradient; with moving averages it falls away, and FSQ has neither.

    Example:
        >>> model = vaekit.VQVAE(data.shape, codes=32, width=16, depth=1)
        >>> history = vaekit.fit(model, vaekit.QuantizedReconstruction(commitment=0.5), data, steps=2, progress=False)
    """

    criterion = "reconstruction_nats"
    needs = (Quantizes,)

    @options_of(QuantizedSettings)
    def __init__(self, options: QuantizedSettings) -> None:
        super().__init__(options)
        self.commitment = options.commitment

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        output = model(x, y)
        loss = reconstruction = -output.likelihood.log_prob(x)
        if "codebook" in output.penalties:
            loss = loss + output.penalties["codebook"]
        if "commitment" in output.penalties:
            loss = loss + self.commitment * output.penalties["commitment"]
        terms = {"loss_nats": loss, "reconstruction_nats": reconstruction, **output.penalties}
        if output.picture is not None:
            terms["mse"] = (output.picture - x).square().flatten(1).mean(1)
        return Loss(loss.mean(), terms, output.counts)

    def figures(self, means: Mapping[str, Any], counts: Mapping[str, Tensor]) -> dict[str, float]:
        """`psnr_db` of the mean error, for a peak of 1; `code_usage`, the share of the codebook that
        occurs, and `code_perplexity`, of all images together.

        Args:
            means: of the terms, over the images of a split or of some steps.
            counts: how often each code occurred in them, "code" -> (K,).
        """
        used, perplexity = used_codes(counts["code"])
        found = {"code_usage": used / len(counts["code"]), "code_perplexity": perplexity}
        if means.get("mse", 0.0) > 0:
            found["psnr_db"] = -10 * math.log10(means["mse"])
        return found
