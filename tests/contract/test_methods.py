"""What every entry of METHODS promises: built from its settings, trained, built again."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from vaekit import Data, DataError, SettingError, Split, fit
from vaekit.config.methods import METHODS, find_method, resolve
from vaekit.config.options import FitSettings, Settings
from vaekit.models import VQVAE, Model
from vaekit.models.build import create_model, given_by_data
from vaekit.objectives.base import Objective
from vaekit.objectives.create import create_objective
from vaekit.objectives.ramps import Clock
from vaekit.training.optimizers import OPTIMIZERS

SMALL = {"latent_dim": 3, "network": "mlp", "width": 16, "depth": 1, "codes": 8}
ONLY_IMAGES = {VQVAE}
NO_NATS = {"mse", "commitment", "codebook"}  # squared distances an image
CLASSES = 2
KINDS = {"8-bit": (1, 8, 8), "binary": (2, 5, 6), "real": (7,)}


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return request.param


def settings_of(method: str, **options: Any) -> Settings:
    known = find_method(method).options()
    small = {name: value for name, value in SMALL.items() if name in known}
    return resolve(method, {"data": "made up"}, small, options)


def build(method: str, pixels: str = "8-bit") -> tuple[Model, Objective]:
    torch.manual_seed(0)
    settings = settings_of(method)
    given = given_by_data(method, KINDS[pixels], pixels, CLASSES, "made up")
    if find_method(method).model_class() in ONLY_IMAGES and len(KINDS[pixels]) == 1:
        with pytest.raises(SettingError, match="needs images"):
            create_model(method, settings.model, given)
        pytest.skip(f"{method} takes images only")
    model = create_model(method, settings.model, given)
    return model, create_objective(method, settings.objective)


def batch(pixels: str = "8-bit", count: int = 6) -> Tensor:
    """Two kinds of images with some noise, so that there is something to learn."""
    x = torch.rand(2, *KINDS[pixels]).round()[torch.arange(count) % 2]
    x = (x - 0.2 * torch.rand_like(x)).abs()
    return x.round() if pixels == "binary" else x


def labels(count: int = 6) -> Tensor:
    """Of `batch`; methods that want none take no notice of them."""
    return torch.arange(count) % CLASSES


@pytest.mark.parametrize("pixels", KINDS)
def test_terms_are_nats_an_image_and_add_up(method: str, pixels: str) -> None:
    model, objective = build(method, pixels)
    x = batch(pixels)
    loss = objective(model, x, labels(), objective.values(Clock(0, 1).end))
    assert loss.total.shape == ()
    assert objective.criterion is None or objective.criterion in loss.terms
    for name, term in loss.terms.items():
        assert term.shape[0] == len(x), name
        assert bool(term.isfinite().all()), name
        assert (name.endswith("_nats") or name in NO_NATS) == (term.dim() == 1), name
    if "negative_elbo_nats" in loss.terms:
        parts = loss.terms["reconstruction_nats"] + loss.terms["kl_nats"]
        torch.testing.assert_close(loss.terms["negative_elbo_nats"], parts)
        torch.testing.assert_close(loss.terms["kl_nats"], loss.terms["kl_nats_by_dimension"].sum(1))


def test_two_steps_change_every_parameter(method: str) -> None:
    model, objective = build(method)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    phases = objective.phases(model)
    assert len({phase.name for phase in phases}) == len(phases)
    optimizers = [OPTIMIZERS["adam"](list(phase.parameters), FitSettings()) for phase in phases]
    for step in range(2):
        for phase, optimizer in zip(phases, optimizers, strict=True):
            loss = phase.loss(batch(), labels(), objective.values(Clock(step + 1, 2)))
            optimizer.zero_grad()
            loss.total.backward()
            optimizer.step()
    for name, parameter in model.named_parameters():
        assert not torch.equal(parameter, before[name]), name


def test_training_lowers_the_criterion_and_is_a_function_of_the_seed(method: str) -> None:
    torch.manual_seed(4)
    images = (255 * batch(count=200)).to(torch.uint8)
    y = labels(200)
    data = Data(
        "made up", Split(images[:160], y[:160]), Split(images[:0]), Split(images[160:], y[160:]), "8-bit"
    )
    ends, weights = [], []
    for epochs in (1, 15, 15):
        model, objective = build(method)
        history = fit(
            model, objective, data, epochs=epochs, batch_size=20, learning_rate=0.02, warmup=0, device="cpu",
            precision="fp32", progress="none", weights="best" if objective.criterion else "last",
        )  # fmt: skip
        if objective.criterion is not None:
            ends.append(history.summary["test"][objective.criterion])
        weights.append(model.state_dict())
    assert not ends or ends[1] < ends[0] - 0.1 * abs(ends[0])
    assert all(torch.equal(weights[1][name], weights[2][name]) for name in weights[1])


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


REAL = [(name, {}) for name in METHODS] + [
    ("vqvae", {"quantizer": "gradient"}),
    ("code-prior", {"conditional": True, "classes": 10}),
]


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("name", "options"), REAL)
def test_gradients_of_real_sizes_are_the_same_bits_each_time(name: str, options: dict[str, Any]) -> None:
    """Small tensors are added up by one thread, and so in one order, whatever adds them."""
    torch.manual_seed(0)
    settings = resolve(name, {"data": "made up"}, options)
    if name == "code-prior":
        given: dict[str, Any] = {"shape": (1, 7, 7)}
        x = torch.randint(512, (64, 1, 7, 7)).float()
    else:
        given = given_by_data(name, (1, 28, 28), "8-bit", 10, "made up")
        x = torch.rand(64, 1, 28, 28)
    model = create_model(name, settings.model, given)
    objective = create_objective(name, settings.objective)
    with torch.no_grad():
        for parameter in model.parameters():  # away from zeros, behind which all gradients are zero
            parameter.add_(0.02 * torch.randn_like(parameter))
    y, values, found = torch.arange(64) % 10, objective.values(Clock(1, 2)), []
    state = copy.deepcopy(model.state_dict())
    for _ in range(4):
        model.load_state_dict(state)
        torch.manual_seed(1)
        for phase in objective.phases(model):
            parameters = list(phase.parameters)
            found.append(torch.autograd.grad(phase.loss(x, y, values).total, parameters, allow_unused=True))
    phases = len(found) // 4
    for again in range(phases, len(found)):
        for one, other in zip(found[again % phases], found[again], strict=True):
            assert (one is None and other is None) or torch.equal(one, other)


@pytest.mark.parametrize("pixels", KINDS)
def test_arguments_build_the_same_again(method: str, pixels: str) -> None:
    """As JSON they lose nothing, and weights of the one fit the other, which then says the same."""
    model, objective = build(method, pixels)
    arguments = json.loads(json.dumps(model.arguments))
    assert arguments == model.arguments
    twin = type(model)(**arguments)
    assert twin.arguments == model.arguments
    twin.load_state_dict(model.state_dict())
    x, values = batch(pixels), objective.values(Clock(0, 1).end)
    again = type(objective)(**json.loads(json.dumps(objective.arguments)))
    assert again.arguments == objective.arguments
    assert again.values(Clock(3, 7)) == objective.values(Clock(3, 7))
    terms = []
    for one, its_objective in ((model, objective), (twin, again)):
        torch.manual_seed(1)
        terms.append(its_objective(one, x, labels(), values).terms)
    assert all(torch.equal(terms[0][name], terms[1][name]) for name in terms[0])


def test_arguments_hold_every_option_of_the_section(method: str) -> None:
    """Otherwise a run that was made in Python could not be written down."""
    settings = settings_of(method)
    model, objective = build(method)
    entry = find_method(method)
    assert {field.name for field in dataclasses.fields(entry.model_options)} <= set(model.arguments)
    assert objective.arguments == dataclasses.asdict(settings.objective)
    for name, value in dataclasses.asdict(settings.model).items():
        assert model.arguments[name] == value or value == "auto"


def test_samples_are_pictures_or_a_clear_refusal(method: str) -> None:
    model, _ = build(method)
    try:
        images = model.sample(9, generator=torch.Generator().manual_seed(0))
    except SettingError as error:
        refusal = str(error)
        assert "cannot sample" in refusal
        return
    assert images.shape == (9, *KINDS["8-bit"])
    assert 0 <= images.min().item() < images.max().item() <= 1
    assert not math.isclose(images[0].sum().item(), images[1].sum().item(), rel_tol=1e-9)


def test_the_summary_is_one_line(method: str) -> None:
    summary = find_method(method).summary
    assert 10 < len(summary) < 90
    assert "\n" not in summary
    assert not summary.endswith(".")


def test_labels_matter_to_methods_that_want_them_and_to_no_other(method: str) -> None:
    model, objective = build(method)
    model.eval()  # a codebook would move between the two calls
    values, terms = objective.values(Clock(0, 1).end), []
    with torch.no_grad():
        for parameter in model.parameters():  # away from blocks that are the identity
            parameter.add_(0.1 * torch.randn_like(parameter))
    x = batch()
    for y in (labels(), 1 - labels()):
        torch.manual_seed(0)
        loss = objective(model, x, y, values)
        terms.append(loss.total if objective.criterion is None else loss.terms[objective.criterion])
    assert torch.equal(terms[0], terms[1]) != find_method(method).labels
    if find_method(method).labels:
        with pytest.raises(DataError, match="pass y"):
            objective(model, x, None, values)
    else:
        objective(model, x, None, values)
