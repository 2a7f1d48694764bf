"""Update rules against their first step worked out by hand; averages against a plain loop."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from vaekit import VAE
from vaekit.config.optimizer_parts import OPTIMIZERS, Adam
from vaekit.config.optimizer_parts import Muon as MuonPart
from vaekit.models.code_prior import CodePrior
from vaekit.training.optimizers import Muon, WeightEMA, clip, hidden_matrices, weights_in_place

GRADIENT = torch.tensor([3.0, -0.5])
START = torch.tensor([1.0, -2.0])


def one_step(name: str, gradient: torch.Tensor, **options: float) -> torch.Tensor:
    parameter = nn.Parameter(START.clone())
    optimizer = OPTIMIZERS[name](**options).build([parameter], 0.1)  # type: ignore[arg-type]
    parameter.grad = gradient.clone()
    optimizer.step()
    return parameter.detach()


@pytest.mark.parametrize("name", ["adam", "adamw", "adamax"])
def test_the_first_step_of_adam_and_its_kin_is_the_sign(name: str) -> None:
    torch.testing.assert_close(one_step(name, GRADIENT), START - 0.1 * GRADIENT.sign())


def test_the_first_step_of_nesterov() -> None:
    torch.testing.assert_close(one_step("sgd", GRADIENT), START - 0.1 * 1.9 * GRADIENT)


def test_weight_decay_is_decoupled_in_adamw_only() -> None:
    still = torch.zeros(2)
    torch.testing.assert_close(one_step("adamw", still, weight_decay=0.2), START * (1 - 0.1 * 0.2))
    torch.testing.assert_close(one_step("sgd", still, weight_decay=0.2), START * (1 - 0.1 * 1.9 * 0.2))
    torch.testing.assert_close(one_step("adam", still, weight_decay=0.2), START - 0.1 * START.sign())


def test_beta2_is_what_the_settings_say() -> None:
    """Second step of Adam with gradients g, 0: m = 0.09 g / 0.19 and v = b (1 - b) g^2 / (1 - b^2)."""
    parameter = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = Adam(beta2=0.75).build([parameter], 1.0)
    parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    second = (0.09 / 0.19) / (0.75 * 0.25 / (1 - 0.75**2)) ** 0.5
    assert parameter.item() == pytest.approx(-1.0 - second, rel=1e-6)


class Counting(nn.Module):
    """A module with a parameter, a float buffer and a counter."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.norm = nn.BatchNorm1d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.linear(x))


@pytest.mark.parametrize("decay", [0.2, 0.9])
def test_average_is_the_loop_over_the_weights_so_far(decay: float) -> None:
    torch.manual_seed(0)
    module = Counting()
    average = WeightEMA(module, decay)
    expected = {name: tensor.double() for name, tensor in module.state_dict().items()}
    for step in range(12):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter))
        module(torch.randn(5, 3))
        average.update(module, step)
        past = min(decay, (1 + step) / (10 + step))
        for name, tensor in module.state_dict().items():
            expected[name] = past * expected[name] + (1 - past) * tensor.double()
    assert average.weights["norm.num_batches_tracked"].item() == 12
    del expected["norm.num_batches_tracked"]
    for name, tensor in expected.items():
        torch.testing.assert_close(average.weights[name].double(), tensor, rtol=1e-5, atol=1e-6)


def test_an_average_does_not_follow_the_module_in_place() -> None:
    module = nn.Linear(2, 2)
    before = module.weight.detach().clone()
    average = WeightEMA(module, 0.9)
    nn.init.zeros_(module.weight)
    torch.testing.assert_close(average.weights["weight"], before, rtol=0, atol=0)


def test_weights_in_place_gives_back_exactly_even_after_an_error() -> None:
    module = nn.Linear(2, 2)
    own = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    other = {name: torch.full_like(tensor, 7.0) for name, tensor in own.items()}
    with pytest.raises(RuntimeError, match="within"), weights_in_place(module, other):  # noqa: PT012
        assert module(torch.ones(1, 2)).tolist() == [[21.0, 21.0]]
        raise RuntimeError("within")
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, own[name])
    with weights_in_place(module, None):
        assert torch.equal(module.weight, own["weight"])


def test_a_step_does_not_load_the_compiler() -> None:
    """Its import takes as long as torch's own. The program asserts, and ends with 1 if it was loaded."""
    program = (
        "import sys, torch; from vaekit.config.optimizer_parts import OPTIMIZERS\n"
        "for name in ('adam', 'adamw', 'muon'):\n"
        "    weight = torch.nn.Parameter(torch.ones(2, 2)); optimizer = OPTIMIZERS[name]().build([weight], 0.1)\n"
        "    weight.sum().backward(); optimizer.step(); optimizer.zero_grad(); optimizer.state_dict()\n"
        "    assert (weight < 1).all()\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_muon_moves_the_vectors_like_adam() -> None:
    matrix, vector = nn.Parameter(torch.randn(6, 3)), nn.Parameter(START.clone())
    optimizer = OPTIMIZERS["muon"]().build([matrix, vector], 0.1)
    matrix.grad, vector.grad = torch.randn(6, 3), GRADIENT.clone()
    optimizer.step()
    torch.testing.assert_close(vector.detach(), START - 0.1 * GRADIENT.sign())
    assert len(optimizer.param_groups) == 2


def named(model: nn.Module) -> set[str]:
    """Names of the matrices that Muon takes."""
    found = {id(matrix) for matrix in hidden_matrices(model)}
    return {name for name, parameter in model.named_parameters() if id(parameter) in found}


def test_muon_leaves_embeddings_places_and_logits_of_a_code_prior() -> None:
    prior = CodePrior((1, 2, 2), width=8, depth=2, heads=2, codes=5)
    inner = ("queries_keys_values", "attended", "inner", "outer")
    assert named(prior) == {f"network.blocks.{i}.{name}.weight" for i in range(2) for name in inner}


def test_muon_leaves_the_last_layer_of_each_network() -> None:
    blocks = [f"blocks.0.{name}.weight" for name in ("inner", "outer")]
    both = {f"{network}.{name}" for network in ("encoder", "decoder") for name in ["first.weight", *blocks]}
    made = VAE((1, 4, 4), 2, "mlp", width=8, depth=1, likelihood="bce")
    assert {name.replace("network.", "") for name in named(made)} == both
    lesson = named(VAE((1, 8, 8), 2, "lesson", likelihood="bce"))
    assert lesson == {
        "decoder.first.weight"
    }  # its head is the encoder's last layer, a convolution the decoder's


def test_muon_leaves_what_is_no_layer_and_takes_no_layer_twice() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.zeros(4, 4))
            self.codes = nn.Embedding(4, 4)
            self.one = nn.Linear(4, 4)
            self.body = nn.Sequential(
                self.one, nn.LayerNorm(4), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2), nn.LayerNorm(2)
            )

    owner = nn.Module()
    owner.network, owner.scale = Own(), nn.Linear(3, 3)
    assert named(owner) == {"network.one.weight", "network.body.2.weight"}
    assert len(hidden_matrices(owner, owner)) == 2


