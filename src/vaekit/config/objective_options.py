"""Options of the objectives. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vaekit.config.fields import Options, option


@dataclass(frozen=True)
class NoSettings(Options):
    """Options of objectives that have none: `Reconstruction`, `CodeLength`, `Density`."""


@dataclass(frozen=True)
class ELBOSettings(Options):
    """Options of the objective `ELBO`."""

    beta: float = option(1.0, at_least=0, first=True, help="weight of the KL term")
    kl_warmup: float = option(
        0.0,
        at_least=0,
        at_most=1,
        help="share of the run (of each cycle if cyclical) over which beta rises from 0",
    )
    beta_schedule: Literal["linear", "cosine", "cyclical"] = option(
        "linear", help="how beta rises; cyclical has four cycles"
    )
    free_bits: float = option(
        0.0, at_least=0, help="nats per latent dimension that cost nothing (batch mean)"
    )


@dataclass(frozen=True)
class IWAESettings(Options):
    """Options of the objective `IWAE`."""

    samples: int = option(5, at_least=1, first=True, help="draws of z for each image")
    estimator: Literal["standard", "dreg"] = option(
        "standard",
        help="gradient of the encoder; dreg is doubly reparameterised: less noise, for many samples",
    )


@dataclass(frozen=True)
class QuantizedSettings(Options):
    """Options of the objective `QuantizedReconstruction`."""

    commitment: float = option(
        0.25,
        at_least=0,
        help="weight of the squared distance that draws the encoder to its codes",
    )


@dataclass(frozen=True)
class AdversarialSettings(Options):
    """Options of the objective `Adversarial`."""

    penalty: float = option(
        1.0,
        at_least=0,
        first=True,
        help="weight of the discriminator's squared gradient at real images (R1); 0 takes none",
    )


@dataclass(frozen=True)
class TCVAESettings(Options):
    """Options of the objective `TCVAE`."""

    beta: float = option(6.0, at_least=0, first=True, help="weight of the total correlation; 1 is the ELBO")


@dataclass(frozen=True)
class FactorVAESettings(Options):
    """Options of the objective `FactorVAE`."""

    gamma: float = option(10.0, at_least=0, first=True, help="weight of the total correlation")
    discriminator_width: int = option(
        256, at_least=1, help="units of each of the discriminator's six layers; 1000 in the paper"
    )


@dataclass(frozen=True)
class DIPVAESettings(Options):
    """Options of the objective `DIPVAE`."""

    off_diagonal: float = option(10.0, at_least=0, first=True, help="weight of the squared covariances of z")
    diagonal: float = option(
        10.0, at_least=0, help="weight of the squared distance of the variances of z from 1"
    )


@dataclass(frozen=True)
class CapacitySettings(Options):
    """Options of the objective `Capacity`."""

    capacity: float = option(25.0, at_least=0, first=True, help="KL that is aimed at in the end (nats)")
    capacity_ramp: float = option(
        0.33, at_least=0, at_most=1, help="share of the run over which the aim rises from 0"
    )
    capacity_weight: float = option(100.0, at_least=0, help="weight of the KL's distance from the aim")
