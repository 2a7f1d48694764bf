"""Options of what is compared: the data, and what every method is given that has it. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vaekit.config.fields import option, same
from vaekit.config.likelihood_parts import LIKELIHOODS, LikelihoodPart
from vaekit.config.network_parts import NETWORKS, NetworkPart
from vaekit.config.options import DataSettings, FitSettings
from vaekit.config.parts import Undecided, part


@dataclass(frozen=True)
class CompareSettings(DataSettings):
    """The data of a comparison, and options that all of its methods share."""

    latent_dim: int | None = option(
        None,
        at_least=1,
        help="number of latent dimensions (none given: by the data, the same for all methods)",
    )
    network: NetworkPart | Undecided = part(
        NETWORKS, "auto", help="not of a vqvae; auto takes mlp for small grey images and arrays, else strided"
    )
    likelihood: LikelihoodPart | Undecided = part(
        LIKELIHOODS,
        "auto",
        help="of the methods that have one; auto takes bernoulli for binary pixels, else gaussian-optimal",
    )
    batch_size: int | None = option(
        None,
        at_least=1,
        help="images per step (none given: by the number of images, the same for all methods)",
    )
    device: str = same(FitSettings, "device")

    @property
    def source(self) -> DataSettings:
        """Those of the data."""
        return DataSettings(**self.those_of(DataSettings))

    @property
    def shared(self) -> dict[str, Any]:
        """Returns the options that every method gets that has them: the device, and what differs from the defaults, flat.

        The others are each method's own, or the data decide them."""
        theirs, defaults = {*DataSettings.names()}, {flag.name: flag.default for flag in self.flags()}
        own = {name: value for name, value in self.flat().items() if name not in theirs}
        return {name: value for name, value in own.items() if name == "device" or value != defaults[name]}
