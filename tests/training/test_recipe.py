"""The recipe is a pure function with a reason for every choice; its rules hold at the edges too."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest
import torch

import vaekit
from vaekit.networks.principal import Curve
from vaekit.training.recipe import (
    FEWEST_OF_PICTURES,
    LATENTS,
    Choice,
    Facts,
    batch_for,
    recipe,
    start_for,
    steps_for,
)

EVERY = ("latent_dim", "batch_size", "learning_rate", "steps")

SHAPES = [(10,), (1, 8, 8), (1, 28, 28), (3, 32, 32), (4, 64, 64), (3, 128, 128), (3, 256, 256)]


def chosen(
    facts: Facts, open_options: tuple[str, ...] = EVERY, batch: int | None = None
) -> dict[str, Choice]:
    return {choice.name: choice for choice in recipe(facts, open_options, batch)}


def curve(*explained: float) -> Curve:
    """Whose likelihood gets better to its end."""
    return Curve(-torch.arange(len(explained)).double(), torch.tensor(explained).double())


@pytest.mark.parametrize("count", [1, 12, 132, 1360, 2272, 60_000, 10_000_000])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_run_sees_each_image_in_several_steps_and_ends(count: int, shape: tuple[int, ...]) -> None:
    facts = Facts(count, shape)
    batch, steps = batch_for(facts), steps_for(facts, batch_for(facts))
    assert min(4, count) <= batch <= min(192, count)
    assert batch * 8 <= max(count, 128), "an epoch has few steps"
    assert batch * prod(shape) <= max(800_000, 8 * prod(shape))
    assert steps * batch * prod(shape) <= 6e8
    assert steps >= 250


def test_figures_of_sets_that_the_rules_were_made_on() -> None:
    digits, mnist, photos = Facts(1360, (1, 8, 8)), Facts(55_000, (1, 28, 28)), Facts(2272, (3, 32, 32))
    assert [batch_for(facts) for facts in (digits, mnist, photos)] == [32, 192, 32]
    assert steps_for(mnist, 192) == 3985
    assert chosen(mnist)["learning_rate"].value == 4e-3


def test_tables_that_begin_at_random_have_time_to_learn() -> None:
    assert [steps_for(Facts(700, (columns,)), 16) for columns in (3, 5)] == [3000, 1312]
    assert steps_for(Facts(100_000, (2,)), 192) == 6000, "no more than others, of many rows"


def test_only_what_is_open_is_chosen_and_what_is_given_is_followed() -> None:
    facts = Facts(1360, (1, 8, 8), curve=curve(0.5, 0.9))
    assert list(chosen(facts, ("steps",))) == ["steps"]
    small, large = (chosen(facts, batch=batch) for batch in (8, 128))
    assert small["learning_rate"].value == pytest.approx(large["learning_rate"].value / 4, rel=0.02)
    assert small["steps"].value > large["steps"].value


def test_latents_explain_a_share_but_are_no_more_than_are_worth_having() -> None:
    explained = (0.02,) * 11 + (0.5, 0.79, 0.81, 0.89, 0.91)
    assert chosen(Facts(500, (1, 8, 8), curve=curve(*explained)))["latent_dim"].value == 14
    assert chosen(Facts(5000, (1, 8, 8), curve=curve(*explained)))["latent_dim"].value == 16
    assert chosen(Facts(500, (3, 8, 8), curve=curve(*explained)))["latent_dim"].value == 16
    assert chosen(Facts(500, (5,), curve=curve(*explained)))["latent_dim"].value == 16
    worth = Curve(torch.tensor([3.0, 1.0, 2.0, 2.0, 2.0]), torch.tensor((0.5, 0.79, 0.81, 0.89, 0.91)))
    assert chosen(Facts(500, (3, 8, 8), curve=worth))["latent_dim"].value == 2
    long = curve(*torch.linspace(0.001, 0.5, 400).tolist())
    assert chosen(Facts(500, (3, 32, 32), curve=long))["latent_dim"].value == LATENTS


def test_two_classes_that_differ_by_most_do_not_leave_pictures_with_two_latents() -> None:
    two_kinds = [0.5, 0.83, *torch.linspace(0.84, 0.95, 40).tolist()]
    assert chosen(Facts(700, (1, 32, 48), curve=curve(*two_kinds)))["latent_dim"].value == FEWEST_OF_PICTURES
    few = Curve(torch.tensor([3.0, 2.0, 1.0] + [4.0] * 30), torch.linspace(0.83, 0.99, 33))
    assert chosen(Facts(700, (1, 32, 48), curve=few))["latent_dim"].value == 3, "the rest is noise"


@pytest.mark.parametrize("columns", [1, 2, 4, 5, 30])
def test_tables_of_few_columns_begin_at_random_with_a_rise_of_the_kl_term(columns: int) -> None:
    names = ("init", "kl_warmup")
    found = {choice.name: choice.value for choice in start_for(Facts(700, (columns,)), names)}
    assert found == ({"init": "random", "kl_warmup": 0.3} if columns <= 4 else {"init": "pca"})
    assert [choice.name for choice in start_for(Facts(700, (2,)), ["init"])] == ["init"], (
        "what is given is followed"
    )
    assert [choice.value for choice in start_for(Facts(700, (1, 2, 3)), names)] == ["pca"], "pictures"


@pytest.mark.parametrize(("columns", "bent", "worth", "latents"), [
    (6, 0.5, 1, 4), (6, 0.5, 5, 5), (2, 0.5, 1, 2), (3, 0.5, 1, 3), (6, 0.05, 1, 2), (12, 0.0, 7, 7),
])  # fmt: skip
def test_curves_and_clusters_have_four_latents_at_least(
    columns: int, bent: float, worth: int, latents: int
) -> None:
    nats = torch.full((columns,), 2.0)
    nats[worth - 1] = 1.0
    facts = Facts(700, (columns,), curve=Curve(nats, torch.ones(columns)), bent=bent)
    assert chosen(facts)["latent_dim"].value == latents


def test_tables_of_curves_and_clusters_begin_at_random_whatever_their_columns(tmp_path: Path) -> None:
    """Two angles in six columns, and as many columns of one factor; by what `train` shows of its choices."""
    generator = torch.Generator().manual_seed(0)
    one, two = torch.rand(2, 600, generator=generator) * 6.28
    noise = torch.randn(600, 6, generator=generator)
    angles = torch.stack(
        [one.cos(), one.sin(), two.cos(), two.sin(), (one + two).cos(), (one + two).sin()], 1
    )
    line = torch.randn(600, 1, generator=generator) * torch.arange(1, 7) + 0.5 * noise
    for rows, start in ((9 * angles + noise, "random"), (line, "pca")):
        told: list[str] = []
        data = vaekit.load_data(rows, pixels="real")
        vaekit.train("vae", data, out=tmp_path / start, tell=told.append, steps=1, progress=False)
        assert any(line.strip().startswith(f"init {start}: ") for line in "\n".join(told).splitlines()), told


def test_weights_decay_and_are_averaged_where_a_fitted_start_is_all_that_few_examples_teach() -> None:
    names = (*EVERY, "optimizer", "weight_decay", "average")
    few, many = (
        chosen(Facts(count, (1, 8, 8), fitted=True, curve=curve(0.5, 0.9)), names) for count in (500, 50_000)
    )
    assert [few[name].value for name in names[-3:]] == ["adamw", 1.0, 0.99]
    assert not {"optimizer", "average"} & many.keys()
    assert not {"optimizer", "average"} & chosen(Facts(500, (1, 8, 8)), names).keys()


def test_a_perceptron_of_few_examples_is_narrow_where_nobody_said_how_wide() -> None:
    names = ("learning_rate", "optimizer", "weight_decay")
    facts = Facts(1360, (1, 8, 8), fitted=True)
    narrow, given = chosen(facts, (*names, "width")), chosen(facts, names)
    assert narrow["width"].value == 152 and "width" not in given
    assert (narrow["weight_decay"].value, given["weight_decay"].value) == (0.3, 1.0)
    assert narrow["learning_rate"].value == pytest.approx(3 * given["learning_rate"].value, rel=0.05)
    begun_at_random = chosen(Facts(1360, (1, 8, 8)), (*names, "width"))
    assert begun_at_random.keys() == {"learning_rate", "width"}
    assert begun_at_random["learning_rate"].value == narrow["learning_rate"].value
    assert "width" not in chosen(
        Facts(1360, (1, 8, 8)), ("width", "optimizer")
    )  # whose rate is a method's own
    assert "width" not in chosen(Facts(1360, (1, 8, 8), fitted=True), ("width", "learning_rate"))
    assert "width" not in chosen(Facts(50_000, (1, 8, 8), fitted=True), (*names, "width"))


def test_each_choice_has_its_reason() -> None:
    choices = chosen(Facts(2272, (3, 32, 32), curve=curve(0.5, 0.91)))
    assert all(choice.reason for choice in choices.values())
    assert "91%" in choices["latent_dim"].reason
    assert "2,272 images" in choices["batch_size"].reason
