"""The loop, against updates worked out by hand, plain loops, and runs that must not differ."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from toy import SMALL, Scripted, Weights, no_images, toy_data
from vaekit import core
from vaekit.config.optimizer_parts import OPTIMIZERS, OptimizerPart
from vaekit.config.options import FitSettings
from vaekit.core import Loss, NonFiniteError, SettingError, VaekitWarning
from vaekit.data import Batches, Data, Split
from vaekit.models import AE, VAE
from vaekit.objectives.base import Phase
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.nll import Reconstruction
from vaekit.objectives.ramps import Clock, linear_ramp
from vaekit.runs.checkpoints import load_state
from vaekit.runs.records import WeightsRecord
from vaekit.training import trainer as loop
from vaekit.training import validate as measuring
from vaekit.training.fit import History, fit

STEPS = 3  # an epoch of the toy data in batches of 16
CPU = torch.device("cpu")


def vae(seed: int = 0, **options: Any) -> VAE:
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {"width": 8} | options
    return VAE((1, 4, 4), 3, **sizes)


def train(model: Any, objective: Any, data: Data | None = None, **options: Any) -> History:
    return fit(model, objective, data or toy_data(), **{"epochs": 2, "batch_size": 16, **SMALL} | options)


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}


class PlainSGD(OptimizerPart):
    """A part of the tests' own."""

    def build(self, parameters: Sequence[nn.Parameter], learning_rate: float, hidden: object = None) -> SGD:
        return SGD(parameters, learning_rate)


