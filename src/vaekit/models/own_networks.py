"""A user's own encoder and decoder: tried with one example when the model is made, so that what is wrong is said then."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn

from vaekit.core import SettingError, foreign, warn_of
from vaekit.networks import Pair, Spec
from vaekit.runtime.random import own_randomness, seed_noise

TRIED, FAR = 16, 10.0  # latents that the decoder is tried with, and their standard deviation
SQUASHED = ("Sigmoid", "Softmax", "Softmax2d", "LogSoftmax", "Tanh", "Hardsigmoid", "Hardtanh")


class Unconditional(nn.Module):
    """A module of one argument, as one of (x, condition) that takes no notice of the second."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.module(x)


def own_pair(encoder: object, decoder: object, spec: Spec, *, model: str, free: str = "") -> Pair:
    """Own modules as a pair of networks, tried with one example in eval mode.

    Args:
        encoder, decoder: (x, condition), or of one argument where there is no condition.
        spec: the sizes that they have to have.
        model: names it in errors.
        free: what the decoder's numbers are, where they may be any: "logits"; a decoder that keeps them in [0, 1] is a
            VaekitWarning then.

    Raises:
        SettingError: no modules, no parameters, or shapes that do not fit; has the expected one and the one that came.
    """
    checked = accepting(encoder, "encoder", spec.condition), accepting(decoder, "decoder", spec.condition)
    parameter = next(
        (p for module in checked for p in module.parameters() if not nn.parameter.is_lazy(p)), None
    )
    lazy = any(nn.parameter.is_lazy(p) for module in checked for p in module.parameters())
    if parameter is None and not lazy:
        raise SettingError(
            "own networks without parameters have nothing to train; give modules that have some."
        )
    like = torch.zeros(()) if parameter is None else parameter.detach()
    modes = [(part, part.training) for module in checked for part in module.modules()]
    try:
        with own_randomness(like.device), torch.no_grad():
            seed_noise(like.device, 0)
            for part, _ in modes:
                part.eval()
            _try(*checked, spec, like, model)
            if free:
                _warn_of_squashing(checked[1], spec, like, free)
    finally:
        for part, mode in modes:
            part.training = mode
    return Pair(checked[0], checked[1], None)


def accepting(module: object, name: str, condition: int) -> nn.Module:
    """A module that takes (x, condition).

    Raises:
        SettingError: no module, or one without a place for the condition that the model has.
    """
    if not isinstance(module, nn.Module):
        raise SettingError(f"{name} is a {type(module).__name__}; give a torch.nn.Module.", name)
    try:
        inspect.signature(module.forward).bind(None, None)
        return module
    except TypeError:
        pass
    except ValueError:  # no signature is known
        return module
    if condition:
        raise SettingError(
            f"the {name}'s forward takes one argument; with classes={condition} it gets two: x, and the class (B, {condition}).",
            name,
        )
    return Unconditional(module)


def _try(encoder: nn.Module, decoder: nn.Module, spec: Spec, like: Tensor, model: str) -> None:
    condition = like.new_zeros(1, spec.condition) if spec.condition else None
    images = torch.full((1, *spec.shape), 0.5).to(like)
    latents = like.new_zeros(1, spec.latent_dim)
    pictures = (spec.outputs * spec.shape[0], *spec.shape[1:])
    per_latent = spec.encoder_outputs // spec.latent_dim
    why = f"latent_dim={spec.latent_dim} of a {model}" + ": means and log-variances" * (per_latent == 2)
    for name, module, given, wanted, said in (
        ("encoder", encoder, images, (spec.encoder_outputs,), why),
        (
            "decoder",
            decoder,
            latents,
            pictures,
            f"{spec.outputs} per value" if spec.outputs > 1 else "one per value",
        ),
    ):
        with foreign(f"the {name} cannot take one example, {tuple(given.shape)}", SettingError):
            found = module(given, condition)
        if not isinstance(found, Tensor):
            raise SettingError(
                f"the {name} gives a {type(found).__name__}; it must give a tensor (B, {_listed(wanted)}).",
                name,
            )
        if tuple(found.shape) != (1, *wanted):
            flat = found.shape[1:].numel() == torch.Size(wanted).numel() and len(found.shape) > 1
            how = f"; end it with torch.nn.Unflatten(1, {wanted})" if flat and len(wanted) > 1 else ""
            how = "; end it with torch.nn.Flatten()" if flat and len(wanted) == 1 else how
            raise SettingError(
                f"the {name} gives {tuple(found.shape)} for one example, and {(1, *wanted)} is wanted ({said}){how}.",
                name,
            )


def _listed(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _warn_of_squashing(decoder: nn.Module, spec: Spec, like: Tensor, free: str) -> None:
    """Warns of a decoder whose numbers stay in [0, 1] or [-1, 1] whatever it is given."""
    condition = like.new_zeros(TRIED, spec.condition) if spec.condition else None
    raw = decoder(FAR * torch.randn(TRIED, spec.latent_dim).to(like), condition)
    last = type([*decoder.modules()][-1]).__name__
    low, high = float(raw.min()), float(raw.max())
    spread = raw.flatten(1).std(0).max() > 0 if len(raw) > 1 else True
    if last in SQUASHED or (low >= 0 and high <= 1 and spread):
        which = f"it ends in {last}" if last in SQUASHED else f"it stays in [{low:.2g}, {high:.2g}]"
        warn_of(
            [
                f"the decoder gives no {free} ({which}), and the likelihood takes {free}: leave out its last function."
            ]
        )
