"""`check_method` on methods that are wrong in one way each: the check that is there for it fails, and says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from toy_likelihood import Laplace, LaplaceLikelihood
from two_layers import TWO_LAYERS, Ancestral, TwoLayers, TwoLayersSettings
from vaekit.config import configured
from vaekit.config.methods import METHODS, Method
from vaekit.config.objective_options import ELBOSettings
from vaekit.core import Latent, Loss, SettingError
from vaekit.distributions import LIKELIHOODS
from vaekit.models import Model
from vaekit.models.capabilities import Discriminates
from vaekit.objectives.elbo import ELBO
from vaekit.testing import check_likelihood, check_method, checks_of
from vaekit.testing.command_checks import COMMAND_CHECKS
from vaekit.testing.made_up import Subject
from vaekit.testing.model_checks import MODEL_CHECKS


class Restless(TwoLayers):
    """Its embeddings are draws."""

    def infer(self, x: Tensor, y: Tensor | None = None) -> tuple[Latent, ...]:
        return self.forward(x, y).latents


class Flat(Ancestral):
    """N(0, I), whatever the layer above."""

    def log_prob(self, value: Tensor) -> Tensor:
        return Normal(torch.zeros_like(value), 1.0).log_prob(value).sum(-1)


class Blurred(TwoLayers):
    """Its reconstructions have noise in them."""

    def reconstruct(self, x: Tensor, y: Tensor | None = None, **how: Any) -> Tensor:
        return (super().reconstruct(x, y, **how) + 0.01 * torch.randn(len(x), *self.shape)).clamp(0, 1)


class FlatPrior(TwoLayers):
    """Its prior over all layers takes no notice of what the lower one is given."""

    def prior(self) -> Ancestral:
        return Flat(self)


class Idle(TwoLayers):
    """It has a parameter that nothing uses."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.idle = nn.Linear(2, 2)


class Glaring(TwoLayers):
    """Its samples lie outside [0, 1]."""

    def sample(self, count: int, y: Tensor | None = None, **how: Any) -> Tensor:
        return 2 * super().sample(count, y, **how)


class Undecided(TwoLayers):
    """Its samples take no notice of the generator."""

    def sample(self, count: int, y: Tensor | None = None, **how: Any) -> Tensor:
        return super().sample(count, y, temperature=how.get("temperature", 1.0))


class Forgetful(TwoLayers):
    """What it takes from the training images is not among its weights."""

    brightness = 0.0

    def prepare(self, images: Tensor) -> None:
        self.brightness = float(images.float().mean()) / 255

    def picture(self, likelihood: Distribution) -> Tensor:
        return super().picture(likelihood) * self.brightness


class Secretive(TwoLayers):
    """An option is not among its arguments, and so it is lost."""

    @configured(TwoLayersSettings)
    def __init__(self, shape: tuple[int, ...], options: TwoLayersSettings, **given: Any) -> None:
        super().__init__(shape, options, **given)
        del self.arguments["hidden"]


class Mumbling(TwoLayers):
    """p(x|z) of several draws comes without its leading dimension."""

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        return super().decode(z.flatten(0, -2) if z.dim() > 2 else z, y)


class Summed(ELBO):
    """A term is the sum over the batch."""

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        loss = super().forward(model, x, y, values)
        return Loss(loss.total, {**loss.terms, "kl_nats": loss.terms["kl_nats"].sum().expand(len(x))})


class Unnamed(ELBO):
    """A term does not say its unit."""

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        loss = super().forward(model, x, y, values)
        return Loss(loss.total, {**loss.terms, "penalty": loss.terms["kl_nats"]})


class Uphill(ELBO):
    """It maximises what it is to minimise."""

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        loss = super().forward(model, x, y, values)
        return Loss(-loss.total, loss.terms)


class Demanding(ELBO):
    """It needs what the model cannot do."""

    needs = (Discriminates,)


def method(
    model: type = TwoLayers, objective: type = ELBO, summary: str = "two layers, wrong", labels: bool = False
) -> Method:
    return Method(model, objective, TwoLayersSettings, ELBOSettings, summary, labels=labels)


