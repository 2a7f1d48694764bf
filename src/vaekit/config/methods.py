"""METHODS: every method that can be trained, one line each. Imports no torch.

A method is a model and an objective with their options, and the defaults in which it differs.
The command line, the contract tests and the documentation are driven from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vaekit.config import model_options as m
from vaekit.config import objective_options as o
from vaekit.config import options as s
from vaekit.config.fields import Flag, Options, check_known, imported
from vaekit.config.run_length import with_layer
from vaekit.core import SettingError, choose
from vaekit.synonyms import meant


@dataclass(frozen=True)
class Method:
    """One entry of METHODS.

    Attributes:
        model: the model's class, or "module:Class" so that the table needs no torch.
        objective: the objective's class, named in the same way.
        model_options: the model's options.
        objective_options: the objective's options.
        summary: one line for help and documentation.
        overrides: defaults of options in which this method differs.
        labels: the model is conditioned on the class of each image; data without labels cannot train it.
        data_options: options of its data.
        loader: "module:function" that takes these and gives a `Data`.

    Example:
        >>> vaekit.METHODS["beta-vae"].summary
        'VAE with a heavier KL term (Higgins et al. 2017)'
        >>> "beta" in vaekit.METHODS["beta-vae"].options()
        True
    """

    model: str | type
    objective: str | type
    model_options: type[Options]
    objective_options: type[Options]
    summary: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    labels: bool = False
    data_options: type[Options] = s.DataSettings
    loader: str = "vaekit.data:load_data"

    def load(self, options: Any) -> Any:
        """The data of its section of data options."""
        return imported(self.loader)(**options.flat())

    def model_class(self) -> type:
        return imported(self.model)

    def objective_class(self) -> type:
        return imported(self.objective)

    def sections(self) -> dict[str, type[Options]]:
        """The sections of `Settings`, in order."""
        return {
            "data": self.data_options,
            "model": self.model_options,
            "objective": self.objective_options,
            "fit": s.FitSettings,
        }

    def flags(self) -> dict[str, list[Flag]]:
        """All options by section, flat, those of the parts that can be chosen included.

        Raises:
            SettingError: two sections or parts have an option of one name.
        """
        found = {title: section.flags() for title, section in self.sections().items()}
        names = [flag.name for flags in found.values() for flag in flags]
        for name in names:
            if names.count(name) > 1:
                raise SettingError(f"two parts of {self.summary} have an option {name!r}; rename one.", name)
        return found

    def options(self) -> list[str]:
        """Names of all options, flat."""
        return [flag.name for flags in self.flags().values() for flag in flags]


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

# Their objectives say what latents are to be like, which is not what principal components are.
PLAIN = {"init": "random"}

METHODS: dict[str, Method] = {
    "ae": Method(AE, RECONSTRUCTION, m.AutoencoderSettings, o.NoSettings, "autoencoder: deterministic latents, no prior"),
    "vae": Method(VAE, ELBO, m.AutoencoderSettings, o.ELBOSettings, "variational autoencoder (Kingma & Welling 2014)"),
    "beta-vae": Method(VAE, ELBO, m.AutoencoderSettings, o.ELBOSettings, "VAE with a heavier KL term (Higgins et al. 2017)",
                       {"beta": 4.0, **PLAIN}),
    "beta-tcvae": Method(VAE, TC, m.AutoencoderSettings, o.TCVAESettings, "VAE with a heavier total correlation (Chen et al. 2018)", PLAIN),
    "factor-vae": Method(VAE, FACTOR, m.AutoencoderSettings, o.FactorVAESettings, "total correlation by a discriminator (Kim & Mnih 2018)",
                         PLAIN),
    "dip-vae": Method(VAE, DIP, m.AutoencoderSettings, o.DIPVAESettings, "VAE with uncorrelated latents, DIP-VAE II (Kumar et al. 2018)",
                      PLAIN),
    "capacity-vae": Method(VAE, CAPACITY, m.AutoencoderSettings, o.CapacitySettings, "KL that follows an aim (Burgess et al. 2018)",
                           PLAIN),
    "cvae": Method(VAE, ELBO, m.AutoencoderSettings, o.ELBOSettings, "VAE conditioned on the class (Sohn et al. 2015)", labels=True),
    "iwae": Method(VAE, IWAE, m.AutoencoderSettings, o.IWAESettings, "VAE with the importance-weighted bound (Burda et al. 2016)"),
    "vqvae": Method(VQVAE, QUANTIZED, m.VQVAESettings, o.QuantizedSettings, "autoencoder with discrete codes (van den Oord et al. 2017)"),
    "gan": Method(GAN, ADVERSARIAL, m.GANSettings, o.AdversarialSettings, "GAN: draws, encodes none (Goodfellow et al. 2014)", CHASE),
    "cgan": Method(GAN, ADVERSARIAL, m.GANSettings, o.AdversarialSettings, "GAN conditioned on the class (Mirza & Osindero 2014)",
                   CHASE, True),
}  # fmt: skip

# What `vaekit prior` fits to the latents of a run: by the same training, on latents instead of images.
PRIORS: dict[str, Method] = {
    "code-prior": Method(
        "vaekit.models.code_prior:CodePrior", "vaekit.objectives.nll:CodeLength", m.CodePriorSettings, o.NoSettings,
        "causal transformer over a grid of codes",
        {"optimizer": "muon", "learning_rate": 1.6e-2, "beta1": 0.8, "batch_size": 64, "epochs": 4},
        data_options=s.CodesSettings, loader="vaekit.training.priors:load_codes",
    ),
    "mixture": Method(
        "vaekit.models.mixture:Mixture", "vaekit.objectives.nll:Density", m.MixtureSettings, o.NoSettings,
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


def resolve(
    method: str, *layers: Mapping[str, Any], where: str = "settings", quiet: bool = False
) -> s.Settings:
    """Settings of a run: the method's overrides, then each layer over the one before.

    Args:
        where: what an error names as the place of the options; "" names none.
        quiet: says nothing of options that the chosen parts do not have, such as those of an older config.json.

    Raises:
        SettingError: an option that this method does not have, or a value that does not fit.
    """
    entry = find_method(method)
    values: dict[str, Any] = dict(entry.overrides)
    for layer in layers:
        options = {key: value for key, value in layer.items() if key != "method"}
        check_known(options, entry.options(), f"{where} (method {method})" if where else f"method {method}")
        values = with_layer(values, options)
    if "data" not in values:
        raise SettingError(f"{where}: no data given; data='digits' works without any file.", "data")
    try:
        return s.Settings(
            method,
            **{title: section_of(section, values, quiet) for title, section in entry.sections().items()},
            given=frozenset(key for layer in layers for key in layer if key != "method"),
        )
    except SettingError as error:
        if not where:
            raise
        raise SettingError(f"{where}: {error}") from None


def section_of(section: type[Options], values: Mapping[str, Any], quiet: bool = False) -> Any:
    """A section from those of the values that belong to it."""
    names = section.names()
    return section.of({name: value for name, value in values.items() if name in names}, quiet=quiet)


def whose(name: str) -> str:
    """` beta is an option of ELBO: ELBO(beta=...).` for a word that is one of another part's options, or ``."""
    for method in sorted(METHODS.values(), key=lambda method: method.model != METHODS["vae"].model):
        callers = {"model": class_name(method.model), "objective": class_name(method.objective), "fit": "fit"}
        flags = method.flags()
        for section, caller in callers.items():
            known = [flag.name for flag in flags[section]]
            if ours := meant(name, known, alike=False):
                return f" {ours} is an option of {caller}: {caller}({ours}=...)."
    return ""


def class_name(reference: str | type) -> str:
    """The name of a class that is given itself or as "module:Class"."""
    return reference.rpartition(":")[2] if isinstance(reference, str) else reference.__name__
