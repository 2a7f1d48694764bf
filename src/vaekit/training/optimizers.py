"""Update rules, and the running average of weights."""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vaekit.config import optimizer_parts as parts

# torch's optimisers load its compiler, a second of every start, only to keep it away from these methods.
# A method that carries this mark counts as kept away already; torch without the mark's meaning ignores it.
for _name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
    _method = inspect.unwrap(getattr(Optimizer, _name))
    setattr(_method, "__dynamo_disable", _method)


class Adam(torch.optim.Adam):
    """torch's, whose `step` does not load the compiler either."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        inspect.unwrap(torch.optim.Adam.step)(self, closure)


class AdamW(torch.optim.AdamW):
    """See `Adam`."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        inspect.unwrap(torch.optim.AdamW.step)(self, closure)


class Muon(Optimizer):
    """Momentum whose update of each matrix is made orthogonal (Jordan 2024), by five Newton-Schulz steps.

    Updates have the size of Adam's (Liu et al. 2025, section 2.2), so that one learning rate means the same for
    both. The rule is that of torch.optim.Muon, which takes its matrices one by one and always in bf16, slow on
    a CPU; here those of one size go together, in fp32 on a CPU: a fifth of the time for a small transformer.

    Args:
        parameters: matrices.
        lr: learning rate.
        momentum: decay of the average of the gradients; the update looks ahead as Nesterov's does.
        weight_decay: decoupled, times the learning rate.
    """

    COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of X + X X^T X + (X X^T)^2 X: steepest at 0 (Jordan 2024)
    STEPS = 5

    def __init__(
        self, parameters: list[nn.Parameter], lr: float, momentum: float, weight_decay: float
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault((min(parameter.shape), max(parameter.shape)), []).append(parameter)
            for (_, longer), matrices in alike.items():
                updates = [self._averaged(matrix, group["momentum"]) for matrix in matrices]
                wide = torch.stack([update.T if len(update) == longer else update for update in updates])
                for matrix, update in zip(matrices, orthogonal(wide), strict=True):
                    if group["weight_decay"]:
                        matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    update = update.T if len(matrix) == longer else update
                    matrix.sub_(update, alpha=0.2 * math.sqrt(longer) * group["lr"])

    def _averaged(self, matrix: Tensor, momentum: float) -> Tensor:
        """The gradient's running average, one step ahead."""
        assert matrix.grad is not None
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        average = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
        return matrix.grad.lerp(average, momentum)


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices (N, a, b), a <= b, with singular values of about 1 in the place of their own, unless these are 0."""
    first, third, fifth = Muon.COEFFICIENTS
    kind = matrices.dtype if matrices.device.type == "cpu" else torch.bfloat16
    x = matrices.to(kind)
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(Muon.STEPS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=third, alpha=fifth), x, beta=first)
    return x.to(matrices.dtype)


class Rule(Protocol):
    """The interface of an optimiser, as the loop uses it."""

    @property
    def param_groups(self) -> list[dict[str, Any]]: ...
    def zero_grad(self, set_to_none: bool = True) -> None: ...
    def step(self) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


class MuonForMatrices:
    """Muon for the matrices among the parameters, AdamW for the rest, at one learning rate.

    Args:
        parameters: all of a phase.
        part: beta1 is the momentum of both rules.
        hidden: the matrices that Muon takes; None for every one.
    """

    def __init__(
        self,
        parameters: list[nn.Parameter],
        learning_rate: float,
        part: parts.Muon,
        hidden: Collection[nn.Parameter] | None = None,
    ) -> None:
        chosen = {
            id(parameter) for parameter in (parameters if hidden is None else hidden) if parameter.ndim == 2
        }
        matrices = [parameter for parameter in parameters if id(parameter) in chosen]
        rest = [parameter for parameter in parameters if id(parameter) not in chosen]
        self.parts: dict[str, torch.optim.Optimizer] = {}
        if matrices:
            self.parts["muon"] = Muon(matrices, learning_rate, part.beta1, part.weight_decay)
        if rest:
            self.parts["adamw"] = adamw(rest, learning_rate, part)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for part in self.parts.values() for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        for part in self.parts.values():
            part.zero_grad(set_to_none)

    def step(self) -> None:
        for part in self.parts.values():
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in self.parts.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for name, part in self.parts.items():
            part.load_state_dict(state_dict[name])


def hidden_matrices(*owners: nn.Module) -> list[nn.Parameter]:
    """The weights of all linear layers within networks but the last of each.

    Muon is for these (Jordan 2024; Liu et al. 2025, section 2.2): an orthogonal update moves all directions alike, which suits
    neither embeddings, codes and places, of which a batch has some rows and not others, nor outputs, whose rows are
    pixels, codes or latents of different scale.

    Args:
        owners: a model, and its objective. A network is a module that one of them has; its last layer is the last that it
            made with a weight of two axes or more.
    """
    found: dict[int, Any] = {}
    for network in [child for owner in owners for child in owner.children()]:
        layers = [part for part in network.modules() if _axes(getattr(part, "weight", None)) > 1]
        found |= {id(layer.weight): layer.weight for layer in layers[:-1] if isinstance(layer, nn.Linear)}
    return list(found.values())


def _axes(weight: object) -> int:
    return weight.ndim if isinstance(weight, Tensor) else 0


def adam(
    parameters: list[nn.Parameter],
    learning_rate: float,
    part: parts.Adam,
    kind: type[torch.optim.Adam] = Adam,
) -> Optimizer:
    fused = parameters[0].device.type in ("cpu", "cuda")  # one kernel for all parameters
    betas = (part.beta1, part.beta2)
    return kind(parameters, learning_rate, betas, weight_decay=part.weight_decay, fused=fused)


def adamw(parameters: list[nn.Parameter], learning_rate: float, part: parts.AdamW | parts.Muon) -> Optimizer:
    return adam(parameters, learning_rate, part, AdamW)  # type: ignore[arg-type]


def adamax(parameters: list[nn.Parameter], learning_rate: float, part: parts.Adamax) -> Optimizer:
    betas = (part.beta1, part.beta2)
    return torch.optim.Adamax(parameters, learning_rate, betas, weight_decay=part.weight_decay)


def sgd(parameters: list[nn.Parameter], learning_rate: float, part: parts.SGD) -> Optimizer:
    momentum = part.beta1
    return torch.optim.SGD(
        parameters, learning_rate, momentum, weight_decay=part.weight_decay, nesterov=momentum > 0
    )


def clip(parameters: list[nn.Parameter], limit: float) -> None:
    """Scales the gradients to a common norm of `limit` where theirs is larger (or not a number)."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    # Where looking at the norm waits for nothing, gradients that are small enough are left alone.
    if norm.device.type != "cpu" or not norm <= limit:
        nn.utils.clip_grads_with_norm_(parameters, limit, norm)


class WeightEMA:
    """Exponential moving average of a module's parameters and buffers.

    Args:
        module: what is averaged.
        decay: weight of the past at each step; early on (1 + t) / (10 + t) if that is smaller, so
            that the initialisation is soon forgotten.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Takes in the weights after `step` updates."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        now = module.state_dict()
        counters = [name for name, tensor in now.items() if not tensor.is_floating_point()]
        for name in counters:  # such as BatchNorm's: taken over as they are
            self.weights[name].copy_(now.pop(name))
        past = [self.weights[name] for name in now]
        torch._foreach_lerp_(past, list(now.values()), share)  # pyright: ignore[reportPrivateImportUsage]


@contextmanager
def weights_in_place(module: nn.Module, weights: dict[str, Tensor] | None) -> Iterator[None]:
    """The module has these weights within the block, and its own again afterwards. None changes nothing."""
    if weights is None:
        yield
        return
    own = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
    module.load_state_dict(weights)
    try:
        yield
    finally:
        module.load_state_dict(own)
