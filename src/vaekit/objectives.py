"""Objectives: from what a model says about a batch to the number that is minimised.

An objective reads only the `Output` record, so one ELBO serves every model with a posterior. It is a
module: parameters of its own (a discriminator, say) are saved, moved and resumed with the run.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.core import Loss, Output, SettingError, choose
from vaekit.distributions import kl_by_dimension, log_density
from vaekit.methods import find_method
from vaekit.models import Model
from vaekit.networks.quantizers import used_codes
from vaekit.schedules import RAMPS, Clock

FEW_USED = 0.2  # share of the codebook, below which something is wrong


class Objective(nn.Module, ABC):
    """Interface of an objective.

    Attributes:
        criterion: the term, in nats an image, by which weights are compared on validation; None where
            no term says how good they are, and the last are kept.
        arguments: what the constructor was given, JSON-able.
    """

    criterion: str | None
    arguments: dict[str, Any]

    def values(self, clock: Clock) -> dict[str, float]:
        """What is scheduled, at this point of the run: name -> value, {"beta": 0.3}. Nothing by default."""
        return {}

    @abstractmethod
    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        """Loss of a batch; x: (B, *shape) float, y: (B,) labels or None."""

    def figures(self, means: Mapping[str, Any], counts: Mapping[str, Tensor]) -> dict[str, float]:
        """What is reported beside the means of the terms over images, because it is none itself.

        Args:
            means: of the terms, over the images of a split or of some steps.
            counts: histograms of the same images, summed.
        """
        return {}

    def remark(self, figures: Mapping[str, Any]) -> str | None:
        """What the user should be told about the figures of a split, with a remedy."""
        return None

    def phases(self, model: Model) -> list[Phase]:
        """What one step consists of. One update of all parameters, unless an objective says otherwise."""
        return [Phase("main", Step(self, model), [*model.parameters(), *self.parameters()])]


class Step(nn.Module):
    """An objective bound to its model, so that a phase is one module's forward."""

    def __init__(self, objective: Objective, model: Model) -> None:
        super().__init__()
        self.objective = objective
        self.model = model

    def forward(self, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        return self.objective(self.model, x, y, values)


@dataclass(frozen=True)
class Phase:
    """One update within a step: which loss, by which parameters, how often.

    Attributes:
        name: of the phase, unique in its objective.
        loss: module whose forward(x, y, values) gives a Loss.
        parameters: those that this phase updates.
        every: the phase takes part in steps 0, every, 2 * every, ...
    """

    name: str
    loss: nn.Module
    parameters: Iterable[nn.Parameter]
    every: int = 1


class NegativeLogLikelihood(Objective):
    """-log p of what is given, as the model says it; reported under the name of the criterion."""

    criterion: str

    def __init__(self) -> None:
        super().__init__()
        self.arguments = {}

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        nats = -model(x, y).likelihood.log_prob(x)
        return Loss(nats.mean(), {self.criterion: nats})


class Reconstruction(NegativeLogLikelihood):
    """-log p(x|z) and nothing else: an autoencoder's loss."""

    criterion = "reconstruction_nats"


class Density(NegativeLogLikelihood):
    """-log p(x) of a model that says it exactly: a density of latents."""

    criterion = "nll_nats"


class CodeLength(NegativeLogLikelihood):
    """-log p(c) of a grid of codes, which is what the codes of an image cost: `code_bits` and `code_nats`."""

    criterion = "code_nats"

    def figures(self, means: Mapping[str, Any], counts: Mapping[str, Tensor]) -> dict[str, float]:
        return {"code_bits": means["code_nats"] / math.log(2)}


class QuantizedReconstruction(Objective):
    """-log p(x|z) + ||sg[z_e] - e||^2 + commitment ||z_e - sg[e]||^2 (van den Oord et al. 2017, eq. 3).

    All three are summed over the image. The codebook term is there for a codebook that learns by
    gradient; with moving averages it falls away, and FSQ has neither.

    Args:
        commitment: weight of the commitment.

    Raises:
        SettingError: a negative weight.
    """

    criterion = "reconstruction_nats"

    def __init__(self, commitment: float = 0.25) -> None:
        super().__init__()
        if not commitment >= 0:
            raise SettingError(f"commitment must be 0 or more, not {commitment}.")
        self.commitment = commitment
        self.arguments = {"commitment": commitment}

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
        occurs, and `code_perplexity`, of all images together."""
        used, perplexity = used_codes(counts["code"])
        found = {"code_usage": used / len(counts["code"]), "code_perplexity": perplexity}
        if means.get("mse", 0.0) > 0:
            found["psnr_db"] = -10 * math.log10(means["mse"])
        return found

    def remark(self, figures: Mapping[str, Any]) -> str | None:
        if figures["code_usage"] >= FEW_USED:
            return None
        return (
            f"only {figures['code_usage']:.0%} of the codes are used: codebook collapse; keep --kmeans and "
            "--revive on, take fewer --codes, or --quantizer fsq, which cannot collapse"
        )


class ELBO(Objective):
    """-E_q[log p(x|z)] + beta KL(q(z|x) || p(z)), one sample of z an image.

    beta = 1 is the evidence lower bound (Kingma & Welling 2014, eq. 3); beta > 1 is the beta-VAE
    (Higgins et al. 2017, eq. 4). `negative_elbo_nats` always has beta = 1 and no free bits.

    Args:
        beta: weight of the KL term.
        kl_warmup: share of the run, 0 to 1, over which beta rises from 0 (of each cycle if cyclical).
        beta_schedule: key of RAMPS.
        free_bits: nats; a latent dimension whose KL, averaged over the batch, is below this costs
            this much and has no gradient (Kingma et al. 2016, eq. 15). 0 switches it off.

    Raises:
        SettingError: a negative weight, or a share outside [0, 1].
    """

    criterion = "loss_nats"

    def __init__(
        self, beta: float = 1.0, kl_warmup: float = 0.0, beta_schedule: str = "linear", free_bits: float = 0.0
    ) -> None:
        super().__init__()
        if not beta >= 0:
            raise SettingError(f"beta must be 0 or more, not {beta}.")
        if not 0 <= kl_warmup <= 1:
            raise SettingError(f"kl_warmup is a share of the run, from 0 to 1, not {kl_warmup}.")
        if not free_bits >= 0:
            raise SettingError(f"free_bits must be 0 nats or more, not {free_bits}.")
        choose(beta_schedule, RAMPS, "beta_schedule")
        self.beta, self.kl_warmup = beta, kl_warmup
        self.ramp, self.free_bits = RAMPS[beta_schedule], free_bits
        self.arguments = {
            "beta": beta,
            "kl_warmup": kl_warmup,
            "beta_schedule": beta_schedule,
            "free_bits": free_bits,
        }

    def values(self, clock: Clock) -> dict[str, float]:
        return {"beta": self.beta * self.ramp(clock.progress, self.kl_warmup)}

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        output = model(x, y)
        reconstruction = -output.likelihood.log_prob(x)
        layers = [kl_by_dimension(latent) for latent in output.latents if latent.posterior is not None]
        if not layers:
            raise SettingError("the ELBO needs a model with a posterior; for an AE take Reconstruction().")
        by_dimension = torch.cat(layers, dim=-1)
        kl = by_dimension.sum(-1)
        charged = kl
        if self.free_bits > 0:
            charged = by_dimension.mean(0).clamp_min(self.free_bits).sum()
        loss = reconstruction + values["beta"] * charged
        terms = {
            "loss_nats": loss,
            "negative_elbo_nats": reconstruction + kl,
            "reconstruction_nats": reconstruction,
            "kl_nats": kl,
            "kl_nats_by_dimension": by_dimension,
        }
        return Loss(loss.mean(), terms)


class IWAE(Objective):
    """-log 1/K sum_k p(x, z_k) / q(z_k|x), z_k ~ q(z|x): the importance-weighted bound (Burda et al. 2016, eq. 8).

    With K = 1 the ELBO with a sampled KL; larger K come closer to -log p(x). The encoder sees an image
    once, the decoder K times. `negative_elbo_nats` and its parts are means over the same samples, so
    that runs with an ELBO can be compared.

    Args:
        samples: K, draws of z for each image; memory and time of the decoder grow with it.
        estimator: "standard", or "dreg": the doubly reparameterised gradient of the encoder (Tucker
            et al. 2019), of the same mean and less noise. The decoder's gradient is the same.

    Raises:
        SettingError: fewer than one sample, or an unknown estimator.
    """

    criterion = "negative_iwae_bound_nats"

    def __init__(self, samples: int = 5, estimator: str = "standard") -> None:
        super().__init__()
        if samples < 1:
            raise SettingError(f"samples must be at least 1, not {samples}.")
        choose(estimator, ["standard", "dreg"], "estimator")
        self.samples, self.estimator = samples, estimator
        self.arguments = {"samples": samples, "estimator": estimator}

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        output = model(x, y, self.samples)
        if any(latent.posterior is None for latent in output.latents):
            raise SettingError("the IWAE needs a model whose latents all have a posterior; train a vae.")
        log_likelihood = output.likelihood.log_prob(x)
        loss = math.log(self.samples) - self.log_weights(output, log_likelihood).logsumexp(0)
        with torch.no_grad():
            first = [dataclasses.replace(latent, z=latent.z[0]) for latent in output.latents]
            by_dimension = torch.cat([kl_by_dimension(latent) for latent in first], dim=-1)
            reconstruction, kl = -log_likelihood.mean(0), by_dimension.sum(-1)
        terms = {
            "negative_iwae_bound_nats": loss,
            "negative_elbo_nats": reconstruction + kl,
            "reconstruction_nats": reconstruction,
            "kl_nats": kl,
            "kl_nats_by_dimension": by_dimension,
        }
        return Loss(loss.mean(), terms)

    def log_weights(self, output: Output, log_likelihood: Tensor) -> Tensor:
        """log p(x, z) / q(z|x), (S, B), from an output with samples and log p(x|z), (S, B).

        With `dreg` the parameters of q are held constant where they enter the density, and what reaches
        the encoder through z is weighted once more: the share of a sample in the sum, squared.
        """
        log_weights = log_likelihood
        for latent in output.latents:
            assert latent.posterior is not None
            assert latent.prior is not None
            posterior = held(latent.posterior) if self.estimator == "dreg" else latent.posterior
            log_weights = log_weights + log_density(latent.prior, latent.z) - log_density(posterior, latent.z)
        if self.estimator == "dreg" and log_weights.requires_grad:
            if len(output.latents) != 1:
                raise SettingError("estimator 'dreg' needs one layer of latents; take 'standard'.")
            z = output.latents[0].z
            shares = log_weights.detach().softmax(0).view(*log_weights.shape, *(1 for _ in z.shape[2:]))
            z.register_hook(lambda gradient: shares * gradient)
        return log_weights


def held(distribution: Distribution) -> Distribution:
    """The same distribution, its parameters constants."""
    parameters = {name: getattr(distribution, name).detach() for name in distribution.arg_constraints}
    return type(distribution)(**parameters, validate_args=False)


def create_objective(method: str, options: Any) -> Objective:
    """The objective of a method with its section of options."""
    return find_method(method).objective_class()(**dataclasses.asdict(options))
