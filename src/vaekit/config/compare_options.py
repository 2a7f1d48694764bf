"""Options of what is compared: the data, and what every method is given that has it. Imports no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from vaekit.config.fields import rule_of, same
from vaekit.config.likelihood_parts import LIKELIHOODS, LikelihoodPart
from vaekit.config.model_options import AutoencoderSettings
from vaekit.config.network_parts import NETWORKS, NetworkPart
from vaekit.config.options import DataSettings, FitSettings
from vaekit.config.parts import Undecided, part


@dataclass(frozen=True)
class CompareSettings(DataSettings):
    """The data of a comparison, and options that all of its methods share."""

    latent_dim: int = same(AutoencoderSettings, "latent_dim")
    network: NetworkPart | Undecided = part(
        NETWORKS, "auto", help="not of a vqvae; auto takes mlp for small grey images and arrays, else resnet"
    )
    likelihood: LikelihoodPart | Undecided = part(
        LIKELIHOODS, "auto", help="of the methods that have one; auto takes each method's own"
    )
    batch_size: int = same(FitSettings, "batch_size")
    device: str = same(FitSettings, "device")

    @property
    def source(self) -> DataSettings:
        """Those of the data."""
        return DataSettings(**self.those_of(DataSettings))

    @property
    def shared(self) -> dict[str, Any]:
        """Returns the options that every method gets that has them: the device, and what differs from the defaults, flat."""
        own = {field.name for field in dataclasses.fields(self)} - {*self.source.names()}
        defaults = {flag.name: flag.default for flag in self.flags()}
        flat: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            if field.name in own:
                flat |= rule_of(field).flat(field.name, getattr(self, field.name))
        return {name: value for name, value in flat.items() if name == "device" or value != defaults[name]}
