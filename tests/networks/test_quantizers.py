"""Quantisers against values worked out by hand, brute force and vector-quantize-pytorch."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from vaekit.config.quantizer_parts import LEVELS, QUANTIZERS
from vaekit.core import SettingError
from vaekit.models import VQVAE
from vaekit.networks.quantizers import DEAD, SELDOM, Codebook, k_means, nearest, used_codes


def quantizer(name: str, codes: int = 2, dim: int = 2, decay: float = 0.9, revive: bool = False):
    kind = QUANTIZERS[name]
    options = {"codes": codes, "code_dim": dim, "decay": decay, "kmeans": False, "revive": revive}
    made = kind.of({key: value for key, value in options.items() if key in kind.names()}).build()
    if isinstance(made, Codebook):
        made.steps.fill_(1e6)  # beyond the first steps, in which the decay is smaller
    return made


def two_codes(name: str):
    """Codes at (0, 0) and (4, 0)."""
    made = quantizer(name)
    with torch.no_grad():
        made.vectors_of_codes.copy_(torch.tensor([[0.0, 0.0], [4.0, 0.0]]))
    return made


def image(*vectors: tuple[float, ...]) -> Tensor:
    """Vectors as a (1, D, 1, n) grid."""
    return torch.tensor(vectors).T[None, :, None, :].clone()


def test_nearest_is_brute_force() -> None:
    torch.manual_seed(0)
    rows, vectors = torch.randn(300, 5), torch.randn(17, 5)
    assert torch.equal(nearest(rows, vectors), torch.cdist(rows, vectors).argmin(1))


def test_terms_and_gradients_of_the_paper() -> None:
    """||sg[z] - e||^2 moves the codes alone, ||z - sg[e]||^2 the encoder alone; the output passes unchanged."""
    made = two_codes("gradient")
    z = image((1.0, 2.0), (5.0, 0.0), (3.0, 1.0)).requires_grad_()
    out = made(z)
    assert out.indices.flatten().tolist() == [0, 1, 1]
    assert out.counts.tolist() == [1, 2]
    torch.testing.assert_close(out.z.flatten(2)[0].T, torch.tensor([[0.0, 0.0], [4.0, 0.0], [4.0, 0.0]]))
    squared = torch.tensor([5.0 + 1.0 + 2.0])
    torch.testing.assert_close(out.penalties["codebook"], squared)
    torch.testing.assert_close(out.penalties["commitment"], squared)
    on_z, on_codes = torch.autograd.grad(
        out.penalties["commitment"].sum(), [z, made.vectors_of_codes], allow_unused=True, retain_graph=True
    )
    torch.testing.assert_close(on_z, 2 * image((1.0, 2.0), (1.0, 0.0), (-1.0, 1.0)))
    assert on_codes is None
    on_z, on_codes = torch.autograd.grad(
        out.penalties["codebook"].sum(), [z, made.vectors_of_codes], allow_unused=True, retain_graph=True
    )
    assert on_z is None
    torch.testing.assert_close(on_codes, 2 * torch.tensor([[-1.0, -2.0], [4 - 5 + 4 - 3.0, -1.0]]))
    towards = torch.randn_like(out.z)
    torch.testing.assert_close(torch.autograd.grad((out.z * towards).sum(), z)[0], towards)


def test_moving_averages_by_hand() -> None:
    """N and m as in the paper, decay 0.9: each code began with the mean count, 3 / 2, at its place."""
    made = two_codes("ema")
    out = made(image((1.0, 2.0), (5.0, 0.0), (3.0, 1.0)))
    assert set(out.penalties) == {"commitment"}
    counts = 0.9 * 1.5 + 0.1 * torch.tensor([1.0, 2.0])
    sums = 0.9 * 1.5 * torch.tensor([[0.0, 0.0], [4.0, 0.0]]) + 0.1 * torch.tensor([[1.0, 2.0], [8.0, 1.0]])
    torch.testing.assert_close(made.usage * 1.5, counts)
    torch.testing.assert_close(made.vectors_of_codes, sums / counts[:, None])
    before = made.vectors_of_codes.clone()
    made(image((0.0, 0.0)))  # nobody uses the second code: it stays, and its usage falls
    assert torch.equal(made.vectors_of_codes[1], before[1])
    assert made.usage[1].item() == pytest.approx(0.9 * counts[1].item() / 1.5)


def test_averages_forget_quickly_at_first() -> None:
    """Shares of the steps: 9/10, 9/11, ... down to 1 - decay."""
    made = two_codes("ema")
    made.steps.zero_()
    made(image((1.0, 0.0), (5.0, 0.0)))
    torch.testing.assert_close(made.vectors_of_codes[:, 0], torch.tensor([0.9, 4.9]))
    made(image((1.0, 0.0), (5.0, 0.0)))
    torch.testing.assert_close(
        made.vectors_of_codes[:, 0], torch.tensor([1 - 0.1 * 2 / 11, 5 - 0.1 * 2 / 11])
    )


def test_a_code_long_unused_stays_finite() -> None:
    made = two_codes("ema")
    for _ in range(3000):
        made(image((0.1, 0.0)))
    torch.testing.assert_close(made.vectors_of_codes, torch.tensor([[0.1, 0.0], [4.0, 0.0]]))


@pytest.mark.parametrize("name", ["ema", "gradient"])
def test_dead_codes_begin_anew(name: str) -> None:
    torch.manual_seed(0)
    made = quantizer(name, codes=4, revive=True)
    with torch.no_grad():
        made.steps.fill_(79.0)  # 9 / (10 + 79) is above 1 - decay: the averages are young
        made.vectors_of_codes.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [50.0, 0.0], [60.0, 0.0]]))
        made.usage.copy_(torch.tensor([2.0, 1.9, SELDOM / 2, 1.0]))
    rows = torch.rand(40, 2)
    made(rows.T[None, :, None, :])
    assert made.usage[2].item() == 1.0
    assert bool((rows == made.vectors_of_codes[2]).all(1).any())  # one of the batch
    assert made.vectors_of_codes[3].tolist() == [60.0, 0.0]  # not dead yet
    assert made.usage[3].item() == pytest.approx(1 - 9 / 89)


def test_once_the_averages_are_old_only_unused_codes_begin_anew() -> None:
    made = quantizer("ema", codes=3, revive=True)
    with torch.no_grad():
        made.steps.fill_(81.0)  # 9 / (10 + 81) is below 1 - decay
        made.vectors_of_codes.copy_(torch.tensor([[0.0, 0.0], [50.0, 0.0], [60.0, 0.0]]))
        made.usage.copy_(torch.tensor([2.0, SELDOM / 2, DEAD / 2]))
    made(image((0.1, 0.1)))
    assert made.vectors_of_codes[1].tolist() == [50.0, 0.0]
    torch.testing.assert_close(made.vectors_of_codes[2], torch.tensor([0.1, 0.1]))


def test_revived_codes_are_vectors_of_the_batch_drawn_as_often_as_they_occur() -> None:
    torch.manual_seed(0)
    made = quantizer("ema", codes=400, revive=True)
    with torch.no_grad():
        made.usage[1:] = 0.0
    kinds = torch.tensor([[5.0, 5.0], [7.0, -7.0]])
    rows = kinds[(torch.arange(1000) >= 750).long()]  # three of the first for one of the second
    made(rows.T[None, :, None, :])
    revived = made.vectors_of_codes[1:]
    of_kind = [int((revived == kind).all(1).sum()) for kind in kinds]
    assert sum(of_kind) == 399
    assert of_kind[0] / 399 == pytest.approx(0.75, abs=4 * (0.75 * 0.25 / 399) ** 0.5)


@pytest.mark.parametrize("name", QUANTIZERS)
def test_nothing_changes_in_eval_mode(name: str) -> None:
    torch.manual_seed(0)
    made = quantizer(name, codes=64, dim=3, revive=True).eval()
    before = {key: value.clone() for key, value in made.state_dict().items()}
    first, second = (made(torch.ones(2, 3, 4, 5)) for _ in range(2))
    assert torch.equal(first.indices, second.indices)
    assert all(torch.equal(value, before[key]) for key, value in made.state_dict().items())


@pytest.mark.parametrize("name", QUANTIZERS)
def test_indices_give_the_vectors_back(name: str) -> None:
    torch.manual_seed(0)
    made = quantizer(name, codes=64, dim=3).eval()
    out = made(2 * torch.randn(3, 3, 4, 5))
    torch.testing.assert_close(made.vectors(out.indices), out.z)
    torch.testing.assert_close(out.counts, out.indices.flatten().bincount(minlength=made.size).float())


def test_fsq_levels_by_hand() -> None:
    """Four levels: -2, -1, 0, 1 over 2; bounded so that 0 stays 0 and far values reach the ends."""
    made = quantizer("fsq", codes=64)
    out = made(image((-9.0, 0.0, 9.0), (0.0, -0.9, 0.8)))
    half = 1.5 * 1.001
    middle = math.tanh(-0.9 + math.atanh(0.5 / half)) * half - 0.5
    assert middle == pytest.approx(-1.256, abs=0.001)  # rounds to -1
    assert out.z[0, :, 0, 0].tolist() == [-1.0, 0.0, 0.5]
    assert out.z[0, :, 0, 1].tolist() == [0.0, -0.5, 0.5]
    assert out.indices.flatten().tolist() == [0 + 2 * 4 + 3 * 16, 2 + 1 * 4 + 3 * 16]


@pytest.mark.parametrize("codes", LEVELS)
def test_fsq_has_every_combination_of_levels_once(codes: int) -> None:
    made = quantizer("fsq", codes=codes)
    assert made.size == math.prod(LEVELS[codes])
    every = made.vectors(torch.arange(made.size)[None, None])[0, :, 0].T
    expected = {
        tuple((d - n // 2) / (n // 2) for d, n in zip(digits, LEVELS[codes], strict=True))
        for digits in itertools.product(*map(range, LEVELS[codes]))
    }
    assert {tuple(round(v, 6) for v in row) for row in every.tolist()} == {
        tuple(round(v, 6) for v in row) for row in expected
    }


def test_fsq_gradient_is_that_of_the_bound() -> None:
    made = quantizer("fsq", codes=64)
    z = torch.tensor([0.3, -0.7, 1.1]).view(1, 3, 1, 1).requires_grad_()
    (gradient,) = torch.autograd.grad(made(z).z.sum(), z)
    half, shift = 1.5 * 1.001, math.atanh(0.5 / (1.5 * 1.001))
    expected = [half * (1 - math.tanh(v + shift) ** 2) / 2 for v in (0.3, -0.7, 1.1)]
    assert gradient.flatten().tolist() == pytest.approx(expected, rel=1e-5)


def test_k_means_finds_clusters_that_are_apart() -> None:
    torch.manual_seed(0)
    middles = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0]])
    rows = middles.repeat_interleave(200, 0) + 0.1 * torch.randn(800, 2)
    found = k_means(rows, 16)
    distances = torch.cdist(rows, found).min(1).values.square().mean()
    assert distances < 0.8 * 0.02  # fewer codes than needed would be at 80, four at 0.02
    assert torch.equal(found, k_means(rows, 16))


def test_k_means_of_few_different_rows() -> None:
    rows = torch.tensor([[0.0], [1.0]]).repeat(50, 1)
    assert sorted({round(v, 4) for v in k_means(rows, 5).flatten().tolist()}) == [0.0, 1.0]


def test_usage_and_perplexity() -> None:
    assert used_codes(torch.tensor([5.0, 5.0, 0.0, 10.0])) == (3, pytest.approx(2**1.5))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("eam", 8, 2, 0.9), "Did you mean ema"),
        (("ema", 1, 2, 0.9), "codes must be at least 2"),
        (("ema", 8, 0, 0.9), "code_dim must be at least 1"),
        (("ema", 8, 2, 1.0), "decay must be from 0 to below 1"),
        (("fsq", 500), "512"),
    ],
)
def test_bad_numbers_are_named(arguments: tuple, named: str) -> None:
    with pytest.raises(SettingError, match=named):
        VQVAE(
            (1, 8, 8),
            quantizer=arguments[0],
            **dict(zip(("codes", "code_dim", "decay"), arguments[1:], strict=False)),
        )


# Against vector-quantize-pytorch ------------------------------------------------------------------


def test_moving_averages_are_the_oracles() -> None:
    oracle_module = pytest.importorskip(
        "vector_quantize_pytorch", reason="vector-quantize-pytorch is not installed"
    )
    torch.manual_seed(0)
    ours = quantizer("ema", codes=8, dim=4)
    theirs = oracle_module.VectorQuantize(
        dim=4, codebook_size=8, decay=0.9, eps=1e-12, commitment_weight=0.25
    )
    book = theirs._codebook
    with torch.no_grad():
        book.embed.copy_(ours.vectors_of_codes[None])
        book.cluster_size.fill_(30 / 8)  # the mean count, as ours begins
        book.embed_avg.copy_(book.embed * 30 / 8)
    for _ in range(5):
        z = torch.randn(3, 4, 2, 5)
        mine = ours(z)
        rows = z.movedim(1, -1).reshape(1, -1, 4)
        quantized, indices, loss = theirs(rows)
        assert torch.equal(indices.flatten(), mine.indices.flatten())
        torch.testing.assert_close(quantized[0], mine.z.movedim(1, -1).reshape(-1, 4))
        # theirs is a mean over elements: 4 numbers, 10 places an image
        torch.testing.assert_close(loss.squeeze(), 0.25 * mine.penalties["commitment"].mean() / 40)
        torch.testing.assert_close(book.embed[0], ours.vectors_of_codes, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("codes", LEVELS)
def test_fsq_is_the_oracles(codes: int) -> None:
    oracle_module = pytest.importorskip(
        "vector_quantize_pytorch", reason="vector-quantize-pytorch is not installed"
    )
    torch.manual_seed(0)
    ours, theirs = quantizer("fsq", codes=codes), oracle_module.FSQ(list(LEVELS[codes]))
    z = 2 * torch.randn(4, len(LEVELS[codes]), 3, 5)
    mine = ours(z)
    quantized, indices = theirs(z)
    torch.testing.assert_close(mine.z, quantized)
    assert torch.equal(mine.indices, indices.long())
