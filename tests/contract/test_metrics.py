"""Every number that any method reports, and every one that is measured afterwards, has an entry with a unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from toy import SMALL
from vaekit import Data, Split, evaluate, fit
from vaekit.comparison import measure
from vaekit.config.methods import METHODS, PRIORS, find_method, resolve
from vaekit.data import Factor, load_data
from vaekit.evaluation.factors.disentanglement import disentanglement
from vaekit.evaluation.latents.codebook import CodeReport
from vaekit.evaluation.latents.findings import CodeUsage
from vaekit.evaluation.outliers import SCORES
from vaekit.evaluation.samples.features.store import features_for
from vaekit.metrics import METRICS, known, metric_of
from vaekit.models import VAE
from vaekit.models.build import create_model, given_by_data
from vaekit.objectives.create import create_objective
from vaekit.training.fit import History

SETTINGS = {"seed", "classes", "grid"}  # of an evaluation: what was asked for, no measurement
OPTIONS = {
    "latent_dim": 3,
    "network": "mlp",
    "width": 16,
    "depth": 1,
    "codes": 8,
    "heads": 2,
    "components": 2,
}


def numbers(record: Mapping[str, Any]) -> Iterator[str]:
    """Keys of all numbers, single ones, lists of them and those with an error beside."""
    for key, value in record.items():
        if isinstance(value, Mapping) and "value" not in value and key != "images":
            yield from numbers(value)
        elif (
            isinstance(value, Mapping)
            or is_number(value)
            or (value and is_number(np.ravel(value).tolist()[0]))
        ):
            yield key


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def data_for(method: str) -> Data:
    """Images of bars, or what a prior is fitted to."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(60) % 2
    if method == "code-prior":
        x: torch.Tensor = torch.randint(8, (60, 1, 2, 2), generator=generator).float()
    elif method == "mixture":
        x = torch.randn(60, 3, generator=generator)
    else:
        x = (255 * torch.rand(60, 1, 8, 8, generator=generator)).to(torch.uint8)
    pixels = "8-bit" if x.dtype == torch.uint8 else "real"
    parts = [Split(x[a:b], y[a:b]) for a, b in ((0, 40), (40, 50), (50, 60))]
    return Data("made up", parts[0], parts[1], parts[2], pixels, class_names=["a", "b"])


def trained(method: str, **options: Any) -> History:
    """Two steps of a method."""
    entry = find_method(method)
    flags = {flag.name: flag for section in entry.flags().values() for flag in section}
    known = {name: value for name, value in OPTIONS.items() if name in flags}
    small = {name: value for name, value in known.items() if value in (flags[name].choices or (value,))}
    settings, data = resolve(method, {"data": "made up"}, small | options), data_for(method)
    given: dict[str, Any] = {"shape": data.shape}
    if method in METHODS:
        given = given_by_data(method, data.shape, data.pixels, 2, "made up")
    model, objective = (
        create_model(method, settings.model, given),
        create_objective(method, settings.objective),
    )
    return fit(model, objective, data, epochs=1, batch_size=20, weights="last", **SMALL)


@pytest.mark.parametrize(
    ("method", "options"),
    [(name, {}) for name in (*METHODS, *PRIORS)]
    + [("vae", {"likelihood": "categorical"}), ("vqvae", {"quantizer": "gradient"}), ("gan", {"penalty": 0})],
)
def test_every_term_of_every_method_has_an_entry(method: str, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    history = trained(method, **options)
    lines = {key for line in history.metrics for key in line.values}
    assert len(lines) >= 2  # a term and the learning rate
    splits = {key for split in history.summary.splits.values() for key, _ in split}
    run = {key for key, value in history.summary.as_dict().items() if type(value) in (int, float)}
    for key in lines | splits | run | {"weights.epoch"}:
        plain = f"{key.removesuffix('_bpd')}_nats" if key.endswith("_bpd") else key
        assert plain in METRICS, f"{method} reports {key}, of which METRICS says nothing"
        assert metric_of(key).unit


@pytest.fixture(scope="module")
def digits() -> Data:
    return load_data("digits")


@pytest.mark.parametrize("likelihood", ["bce", "categorical", "gaussian"])
def test_every_number_of_an_evaluation_has_an_entry(digits: Data, likelihood: str) -> None:
    torch.manual_seed(0)
    model = VAE(digits.shape, 3, width=8, likelihood=likelihood)
    record = evaluate(
        model, digits, samples=2, images=20, jackknife=True, annealed=2, temperatures=3,
        sandwich=0 if likelihood == "bce" else 2, features=features_for(digits),
    ).as_dict()  # fmt: skip
    found = set(numbers(record)) - SETTINGS
    assert len(found) > 40
    assert not [key for key in found if not known(key) or not metric_of(key).unit]


def test_every_number_of_codes_and_factors_has_an_entry() -> None:
    codes = CodeReport(3, (2, 2), CodeUsage(8, 4, 3.5), 0.1, 20.0, 12.0, 10.0, (9.0, 0.1))
    assert None not in dataclasses.astuple(codes)
    factors = np.random.default_rng(0).random((1000, 2))
    kinds = (Factor("place", None), Factor("height", None))
    for record in (codes.as_dict(), disentanglement(factors, factors, kinds).as_dict()):
        assert {key for key in numbers(record) if not known(key)} <= SETTINGS


def test_every_score_has_an_entry() -> None:
    assert SCORES.keys() <= METRICS.keys()


def test_every_figure_of_a_comparison_has_an_entry(digits: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "BOUND_SAMPLES", 2)
    reference = measure.Reference(digits, features_for(digits))
    torch.manual_seed(0)
    model = VAE(digits.shape, 3, width=8, likelihood="categorical").eval()
    summary = {"parameters": 1, "epochs": 1, "steps": 1, "train_seconds": 0.1}
    run: Any = SimpleNamespace(model=model, summary=summary)
    monkeypatch.setattr(measure, "costs", lambda run: dict(run.summary))
    found = measure.measure(run, reference)["figures"].keys() | reference.floor().keys()
    assert len(found) > 20 and "lossless_bits" in found
    assert not found - METRICS.keys()
