"""METHODS: every method that can be trained, one line each. Imports no torch.

A method is a model and an objective with their options, and the defaults in which it differs.
The command line, the contract tests and the documentation are driven from this table.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vaekit.config import options as s
from vaekit.core import SettingError, choose


@dataclass(frozen=True)
class Method:
    """One entry of METHODS.

    Attributes:
        model: the model's class, or "module:Class" so that the table needs no torch.
        objective: the objective's class, likewise.
        model_options: settings section that mirrors the model's constructor.
        objective_options: settings section that mirrors the objective's constructor.
        summary: one line for help and documentation.
        overrides: defaults of options in which this method differs.
        labels: the model is told the class of each image; data without labels cannot train it.
        data_options: settings section of its data.
        loader: "module:function" that takes these and gives a `Data`.
    """

    model: str | type
    objective: str | type
    model_options: type
    objective_options: type
    summary: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    labels: bool = False
    data_options: type = s.DataSettings
    loader: str = "vaekit.data:load_data"

    def load(self, options: Any) -> Any:
        """The data of its section of data options."""
        return _resolve(self.loader)(**dataclasses.asdict(options))

    def model_class(self) -> type:
        return _resolve(self.model)

    def objective_class(self) -> type:
        return _resolve(self.objective)

    def sections(self) -> dict[str, type]:
        """The sections of `Settings`, in order."""
        return {
            "data": self.data_options,
            "model": self.model_options,
            "objective": self.objective_options,
            "fit": s.FitSettings,
        }

    def options(self) -> list[str]:
        """Names of all options, flat."""
        return [f.name for section in self.sections().values() for f in dataclasses.fields(section)]


AE, VAE, VQVAE, GAN = (
    "vaekit.models.ae:AE",
    "vaekit.models.vae:VAE",
    "vaekit.models.vqvae:VQVAE",
    "vaekit.models.gan:GAN",
)

ADVERSARIAL = "vaekit.objectives.adversarial:Adversarial"

ELBO, IWAE, RECONSTRUCTION, QUANTIZED = (
    "vaekit.objectives.elbo:ELBO",
    "vaekit.objectives.iwae:IWAE",
    "vaekit.objectives.nll:Reconstruction",
    "vaekit.objectives.vq:QuantizedReconstruction",
)

TC, FACTOR, DIP, CAPACITY = (
    "vaekit.objectives.tcvae:TCVAE",
    "vaekit.objectives.factor_vae:FactorVAE",
    "vaekit.objectives.dip_vae:DIPVAE",
    "vaekit.objectives.capacity:Capacity",
)

# Two networks that chase each other: little momentum, averaged weights, and none of them the best.
CHASE = {"learning_rate": 2e-3, "beta1": 0.0, "average": 0.998, "weights": "last"}

METHODS: dict[str, Method] = {
    "ae": Method(AE, RECONSTRUCTION, s.AutoencoderSettings, s.ReconstructionSettings, "autoencoder: a deterministic code, no prior"),
    "vae": Method(VAE, ELBO, s.AutoencoderSettings, s.ELBOSettings, "variational autoencoder (Kingma & Welling 2014)"),
    "beta-vae": Method(VAE, ELBO, s.AutoencoderSettings, s.ELBOSettings, "VAE with a heavier KL term (Higgins et al. 2017)", {"beta": 4.0}),
    "beta-tcvae": Method(VAE, TC, s.AutoencoderSettings, s.TCVAESettings, "VAE with a heavier total correlation (Chen et al. 2018)"),
    "factor-vae": Method(VAE, FACTOR, s.AutoencoderSettings, s.FactorVAESettings, "total correlation by a discriminator (Kim & Mnih 2018)"),
    "dip-vae": Method(VAE, DIP, s.AutoencoderSettings, s.DIPVAESettings, "VAE with uncorrelated codes, DIP-VAE II (Kumar et al. 2018)"),
    "capacity-vae": Method(VAE, CAPACITY, s.AutoencoderSettings, s.CapacitySettings, "KL that follows an aim (Burgess et al. 2018)"),
    "cvae": Method(VAE, ELBO, s.AutoencoderSettings, s.ELBOSettings, "VAE that is told the class (Sohn et al. 2015)", labels=True),
    "iwae": Method(VAE, IWAE, s.AutoencoderSettings, s.IWAESettings, "VAE with the importance-weighted bound (Burda et al. 2016)"),
    "vqvae": Method(VQVAE, QUANTIZED, s.VQVAESettings, s.QuantizedSettings, "autoencoder with discrete codes (van den Oord et al. 2017)"),
    "gan": Method(GAN, ADVERSARIAL, s.GANSettings, s.AdversarialSettings, "GAN: draws, encodes none (Goodfellow et al. 2014)", CHASE),
    "cgan": Method(GAN, ADVERSARIAL, s.GANSettings, s.AdversarialSettings, "GAN told the class (Mirza & Osindero 2014)", CHASE, True),
}  # fmt: skip

# What `vaekit prior` fits to the codes of a run: by the same training, on codes instead of images.
PRIORS: dict[str, Method] = {
    "code-prior": Method(
        "vaekit.models.code_prior:CodePrior", "vaekit.objectives.nll:CodeLength", s.CodePriorSettings, s.CodeLengthSettings,
        "causal transformer over a grid of codes",
        {"optimizer": "muon", "learning_rate": 1.6e-2, "beta1": 0.8, "batch_size": 64, "epochs": 4},
        data_options=s.CodesSettings, loader="vaekit.training.priors:load_codes",
    ),
    "mixture": Method(
        "vaekit.models.mixture:Mixture", "vaekit.objectives.nll:Density", s.MixtureSettings, s.CodeLengthSettings,
        "Gaussian mixture over latents, started by EM", {"learning_rate": 1e-3, "epochs": 5},
        data_options=s.CodesSettings, loader="vaekit.training.priors:load_codes",
    ),
}  # fmt: skip


def find_method(name: str) -> Method:
    """The entry of a name in METHODS or PRIORS.

    Raises:
        SettingError: no such method; names the near miss and all methods.
    """
    if name in PRIORS:
        return PRIORS[name]
    choose(name, METHODS, "method")
    return METHODS[name]


def resolve(method: str, *layers: Mapping[str, Any], where: str = "settings") -> s.Settings:
    """Settings of a run: the method's overrides, then each layer over the one before.

    Raises:
        SettingError: an option that this method does not have, or a value of the wrong type.
    """
    entry = find_method(method)
    values: dict[str, Any] = dict(entry.overrides)
    for layer in layers:
        options = {key: value for key, value in layer.items() if key != "method"}
        s.check_known(options, entry.options(), f"{where} (method {method})")
        values |= options
    if "data" not in values:
        raise SettingError(f"{where}: no data given; --data digits works without any file.")
    return s.Settings(
        method, **{name: s.build(section, values, where) for name, section in entry.sections().items()}
    )


def _resolve(reference: str | type) -> Any:
    if isinstance(reference, type):
        return reference
    module, name = reference.split(":")
    return getattr(importlib.import_module(module), name)
