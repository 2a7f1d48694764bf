"""What every entry of METHODS promises: the checks of `vaekit.testing`, and gradients of real sizes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from vaekit import SettingError
from vaekit.config.methods import METHODS, resolve
from vaekit.models.build import create_model, given_by_data
from vaekit.objectives.create import create_objective
from vaekit.objectives.ramps import Clock
from vaekit.testing import Check, checks_of
from vaekit.testing.command_checks import COMMAND_CHECKS
from vaekit.testing.made_up import Subject

CHECKS = {f"{name}: {check.name}": check for name in METHODS for check in checks_of(name, commands=False)}
COMMANDS = {  # one method of each kind of model; what a VAE and a VQ-VAE do there is tested with a likelihood of the tests' own
    f"{name}: {check}": check for name in ("ae", "cvae", "gan") for check in checks_of(name) if check.name in COMMAND_CHECKS
}  # fmt: skip
CANNOT_SAMPLE = {"ae", "vqvae"}  # before a prior is fitted
ONLY_IMAGES = {"vqvae"}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_every_method_keeps_its_promises(check: Check) -> None:
    check()


@pytest.mark.parametrize("check", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_model_of_each_kind_passes_through_every_command(check: Check) -> None:
    check()


@pytest.mark.parametrize("method", METHODS)
def test_who_samples_and_who_takes_rows_of_features(method: str) -> None:
    subject = Subject(method)
    model, _ = subject.build()
    assert model.can_sample() == (method not in CANNOT_SAMPLE)
    assert subject.takes("real") == (method not in ONLY_IMAGES)
    if method in ONLY_IMAGES:
        with pytest.raises(SettingError, match="needs images"):
            subject.build("real")


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