@pytest.fixture
def plain_sgd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without momentum, so that an update is the rate times the gradient."""
    monkeypatch.setitem(OPTIMIZERS, "sgd", PlainSGD)


class Falling(Scripted):
    """Every weight falls by (learning rate) x (its factor) a step. Remembers weights and images it saw."""

    def __init__(self, *factors: float) -> None:
        super().__init__(self.look)
        self.factors = torch.tensor(factors)
        self.seen: list[Tensor] = []
        self.images: list[Tensor] = []

    def look(self, model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        if model.training:
            self.seen.append(model.weights.detach().clone())
            self.images.append(x.clone())
        return {"loss_nats": model.weights @ self.factors}


# Steps -------------------------------------------------------------------------------------------


def by_hand(schedule: str, step: int, steps: int, warmup: int, peak: float) -> float:
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    done = (step - warmup) / (steps - warmup)
    share = {"constant": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}
    return peak * share[schedule]


@pytest.mark.usefixtures("plain_sgd")
@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_every_step_has_the_rate_of_its_schedule(schedule: str) -> None:
    objective = Falling(1.0)
    options = {"schedule": schedule, "warmup": 4, "learning_rate": 0.25, "weights": "last"}
    model = Weights(0.0)
    history = train(model, objective, epochs=4, optimizer="sgd", **options)
    seen = torch.cat([*objective.seen, model.weights.detach()])
    expected = torch.tensor([by_hand(schedule, step, 12, 4, 0.25) for step in range(12)])
    torch.testing.assert_close(seen[:-1] - seen[1:], expected)
    logged = [line.values["learning_rate"] for line in history.metrics if line.split == "train"]
    assert logged == pytest.approx([by_hand(schedule, step, 12, 4, 0.25) for step in (2, 5, 8, 11)])


@pytest.mark.usefixtures("plain_sgd")
@pytest.mark.parametrize(("clip", "expected"), [(5.0, [3.0, 4.0]), (50.1, [30.0, 40.0]), (0.0, [30.0, 40.0])])
def test_clipping_keeps_the_direction_and_bounds_the_norm(clip: float, expected: list[float]) -> None:
    objective = Falling(30.0, 40.0)
    train(
        Weights(0.0, 0.0),
        objective,
        optimizer="sgd",
        schedule="constant",
        warmup=0,
        learning_rate=1.0,
        clip=clip,
    )
    torch.testing.assert_close(
        objective.seen[0] - objective.seen[1], torch.tensor(expected), rtol=1e-4, atol=0
    )


@pytest.mark.usefixtures("plain_sgd")
def test_averaged_weights_are_the_average_over_the_steps() -> None:
    objective, model = Falling(1.0), Weights(0.0)
    history = train(
        model, objective, optimizer="sgd", average=0.6, weights="last", warmup=40, learning_rate=1.0
    )
    expected, last = 0.0, objective.seen[-1].item()
    path = [seen.item() for seen in objective.seen[1:]]
    path.append(last - by_hand("linear", 5, 6, 40, 1.0))
    for step, value in enumerate(path):
        past = min(0.6, (1 + step) / (10 + step))
        expected = past * expected + (1 - past) * value
    assert model.weights.item() == pytest.approx(expected, rel=1e-5)
    assert history.summary.weights == WeightsRecord("last", 2, True)


class TwoPhases(Falling):
    """As for a GAN: the second weight has an update of its own, every third step."""

    class Part(nn.Module):
        def __init__(self, model: Weights, index: int) -> None:
            super().__init__()
            self.model, self.index = model, index

        def forward(self, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
            loss = getattr(self.model, f"weights{self.index or ''}").sum().expand(len(x))
            return Loss(loss.mean(), {f"part{self.index}_nats": loss})

    def phases(self, model: Any) -> list[Phase]:
        model.weights1 = nn.Parameter(torch.zeros(1))
        parts = [self.Part(model, index) for index in (0, 1)]
        return [
            Phase("often", parts[0], [model.weights]),
            Phase("seldom", parts[1], iter([model.weights1]), every=3),
        ]


@pytest.mark.usefixtures("plain_sgd")
def test_a_phase_takes_part_in_its_own_steps_with_its_own_parameters() -> None:
    model, objective = Weights(0.0), TwoPhases(1.0)
    data = toy_data(validation=no_images(), test=no_images())
    options = {"schedule": "constant", "warmup": 0, "learning_rate": 0.5, "clip": 0.25}
    history = train(model, objective, data, epochs=3, optimizer="sgd", **options)  # steps 0 to 8
    assert model.weights.item() == pytest.approx(-9 * 0.5 * 0.25)
    assert model.get_parameter("weights1").item() == pytest.approx(-3 * 0.5 * 0.25)
    parts = [line.values["part1_nats"] for line in history.metrics]
    assert parts == pytest.approx([0.0, -0.125, -0.25], rel=1e-4)  # of the step that it took part in


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_trains_to_below_the_best_constant_image(name: str) -> None:
    rate, data = (0.04 if name == "sgd" else 0.03), toy_data()
    torch.manual_seed(0)
    model = AE((1, 4, 4), 3, width=8, likelihood="bce")
    history = train(model, Reconstruction(), data, optimizer=name, epochs=20, warmup=5, learning_rate=rate)
    mean = (data.train.images / 255).mean(0)
    x = data.validation.images / 255
    constant = nn.functional.binary_cross_entropy(mean.expand_as(x), x, reduction="sum").item() / len(x)
    assert history.validation.reconstruction_nats < constant - 0.15


# Randomness --------------------------------------------------------------------------------------


def test_the_seed_decides_every_bit_and_global_randomness_none() -> None:
    results = []
    for seed, disturbance in ((3, 1), (3, 2), (4, 1)):
        model = vae(likelihood="bce")
        torch.manual_seed(disturbance)
        before = torch.get_rng_state()
        train(model, ELBO(), toy_data(dynamic=True, pixels="binary"), seed=seed)
        assert torch.equal(torch.get_rng_state(), before)
        results.append(bits(model))
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_every_image_once_an_epoch_in_an_order_that_changes() -> None:
    objective, data = Falling(1.0), toy_data()
    images = (torch.arange(40, dtype=torch.uint8) * 6)[:, None, None, None].expand(40, 1, 4, 4)
    train(Weights(0.0), objective, data.replace(train=Split(images)), seed=8)
    assert [len(x) for x in objective.images] == [16, 16, 8] * 2
    seen = (255 / 6 * torch.cat(objective.images)[:, 0, 0, 0]).round().int().tolist()
    assert sorted(seen[:40]) == sorted(seen[40:]) == list(range(40))
    assert seen[:40] != seen[40:]
    assert seen[:40] != list(range(40))
    again = Falling(1.0)
    torch.manual_seed(31)
    train(Weights(0.0), again, data.replace(train=Split(images)), seed=8)
    assert all(torch.equal(a, b) for a, b in zip(objective.images, again.images, strict=True))


def test_the_test_split_chooses_nothing() -> None:
    results = []
    for test in (toy_data().test, no_images(), Split(torch.zeros(3, 1, 4, 4, dtype=torch.uint8))):
        model = vae()
        history = train(model, ELBO(), toy_data(test=test), patience=1, learning_rate=0.3, epochs=5)
        results.append((bits(model), history.summary.weights, history.summary.validation))
        assert (history.summary.test is not None) == (len(test) > 0)
    assert results[0] == results[1] == results[2]


# Which weights -----------------------------------------------------------------------------------


def scripted_validation(table: list[float], **options: Any) -> tuple[History, Weights]:
    """A run whose validation value after epoch i is table[i - 1]; the weight counts the steps."""

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        if model.training:
            return {"loss_nats": -model.weights.sum()}
        return {"loss_nats": torch.tensor(float(table[round(model.weights.item() / STEPS) - 1]))}

    model = Weights(0.0)
    steps = {"optimizer": "sgd", "schedule": "constant", "warmup": 0, "learning_rate": 1.0}
    return train(model, Scripted(terms), epochs=len(table), **steps | options), model


@pytest.mark.usefixtures("plain_sgd")
@pytest.mark.parametrize(
    ("table", "patience", "epochs", "best"),
    [
        ([5, 4, 4.5, 4.2, 3, 2], 2, 4, 2),
        ([5, 4, 4.5, 4.2, 3, 2], 3, 6, 6),
        ([5, 4, 4, 4, 3, 2], 1, 3, 2),  # equal is not better
        ([1, 2, 3], 0, 3, 1),
        ([1, 2, 3], 2, 3, 1),  # out of patience at the very end: nothing was cut short
    ],
)
def test_patience_and_best_weights(table: list[float], patience: int, epochs: int, best: int) -> None:
    history, model = scripted_validation(table, patience=patience)
    assert history.summary.epochs == epochs
    assert history.summary.steps == epochs * STEPS
    assert history.summary.stopped_early == (epochs < len(table))
    assert history.summary.weights == WeightsRecord("best", best, False)
    assert model.weights.item() == best * STEPS
    assert history.validation.loss_nats == pytest.approx(table[best - 1])


@pytest.mark.usefixtures("plain_sgd")
def test_the_last_weights_on_request_and_without_validation() -> None:
    history, model = scripted_validation([1, 2, 3], weights="last")
    assert history.summary.weights == WeightsRecord("last", 3, False)
    assert model.weights.item() == 3 * STEPS
    objective, model = Falling(-1.0), Weights(0.0)
    options = {"optimizer": "sgd", "schedule": "constant", "warmup": 0, "learning_rate": 1.0}
    history = train(model, objective, toy_data(validation=no_images()), **options)
    assert history.summary.weights.which == "last"
    assert history.summary.validation is None
    assert {line.split for line in history.metrics} == {"train", "test"}
    assert model.weights.item() == 2 * STEPS


@pytest.mark.usefixtures("plain_sgd")
def test_a_warm_up_of_the_kl_term_cannot_win() -> None:
    """10 - (epochs done) + beta * 8: lowest at the first epoch as trained, at the last one as judged."""

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        return {"loss_nats": 10 - model.weights.sum() / STEPS + values["beta"] * 8}

    objective = Scripted(terms, lambda clock: {"beta": linear_ramp(clock.progress, 1.0)})
    steps = {"optimizer": "sgd", "schedule": "constant", "warmup": 0, "learning_rate": float(STEPS)}
    history = train(Weights(0.0), objective, epochs=4, **steps)
    trained = [line.values["loss_nats"] for line in history.metrics if line.split == "train"]
    judged = [line.values["loss_nats"] for line in history.metrics if line.split == "validation"]
    assert trained == sorted(trained)  # the warm-up makes it rise
    assert judged == pytest.approx([17, 16, 15, 14])
    assert history.summary.weights.epoch == 4


@pytest.mark.usefixtures("plain_sgd")
def test_patience_counts_from_where_the_kl_has_its_weight() -> None:
    """Validation only rises: with a ramp over the first half of ten epochs two bad ones count after the fifth alone."""

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        return {"loss_nats": (-1 if model.training else 1) * model.weights.sum()}

    def epochs(ramp: float) -> int:
        objective = Scripted(terms, lambda clock: {"beta": linear_ramp(clock.progress, ramp)})
        options = {
            "optimizer": "sgd",
            "schedule": "constant",
            "warmup": 0,
            "learning_rate": 1.0,
            "patience": 2,
        }
        return train(Weights(0.0), objective, epochs=10, **options).summary.epochs

    assert epochs(0.5) == 7  # the fifth is the first that is judged, and the best
    assert epochs(0.0) == 3


def test_averaged_weights_are_those_that_are_validated() -> None:
    model = vae()
    history = train(model, ELBO(), average=0.9, epochs=4)
    batches = Batches(toy_data().validation, 1000, CPU, shuffle=False)
    seed = core.derive_seed("measure", "validation")
    again = measuring.mean_terms(model, ELBO(), batches, "fp32", seed)["loss_nats"]
    validated = [line.values["loss_nats"] for line in history.metrics if line.split == "validation"]
    assert again == min(validated) == history.validation.loss_nats


# What is measured --------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 7, 12, 1000])
def test_mean_terms_are_means_over_images_whatever_the_batch(batch: int) -> None:
    torch.manual_seed(0)
    model, split = AE((1, 4, 4), 3, width=8, likelihood="bce"), toy_data().validation
    batches = Batches(split, batch, CPU, shuffle=False)
    got = measuring.mean_terms(model, Reconstruction(), batches, "fp32", 0)
    x = split.images.double() / 255
    logits = model.decode(model.encode(x).mean).base_dist.logits.double()  # type: ignore[attr-defined]
    expected = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum") / 12
    assert got == {"reconstruction_nats": pytest.approx(expected.item(), rel=1e-6)}


def test_sums_are_in_float64() -> None:
    """2^24 + 1 + 1 + ... stays at 2^24 in float32."""

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        value = torch.where(torch.arange(len(x)) == 0, 2.0**24, 1.0)
        return {"loss_nats": value, "by_dimension": value[:, None].expand(-1, 2)}

    split = Split(torch.zeros(501, 1, 4, 4, dtype=torch.uint8))
    batches = Batches(split, 501, CPU, shuffle=False)
    got = measuring.mean_terms(Weights(0.0), Scripted(terms), batches, "fp32", 0)
    mean = (2**24 + 500) / 501
    assert got == {"loss_nats": mean, "by_dimension": [mean, mean]}


def test_measuring_changes_nothing_and_repeats_itself() -> None:
    model, objective = vae(), ELBO()
    model.train()
    model.encoder.eval()  # a mixture that must come back
    modes = [part.training for part in model.modules()]
    batches = Batches(toy_data().validation, 5, CPU, dynamic=True, seed=1, shuffle=False)
    before = torch.get_rng_state()
    first, second, other = (
        measuring.mean_terms(model, objective, batches, "fp32", seed) for seed in (1, 1, 2)
    )
    assert first == second != other
    assert torch.equal(torch.get_rng_state(), before)
    assert [part.training for part in model.modules()] == modes
    assert objective.training


class Noisy(nn.Module):
    """Returns its input, but noise while it trains."""

    def forward(self, x: Tensor, condition: None) -> Tensor:
        return nn.functional.dropout(x.flatten(1), 0.5, self.training)


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, z: Tensor, condition: None) -> Tensor:
        return self.scale * z.unflatten(1, (1, 4, 4))


def test_measuring_is_done_in_eval_mode() -> None:
    model = AE((1, 4, 4), 16, likelihood="gaussian", sigma=1.0, encoder=Noisy(), decoder=Scale()).train()
    batches = Batches(toy_data().validation, 5, CPU, shuffle=False)
    got = measuring.mean_terms(model, Reconstruction(), batches, "fp32", 0)
    assert got["reconstruction_nats"] == pytest.approx(8 * math.log(2 * math.pi), rel=1e-6)


def test_lines_of_training_are_means_over_the_images_of_their_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 2)

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        seen.append(x[:, 0, 0, 0].double())
        return {"loss_nats": model.weights.sum() + x[:, 0, 0, 0], "two_dimensional": x[:, 0, 0]}

    seen: list[Tensor] = []
    data = toy_data(validation=no_images(), test=no_images())
    history = train(Weights(0.0), Scripted(terms), data, optimizer="sgd", learning_rate=1e-12)
    windows = [(0, 2), (2, 3), (3, 4), (4, 6)]  # at every second step and at the end of an epoch
    expected = [torch.cat(seen[first:last]).mean().item() for first, last in windows]
    assert [line.step for line in history.metrics] == [2, 3, 4, 6]
    assert [line.epoch for line in history.metrics] == [1, 1, 2, 2]
    assert [line.values["loss_nats"] for line in history.metrics] == pytest.approx(expected, rel=1e-6)
    assert "two_dimensional" not in history.metrics[0].values


def test_metrics_have_the_scheduled_values_of_their_last_step() -> None:
    history = train(vae(), ELBO(beta=2.0, kl_warmup=1.0))
    betas = [line.values["beta"] for line in history.metrics if line.split == "train"]
    assert betas == pytest.approx([2 * 2 / 6, 2 * 5 / 6])
    assert Clock(2, 6).progress == 2 / 6


# Not finite --------------------------------------------------------------------------------------


def breaking(term: str, at: int, value: float = math.nan) -> Scripted:
    """A finite loss, until this term of step `at` is not."""
    step = iter(range(10_000))

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        now = next(step) if model.training else -1
        bad = torch.where(torch.arange(len(x)) == 2, value if now == at else 1.0, 1.0)
        good = torch.ones(len(x))
        return {"loss_nats": model.weights.sum() + good} | {
            name: bad if name == term else good for name in ("reconstruction_nats", "kl_nats")
        }

    return Scripted(terms)


@pytest.mark.parametrize("term", ["reconstruction_nats", "kl_nats"])
@pytest.mark.parametrize("at", [0, 1, 48, 49, 50, 51, 73])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_named_with_its_step(term: str, at: int, value: float) -> None:
    message = rf"^{term} is not finite at step {at}; try learning_rate=0.001, .*warmup\.$"
    with pytest.raises(NonFiniteError, match=message):
        train(
            Weights(0.0),
            breaking(term, at, value),
            toy_data(),
            epochs=30,
            batch_size=10,
            learning_rate=4e-3,
            average=0.5,
        )


def test_the_first_step_counts_not_the_first_term() -> None:
    """The loss comes first in the record, but went wrong later, because of the KL term."""

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        now = next(step)
        loss, kl = (torch.tensor(math.inf if now >= first else 1.0) for first in (3, 2))
        return {
            "loss_nats": model.weights.sum() + loss,
            "reconstruction_nats": torch.tensor(1.0),
            "kl_nats": kl,
        }

    for start, message in (
        (0, "kl_nats is not finite at step 2"),
        (3, "loss_nats, kl_nats are not finite at step 0"),
    ):
        step = iter(range(start, 99))
        with pytest.raises(NonFiniteError, match=message):
            train(Weights(0.0), Scripted(terms))


@pytest.mark.parametrize("at", [4, 50])
def test_a_state_is_never_saved_once_something_is_not_finite(
    at: int, tmp_path: Path, registered: str
) -> None:
    options = {"out": tmp_path / "run", "checkpoint_seconds": 0, "epochs": 30, "method": registered}
    with pytest.raises(NonFiniteError, match=rf"kl_nats is not finite at step {at};.* state is in .*run"):
        train(Weights(0.0), breaking("kl_nats", at), **options)
    state = load_state(tmp_path / "run" / "checkpoints")
    assert state is not None
    assert state["step"] == at  # saved before the step that broke it
    assert all(row["means"].isfinite().all() for row in state["window"])


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path, registered: str) -> None:
    """A finite loss with a gradient that is not: sqrt at 0."""

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        now = next(step) if model.training else 0
        return {"loss_nats": (model.weights.sum() * (0.0 if now == 3 else 1.0)).abs().sqrt()}

    step = iter(range(99))
    options = {"out": tmp_path / "run", "checkpoint_seconds": 0, "method": registered}
    with pytest.raises(NonFiniteError, match="the weights are not finite after step 3"):
        train(Weights(1.0), Scripted(terms), **options)
    state = load_state(tmp_path / "run" / "checkpoints")
    assert state is not None
    assert state["model"]["weights"].isfinite().all()


def test_a_last_step_that_is_not_finite_does_not_take_the_place_of_good_weights(
    tmp_path: Path, registered: str
) -> None:
    """Neither validation nor test images would tell."""

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        return {"loss_nats": (model.weights.sum() * (0.0 if next(step) == last else 1.0)).abs().sqrt()}

    data = toy_data()
    alone = data.replace(
        validation=data.validation.take(torch.arange(0)), test=data.test.take(torch.arange(0))
    )
    last, step = math.inf, itertools.count()
    train(Weights(1.0), Scripted(terms), alone)
    last, step = next(step) - 1, itertools.count()
    with pytest.raises(NonFiniteError, match="the weights are not finite after step"):
        train(Weights(1.0), Scripted(terms), alone, out=tmp_path / "run", method=registered)
    assert not (tmp_path / "run" / "summary.json").exists()


@pytest.mark.parametrize(("split", "name"), [(1, "validation"), (2, "test")])
def test_a_measure_that_is_not_finite(split: int, name: str, tmp_path: Path, registered: str) -> None:
    sizes = {12: 1, 10: 2}

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        bad = not model.training and sizes.get(len(x)) == split
        return {"loss_nats": model.weights.sum(), "kl_nats": torch.tensor(math.inf if bad else 0.0)}

    step = {"validation": 3, "test": 6}[name]
    message = f"kl_nats is not finite on the {name} split after step {step}; try"
    with pytest.raises(NonFiniteError, match=message):
        train(Weights(0.0), Scripted(terms), out=tmp_path / "run", method=registered)
    for line in (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> str:
    """A line in METHODS for the toy model, so that its runs can be kept."""
    from vaekit.config.methods import METHODS, Method
    from vaekit.config.objective_options import NoSettings

    monkeypatch.setitem(METHODS, "toy", Method(Weights, Scripted, NoSettings, NoSettings, "a toy"))
    return "toy"


# At the edge -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"epochs": 2.5}, "epochs must be a whole number or None, not 2.5"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, not 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0 and finite, not nan"),
        ({"learning_rate": math.inf}, "learning_rate must be above 0"),
        ({"clip": -1.0}, "clip must be at least 0"),
        ({"clip": math.nan}, "clip must be at least 0 and finite, not nan"),
        ({"warmup": -1}, "warmup must be at least 0"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"patience": -1}, "patience must be at least 0"),
        ({"checkpoint_seconds": math.inf}, "checkpoint_seconds must be at least 0 and finite, not inf"),
        ({"average": 1.0}, "average must be from 0 to below 1, not 1.0"),
        ({"beta2": 1.0}, "beta2 must be from 0 to below 1"),
        ({"optimizer": "adm"}, "optimizer: 'adm' is not one of .* Did you mean adam"),
        ({"schedule": "cos"}, "Did you mean cosine"),
        ({"weights": "first"}, "weights: 'first' is not one of best, last"),
        ({"precision": "fp16"}, "precision: 'fp16' is not one of"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"progress": "bar"}, "unknown progress 'bar'"),
    ],
)
def test_options_out_of_range_begin_nothing(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=message):
        train(vae(), ELBO(), out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_model_for_other_images_begins_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"takes images of shape \(1, 8, 8\), the data have \(1, 4, 4\)"):
        train(VAE((1, 8, 8), 2, width=8), ELBO(), out=tmp_path / "run")
    with pytest.raises(SettingError, match="likelihood 'bernoulli' is not defined on 8-bit pixels"):
        train(vae(pixels="binary"), ELBO(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_patience_without_validation_warns() -> None:
    with pytest.warns(VaekitWarning, match="patience=3 has no effect without validation"):
        train(vae(), ELBO(), toy_data(validation=no_images()), patience=3)


def test_an_interrupt_gives_the_history_and_puts_everything_back() -> None:
    class Watching:
        ended = 0

        def begin(self, epochs: int, steps: int, done: int) -> None:
            assert (epochs, steps, done) == (2, 2 * STEPS, 0)

        def advance(self, done: int) -> None:
            if done == 5:
                raise KeyboardInterrupt

        def report(self, split: str, epoch: int, values: Mapping[str, float]) -> None:
            told.append((split, epoch))

        def end(self) -> None:
            self.ended += 1

    told: list[tuple[str, int]] = []
    watching, before = Watching(), torch.get_rng_state()
    history = train(vae(), ELBO(), progress=watching)
    assert history.interrupted == "interrupted"
    assert (history.summary, history.out) == (None, None)
    assert [(line.split, line.epoch) for line in history.metrics] == told
    assert told == [("train", 1), ("validation", 1)]
    assert watching.ended == 1
    assert torch.equal(torch.get_rng_state(), before)


def test_the_summary_in_memory() -> None:
    model = vae()
    summary = train(model, ELBO()).summary
    assert summary is not None
    measured = {"images", "loss_nats", "negative_elbo_nats", "reconstruction_nats", "kl_nats"}
    measured |= {"explained_variance", "sample_variance"}
    assert summary.test is not None
    assert summary.validation is not None
    assert set(dict(summary.test)) == set(dict(summary.validation)) == measured
    assert summary.test.images == 10
    assert summary.test.negative_elbo_nats == pytest.approx(
        summary.test.reconstruction_nats + summary.test.kl_nats, rel=1e-6
    )
    assert summary.parameters == sum(p.numel() for p in model.parameters())
    assert (summary.epochs, summary.steps) == (2, 6)
    assert (summary.device, summary.precision, summary.likelihood) == ("cpu", "fp32", "gaussian-optimal")
    assert summary.train_seconds > 0
    assert not model.training


def test_the_summary_has_each_split_under_its_name() -> None:
    data = toy_data()
    torch.manual_seed(0)
    model = AE((1, 4, 4), 3, width=8, likelihood="bce")
    summary = train(model, Reconstruction(), data).summary
    assert summary is not None
    measured = {"validation": summary.validation, "test": summary.test}
    for name, figures in measured.items():
        x = data.splits[name].images / 255
        lost = nn.functional.binary_cross_entropy(model.reconstruct(x), x, reduction="sum") / len(x)
        assert figures is not None
        assert figures.reconstruction_nats == pytest.approx(float(lost), rel=1e-4)
    assert summary.validation.reconstruction_nats != summary.test.reconstruction_nats


def test_deterministic_kernels_are_a_matter_of_the_run() -> None:
    seen = []

    def terms(model: Weights, x: Tensor, values: Mapping[str, float]) -> dict[str, Tensor]:
        seen.append(torch.are_deterministic_algorithms_enabled())
        return {"loss_nats": model.weights.sum()}

    train(Weights(0.0), Scripted(terms), deterministic=True)
    assert all(seen)
    assert not torch.are_deterministic_algorithms_enabled()


def test_defaults_of_fit_are_those_of_the_settings() -> None:
    import inspect

    parameters = inspect.signature(fit).parameters
    settings = FitSettings().flat()
    assert {name: parameters[name].default for name in settings} == settings
    for name in settings:
        assert f"    {name}: " in (fit.__doc__ or "")
