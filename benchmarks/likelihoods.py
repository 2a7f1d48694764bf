"""What do the likelihoods, and the IWAE, give at an equal budget? The tables of docs/likelihoods.md.

    python benchmarks/likelihoods.py recipes/grey_bce.json [--samples 0] [--seed 0]

Trains as the recipe says and prints one JSON object: the terms of the test split, the seconds, and
- for a model with `bce`: the same weights judged by the continuous Bernoulli density;
- with --samples K: the importance-weighted bound of the test images with its standard error.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

import torch

from vaekit import fit, load_data
from vaekit.core import derive_seed
from vaekit.data import Data
from vaekit.evaluation.likelihood import importance_bound, negative_elbo
from vaekit.methods import resolve
from vaekit.models import LatentModel
from vaekit.runs import new_model, seeded_model
from vaekit.settings import Settings, read_config


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
    data = load_data(**dataclasses.asdict(settings.data))
    model, objective = new_model(settings, data)
    assert isinstance(model, LatentModel)
    history = fit(model, objective, data, method=settings.method, **dataclasses.asdict(settings.fit))
    result: dict[str, Any] = {
        "recipe": options.recipe,
        "threads": torch.get_num_threads(),
        "summary": history.summary,
    }
    if model.arguments["likelihood"] == "bce":
        judged = judged_by_density(model, settings, data)
        result["same_weights_continuous_bernoulli"] = negative_elbo(
            judged, data.test, precision="fp32"
        ).as_dict()
    if options.samples:
        bound = importance_bound(
            model,
            data.test,
            options.samples,
            seed=derive_seed("bound"),
            dynamic=data.dynamic,
            precision="fp32",
        )
        result["importance_bound"] = bound.as_dict()
    print(json.dumps(result))


def judged_by_density(model: LatentModel, settings: Settings, data: Data) -> LatentModel:
    """The same weights, the decoder's logits taken as those of a continuous Bernoulli."""
    options = dataclasses.replace(settings.model, likelihood="continuous-bernoulli")
    judged = seeded_model(
        dataclasses.replace(settings, model=options), {"shape": data.shape, "pixels": data.pixels}
    )
    judged.load_state_dict(model.state_dict())
    assert isinstance(judged, LatentModel)
    return judged


if __name__ == "__main__":
    main()
