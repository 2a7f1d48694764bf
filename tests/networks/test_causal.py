"""The causal transformer: nothing later is seen, the cache changes nothing, probabilities add up to 1."""

from __future__ import annotations

import itertools

import pytest
import torch

from vaekit.core import SettingError
from vaekit.models.code_prior import CodePrior
from vaekit.networks.causal import Cache, CausalTransformer, known_around, offsets_between


def network(codes: int = 5, grid: tuple[int, int] = (2, 3), classes: int = 0) -> CausalTransformer:
    torch.manual_seed(0)
    made = CausalTransformer(codes, grid, classes, width=16, depth=2, heads=4, dropout=0.0).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.double()


def test_a_later_code_changes_no_earlier_logits() -> None:
    made, codes = network(), torch.randint(5, (3, 6))
    before = made(codes)
    for position in range(6):
        changed = codes.clone()
        changed[:, position] = (changed[:, position] + 1) % 5
        after = made(changed)
        assert torch.equal(after[:, : position + 1], before[:, : position + 1])
        if position < 5:
            assert not torch.allclose(after[:, position + 1 :], before[:, position + 1 :])


@pytest.mark.parametrize("classes", [0, 3])
def test_the_cache_gives_the_logits_of_the_whole(classes: int) -> None:
    made, codes = network(classes=classes), torch.randint(5, (4, 6))
    y = torch.tensor([0, 1, 2, 1]) if classes else None
    whole, cache = made(codes, y), Cache()
    for position in range(6):
        known = codes.clone()
        known[:, position:] = 4 - known[:, position:]  # what is not drawn yet is not read
        step = made.next(known, y, cache)
        torch.testing.assert_close(step, whole[:, position])


def test_known_neighbours_of_a_place() -> None:
    # 0 1 2
    # 3 4 5     before, above, above to the left, above to the right; 6 is none
    expected = [[6, 6, 6, 6], [0, 6, 6, 6], [1, 6, 6, 6], [2, 0, 6, 1], [3, 1, 0, 2], [4, 2, 1, 6]]
    assert known_around(2, 3).tolist() == expected
    assert known_around(3, 1).tolist() == [[3, 3, 3, 3], [0, 0, 3, 3], [1, 1, 3, 3]]


def test_offsets_between_places() -> None:
    # 0 1 2    rows above times 5, plus columns to the right from -2 on
    # 3 4 5
    expected = [
        [2, -1, -1, -1, -1, -1],
        [1, 2, -1, -1, -1, -1],
        [0, 1, 2, -1, -1, -1],
        [7, 8, 9, 2, -1, -1],
        [6, 7, 8, 1, 2, -1],
        [5, 6, 7, 0, 1, 2],
    ]
    assert offsets_between(2, 3).tolist() == expected


def test_what_is_near_counts_as_the_heads_have_learned() -> None:
    """A head that wants nothing but the place above: it is the one value that it finds."""
    block = CausalTransformer(5, (3, 3), 0, 8, 1, 1, dropout=0.0).blocks[0].double()
    with torch.no_grad():
        block.nearness[0, 1, 2] = 1e4  # one row above, no column aside
        block.attended.weight.copy_(torch.eye(8))
        block.queries_keys_values.weight[16:] = torch.eye(8)  # the values are what goes in, normalised
        block.queries_keys_values.bias.zero_()
    x = torch.randn(2, 9, 8, dtype=torch.float64)
    found = block(x, None, offsets_between(3, 3)) - x  # the perceptron adds nothing yet
    normalised = torch.nn.functional.layer_norm(x, (8,))
    torch.testing.assert_close(found[:, 3:], normalised[:, :6], rtol=0, atol=1e-4)


def test_probabilities_of_all_sequences_add_up_to_1() -> None:
    made = network(codes=3, grid=(2, 2))
    every = torch.tensor(list(itertools.product(range(3), repeat=4)))
    logs = made(every).log_softmax(-1).gather(2, every[..., None]).sum((1, 2))
    assert logs.exp().sum().item() == pytest.approx(1.0, abs=1e-9)
    assert logs.exp().max() > 1.5 / 81  # and they differ


def test_the_class_changes_every_position() -> None:
    made, codes = network(classes=3), torch.randint(5, (2, 6))
    difference = (made(codes, torch.zeros(2).long()) - made(codes, torch.ones(2).long())).abs().amax((0, 2))
    assert bool((difference > 1e-3).all())


def test_dropout_keeps_the_mean_and_is_off_in_eval_mode() -> None:
    block = CausalTransformer(5, (2, 3), 0, 16, 1, 4, dropout=0.25).blocks[0]
    x = torch.ones(2000, 6, 16)
    dropped = block._dropped(x)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.01)
    assert sorted(dropped.unique().tolist()) == pytest.approx([0.0, 4 / 3])
    assert block.eval()._dropped(x) is x


@pytest.mark.parametrize(
    ("sizes", "named"), [({"width": 10}, "multiple"), ({"depth": 0}, "depth"), ({"dropout": 1.0}, "dropout")]
)
def test_bad_sizes(sizes: dict[str, float], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        CodePrior((1, 2, 3), codes=5, **sizes)
