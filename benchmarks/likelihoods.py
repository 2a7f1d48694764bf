"""What do the likelihoods, and the IWAE, give at an equal budget? The tables of docs/likelihoods.md.

    python benchmarks/likelihoods.py recipes/grey_bce.json [--samples 0] [--seed 0]

Trains as the recipe says and prints one JSON object: the terms of the test split, the seconds, and
- for `bce`: the same weights judged by the continuous Bernoulli density;
- for `bce` and `continuous-bernoulli`: the mass that this density has within half a level of each pixel,
  in nats per image and bits/dim;
- with --samples K: the importance-weighted bound of the test images with its standard error.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Independent

from vaekit import fit, load_data
from vaekit.config.likelihood_parts import ContinuousBernoulli
from vaekit.config.methods import resolve
from vaekit.config.options import Settings, read_config
from vaekit.core import derive_seed
from vaekit.data import Batches, Data
from vaekit.distributions import kl_by_dimension
from vaekit.distributions.numerics import log1mexp
from vaekit.evaluation.likelihood.bounds import negative_elbo
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.metrics import bits_per_dimension
from vaekit.models import LatentModel
from vaekit.models.base import evaluating
from vaekit.models.build import seeded_model
from vaekit.training.fresh import new_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--samples", type=int, default=0)
    parser.add_argument("--seed", type=int, help="another seed than the recipe's")
    options = parser.parse_args()
    values = read_config(options.recipe)
    if options.seed is not None:
        values["seed"] = options.seed
    settings = resolve(values["method"], values)
    data = load_data(**settings.data.flat())
    model, objective = new_model(settings, data)
    assert isinstance(model, LatentModel)
    history = fit(model, objective, data, method=settings.method, options=settings.fit)
    assert history.summary is not None
    result: dict[str, Any] = {
        "recipe": options.recipe,
        "threads": torch.get_num_threads(),
        "summary": history.summary.as_dict(),
    }
    if model.arguments["likelihood"] in ("bce", "continuous-bernoulli"):
        judged = judged_by_density(model, settings, data)
        result["continuous_bernoulli"] = negative_elbo(judged, data.test, precision="fp32").as_dict()
        result["continuous_bernoulli_levels"] = in_levels(judged, data)
    if options.samples:
        bound = importance_bound(
            model,
            data.test,
            options.samples,
            seed=derive_seed("bound"),
            precision="fp32",
        )
        result["importance_bound"] = bound.as_dict()
    print(json.dumps(result))


def judged_by_density(model: LatentModel, settings: Settings, data: Data) -> LatentModel:
    """The same weights, the decoder's logits taken as those of a continuous Bernoulli."""
    options = dataclasses.replace(settings.model, likelihood=ContinuousBernoulli())
    judged = seeded_model(
        dataclasses.replace(settings, model=options), {"shape": data.shape, "pixels": data.pixels}
    )
    judged.load_state_dict(model.state_dict())
    assert isinstance(judged, LatentModel)
    return judged


def in_levels(model: LatentModel, data: Data) -> dict[str, float]:
    """-ELBO of the test images with the mass of each level under the density, one sample of z."""
    torch.manual_seed(derive_seed("levels"))
    total = 0.0
    with evaluating(model), torch.inference_mode():
        for x, y in Batches(data.test, 1000, "cpu", shuffle=False).epoch(0):
            output = model(x, y)
            assert isinstance(output.likelihood, Independent)
            logits = output.likelihood.base_dist.logits
            total += float((kl_by_dimension(output.latents[0]).sum() - log_mass(logits, x).sum()).double())
    nats = total / len(data.test)
    return {"negative_elbo_nats": nats, "negative_elbo_bpd": bits_per_dimension(nats, data.dimensions)}


def log_mass(logits: Tensor, x: Tensor) -> Tensor:
    """log of the integral of l exp(l t) / (exp(l) - 1) over the level of x: half a level to either side."""
    size = logits.abs().clamp_min(1e-4)
    distance = torch.where(logits > 0, 1 - x, x)  # from the end where the density is highest
    near, far = (distance - 0.5 / 255).clamp_min(0), (distance + 0.5 / 255).clamp_max(1)
    return -size * near + log1mexp(size * (far - near)) - log1mexp(size)


if __name__ == "__main__":
    main()
