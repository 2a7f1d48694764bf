"""The prior over grids of codes against enumeration."""

from __future__ import annotations

import itertools

import pytest
import torch

from vaekit.core import DataError, SettingError
from vaekit.models.code_prior import CodeDistribution, CodePrior


def prior(classes: int = 0) -> CodePrior:
    """Over 1x2x2 grids of 3 codes: 81 in all."""
    torch.manual_seed(1)
    made = CodePrior((1, 2, 2), bool(classes), width=8, depth=1, heads=2, codes=3, classes=classes).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    return made


EVERY = torch.tensor(list(itertools.product(range(3), repeat=4))).view(81, 1, 2, 2)


def numbers(grids: torch.Tensor) -> torch.Tensor:
    """Place of grids in EVERY."""
    return (grids.flatten(1) * torch.tensor([27, 9, 3, 1])).sum(1)


def test_samples_follow_the_probabilities() -> None:
    made, count = prior(), 40_000
    expected = made(EVERY.float()).likelihood.log_prob(EVERY.float()).exp()
    assert expected.sum().item() == pytest.approx(1.0, abs=1e-5)
    drawn = made.sample(count, generator=torch.Generator().manual_seed(0))
    found = numbers(drawn).bincount(minlength=81)
    chi = ((found - count * expected).square() / (count * expected)).sum().item()
    assert chi < 80 + 4 * (2 * 80) ** 0.5


def test_log_prob_is_that_of_a_categorical_at_each_place() -> None:
    torch.manual_seed(0)
    logits, grids = 3 * torch.randn(5, 6, 7, dtype=torch.float64), torch.randint(7, (5, 1, 2, 3))
    expected = torch.distributions.Categorical(logits=logits).log_prob(grids.flatten(1)).sum(1)
    torch.testing.assert_close(CodeDistribution(logits, (1, 2, 3)).log_prob(grids.float()), expected)


def test_temperature_sharpens_each_step() -> None:
    made = prior()
    first = made(EVERY[:1].float()).likelihood.logits[0, 0]
    drawn = made.sample(20_000, temperature=0.5, generator=torch.Generator().manual_seed(0))
    found = drawn[:, 0, 0, 0].bincount(minlength=3) / 20_000
    torch.testing.assert_close(found, (2 * first).softmax(0), rtol=0, atol=0.02)
    assert len(made.sample(5, temperature=0).unique(dim=0)) == 1


def test_samples_with_a_class_follow_that_class() -> None:
    made, count = prior(classes=2), 20_000
    for k in (0, 1):
        y = torch.full((81,), k)
        expected = made(EVERY.float(), y).likelihood.log_prob(EVERY.float()).exp()
        drawn = made.sample(count, torch.full((count,), k), generator=torch.Generator().manual_seed(k))
        found = numbers(drawn).bincount(minlength=81)
        chi = ((found - count * expected).square() / (count * expected)).sum().item()
        assert chi < 80 + 4 * (2 * 80) ** 0.5


def test_the_marginal_sums_over_classes_as_often_as_they_were_seen() -> None:
    made = prior(classes=2).train()
    made(EVERY[:4].float(), torch.tensor([1, 0, 1, 1]))
    made.eval()
    assert made.class_frequencies().tolist() == [0.25, 0.75]
    given = [
        made(EVERY.float(), torch.full((81,), k)).likelihood.log_prob(EVERY.float()).exp() for k in (0, 1)
    ]
    torch.testing.assert_close((-made.marginal_nats(EVERY.float())).exp(), 0.25 * given[0] + 0.75 * given[1])
    y_free = made.sample(9, generator=torch.Generator().manual_seed(0))
    assert y_free.shape == (9, 1, 2, 2)


def test_labels_are_checked() -> None:
    for bad in (torch.tensor([0, 2]), torch.tensor([-1, 0]), torch.tensor([0])):
        with pytest.raises(DataError, match=r"0 to 1|2 whole numbers"):
            prior(classes=2).sample(2, bad)
    with pytest.raises(DataError, match="pass y"):
        prior(classes=2)(EVERY.float())
    with pytest.raises(SettingError, match="these have none"):
        CodePrior((1, 2, 2), conditional=True, classes=0)