@pytest.mark.parametrize("every", [False, True])
def test_what_is_left_moves_like_adam(every: bool) -> None:
    """A first step of AdamW is the sign of the gradient times the rate; one of Muon is not."""
    network = nn.Sequential(nn.Linear(3, 6, bias=False), nn.Linear(6, 3, bias=False))
    owner = nn.ModuleList([network])
    start = [parameter.detach().clone() for parameter in owner.parameters()]
    rule = MuonPart(every_matrix=every).build(list(owner.parameters()), 0.1, hidden_matrices(owner))
    gradients = [torch.randn_like(parameter) for parameter in owner.parameters()]
    for parameter, gradient in zip(owner.parameters(), gradients, strict=True):
        parameter.grad = gradient.clone()
    rule.step()
    like_adam = [
        torch.allclose(parameter, before - 0.1 * gradient.sign(), atol=1e-5)
        for parameter, before, gradient in zip(owner.parameters(), start, gradients, strict=True)
    ]
    assert like_adam == [False, not every]


SHAPES = [(6, 3), (3, 6), (4, 4), (6, 3), (2, 9)]


def matrices_with_gradients() -> list[nn.Parameter]:
    made = [nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in SHAPES]
    for matrix in made:
        matrix.grad = torch.randn_like(matrix)
    return made


def test_muon_moves_along_the_singular_vectors_by_its_polynomial_of_the_singular_values() -> None:
    """Two steps in float64 against the singular value decomposition of Nesterov's average of the gradients."""
    torch.manual_seed(0)
    rate, beta, decay = 0.1, 0.9, 0.5
    matrices = matrices_with_gradients()
    optimizer = Muon(matrices, rate, beta, decay)
    averages = [torch.zeros_like(matrix) for matrix in matrices]
    for _ in range(2):
        expected = []
        for matrix, average in zip(matrices, averages, strict=True):
            average.mul_(beta).add_(matrix.grad, alpha=1 - beta)
            ahead = (1 - beta) * matrix.grad + beta * average
            left, values, right = torch.linalg.svd(ahead, full_matrices=False)
            values = values / values.square().sum().sqrt()
            for _ in range(5):
                values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
            moved = 0.2 * max(matrix.shape) ** 0.5 * rate * (left * values) @ right
            expected.append(matrix.detach() * (1 - rate * decay) - moved)
        optimizer.step()
        for matrix, wanted in zip(matrices, expected, strict=True):
            torch.testing.assert_close(matrix.detach(), wanted, rtol=0, atol=1e-10)
            matrix.grad = torch.randn_like(matrix)


def test_muon_is_torchs_to_the_rounding_of_bf16() -> None:
    torch.manual_seed(0)
    ours = matrices_with_gradients()
    theirs = [nn.Parameter(matrix.detach().clone()) for matrix in ours]
    optimizers = [
        Muon(ours, 0.1, 0.9, 0.0),
        torch.optim.Muon(theirs, 0.1, 0.0, momentum=0.9, adjust_lr_fn="match_rms_adamw"),
    ]
    for _ in range(3):
        for own, other in zip(ours, theirs, strict=True):
            other.grad = own.grad
        for optimizer in optimizers:
            optimizer.step()
        for own, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(own.detach(), other.detach(), rtol=0, atol=0.02)
            own.grad = torch.randn_like(own)


@pytest.mark.parametrize(("limit", "factor"), [(13.0, 1.0), (26.0, 1.0), (1.3, 0.1)])
def test_gradients_are_scaled_together_to_a_common_norm(limit: float, factor: float) -> None:
    three, rest = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(2))
    unused = nn.Parameter(torch.zeros(3))
    three.grad, rest.grad = torch.tensor([3.0]), torch.tensor([4.0, 12.0])  # norm 13
    clip([three, rest, unused], limit)
    torch.testing.assert_close(three.grad, factor * torch.tensor([3.0]), rtol=1e-5, atol=0)
    torch.testing.assert_close(rest.grad, factor * torch.tensor([4.0, 12.0]), rtol=1e-5, atol=0)
    assert unused.grad is None


def test_a_norm_that_is_not_finite_is_not_hidden() -> None:
    bad = nn.Parameter(torch.zeros(2))
    bad.grad = torch.tensor([float("nan"), 1.0])
    clip([bad], 10.0)
    assert bad.grad.isnan().all()