WRONG = {  # what fails first, with a piece of what is said
    "restless": (method(Restless), "embeddings are deterministic", "draws in them"),
    "blurred": (method(Blurred), "reconstructions are deterministic", "draws in them"),
    "flat-prior": (method(FlatPrior), "layers agree with the joint", "by layers and flat: off by"),
    "idle": (method(Idle), "steps change every parameter", "idle.weight"),
    "glaring": (method(Glaring), "samples are images", "samples lie outside"),
    "undecided": (method(Undecided), "samples are images", "no function of the seed"),
    "forgetful": (method(Forgetful), "what is loaded is what was trained", "not in state_dict"),
    "secretive": (method(Secretive), "arguments hold every option", "arguments lack hidden"),
    "mumbling": (method(Mumbling), "embeddings are deterministic", "leading sample dimensions"),
    "summed": (method(objective=Summed), "terms are nats per image", "KL and its dimensions: off by"),
    "unnamed": (method(objective=Unnamed), "terms are nats per image", "penalty says its unit"),
    "uphill": (method(objective=Uphill), "training is a function of the seed", "the criterion went from"),
    "demanding": (method(objective=Demanding), "objective fits model", "TwoLayers does not; take a GAN"),
    "labelled": (method(labels=True), "labels matter where wanted", "labels change the loss where"),
    "wordy": (method(summary="It ends."), "summary is one line", "It ends."),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_the_right_check_fails_first_and_says_what_is_wrong(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, check, said = WRONG[wrong]
    monkeypatch.setitem(METHODS, wrong, entry)
    with pytest.raises(AssertionError) as caught:
        check_method(wrong, commands=False)
    assert str(caught.value).startswith(f"{wrong}: {check}: "), caught.value
    assert said in str(caught.value)


@pytest.mark.parametrize(("wrong", "model", "check"), [
    ("blind", "reconstruct", "reconstruct"),
    ("unheard", "sample", "sample"),
])  # fmt: skip
def test_a_command_that_fails_is_found(
    wrong: str, model: str, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other errors than assertions are failures of the check as well, with their kind."""

    def broken(self: Any, *given: Any, **named: Any) -> Tensor:
        raise RuntimeError("size mismatch")

    kind = type("Broken", (TwoLayers,), {model: broken})
    monkeypatch.setitem(METHODS, wrong, method(kind))
    failing = next(one for one in checks_of(wrong)[len(MODEL_CHECKS) :] if one.name == check)
    with pytest.raises(AssertionError, match="RuntimeError: size mismatch"):
        failing()


def test_options_are_those_of_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "two-layers", TWO_LAYERS)
    with pytest.raises(SettingError, match="Did you mean two-layers"):
        checks_of("two-layer")
    with pytest.raises(SettingError, match=r"unknown option 'hiden'.* Did you mean hidden"):
        checks_of("two-layers", hiden=3)
    with pytest.raises(SettingError, match="hidden must be at least 1"):
        checks_of("two-layers", hidden=0)
    subject = Subject("two-layers", {"hidden": 5, "beta": 2.0})
    built, objective = subject.build()
    assert (built.arguments["hidden"], objective.arguments["beta"]) == (5, 2.0)
    names = [check.name for check in checks_of("two-layers", hidden=5)]
    assert names == [*MODEL_CHECKS, *COMMAND_CHECKS]
    assert len(set(names)) == len(names)


# Likelihoods -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Doubled(Laplace):
    """A part whose module the tests put in."""


def test_a_likelihood_without_its_constant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoConstant(LaplaceLikelihood):
        def forward(self, raw: Tensor) -> Distribution:
            class Shifted(Independent):
                def log_prob(self, value: Tensor) -> Tensor:
                    return super().log_prob(value) + 1.0

            return Shifted(super().forward(raw).base_dist, self.dimensions)  # type: ignore[attr-defined]

    class Careless(LaplaceLikelihood):
        def forward(self, raw: Tensor) -> Distribution:
            return Independent(torch.distributions.Laplace(raw, self.spread), self.dimensions)

    class Squared(LaplaceLikelihood):
        def forward(self, raw: Tensor) -> Distribution:
            return super().forward(raw**3)

    monkeypatch.setitem(LIKELIHOODS, "doubled", Doubled)
    for module, message in (
        (
            NoConstant,
            "its kind is what the sum or the integral says, real pixels: a density has the total 2.7",
        ),
        (Careless, "half precision numbers are widened"),
        (Squared, "the start has the mean that is asked for"),
    ):
        monkeypatch.setattr(Doubled, "module", module)
        monkeypatch.setattr(Doubled, "pixels", ("real",))
        with pytest.raises(AssertionError, match=f"^doubled\\(spread=0.4\\): {message}"):
            check_likelihood("doubled(spread=0.4)")
    with pytest.raises(SettingError, match="Did you mean doubled"):
        check_likelihood("doubed")
