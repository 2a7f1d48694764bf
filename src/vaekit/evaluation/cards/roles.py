"""The outputs of a foreign encoder: which is the mean, which the spread, which are codes; and the bits they cost."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vaekit.config.foreign_options import ROLES
from vaekit.core import SettingError, near_miss

NAMES = {  # role -> what the name of an output has in it; the first that fits
    "moments": r"moments|parameters",
    "logvar": r"log_?(var|sigma_?(2|sq)|variance)|lv$",
    "logstd": r"log_?(std|sigma|scale)",
    "std": r"std|sigma|scale",
    "variance": r"var",
    "mean": r"mean|(^|[^a-z])(mu|loc)($|[^a-z])|mu\d*$",
    "codes": r"indic|index|token",
}

SPREADS = {  # role -> log-variance of an output of that role
    "logvar": lambda x: x,
    "logstd": lambda x: 2 * x,
    "std": lambda x: 2 * np.log(x),
    "variance": np.log,
}


@dataclass(frozen=True)
class Coded:
    """A batch of images as a foreign encoder has them.

    Attributes:
        z: what the decoder is given, (N, ...): means, or codes, or whatever the encoder gives alone.
        nats: KL(q(z|x) ‖ N(0, I)) of each image, (N,) float64; None where there is no spread, or it is 0 throughout.
        codes: (N, ...) whole numbers, or None.
    """

    z: np.ndarray
    nats: Tensor | None = None
    codes: np.ndarray | None = None


def roles_of(outputs: Mapping[str, np.ndarray], wanted: str | None, decoder: Sequence[int | None] | None, whole: bool,
             where: str) -> dict[str, str]:  # fmt: skip
    """Role -> name of the output that has it.

    Args:
        outputs: of a first batch.
        wanted: roles in the order of the outputs, with commas between them; None goes by names and types.
        decoder: shape that the decoder declares for its input.
        whole: whether the decoder takes whole numbers.
        where: the encoder, for messages.

    Raises:
        SettingError: the roles are not those of an encoder, or are not known.
    """
    if wanted is not None:
        roles = _given(wanted, list(outputs))
    elif len(outputs) == 1:
        ((name, value),) = outputs.items()
        roles = {_alone(name, value, decoder): name}
    else:
        roles = _by_name(outputs)
    spread = [role for role in SPREADS if role in roles]
    values = {"mean", "moments", "codes", "z"} & roles.keys()
    known = bool(values) and len(spread) <= 1 and ("mean" in roles or not spread)
    if not known or (whole and not {"codes", "z"} & roles.keys()):
        listed = ", ".join(f"{name} {list(value.shape[1:])}" for name, value in outputs.items())
        raise SettingError(
            f"{where}: its outputs ({listed}) do not tell mean, spread and codes; say latents='mean,logvar', say, of "
            f"{', '.join(ROLES)}, in their order.", "latents"
        )  # fmt: skip
    return roles


def _given(wanted: str, names: list[str]) -> dict[str, str]:
    words = [word.strip() for word in wanted.split(",")]
    for word in words:
        if word not in ROLES:
            raise SettingError(
                f"latents: {word!r} is not one of {', '.join(ROLES)}.{near_miss(word, ROLES)}", "latents"
            )
    if len(words) > len(names):
        raise SettingError(
            f"latents={wanted!r} names {len(words)} outputs; the encoder has {len(names)}: {', '.join(names)}.",
            "latents",
        )
    return {role: name for role, name in zip(words, names, strict=False) if role != "-"}


def _alone(name: str, value: np.ndarray, decoder: Sequence[int | None] | None) -> str:
    """The role of the only output: codes, moments where it has twice the channels that the decoder takes, or z."""
    if value.dtype.kind in "iu":
        return "codes"
    stacked = decoder and value.ndim > 1 and decoder[0] is not None and value.shape[1] == 2 * decoder[0]
    return "moments" if stacked or re.search(NAMES["moments"], name.lower()) else "z"


def _by_name(outputs: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Roles of several outputs; `z` is what has none of the names, where that is one output alone."""
    roles: dict[str, list[str]] = {}
    for name, value in outputs.items():
        found = "codes" if value.dtype.kind in "iu" else None
        found = found or next((role for role, words in NAMES.items() if re.search(words, name.lower())), "z")
        roles.setdefault(found, []).append(name)
    single = {role: names[0] for role, names in roles.items() if len(names) == 1}
    if "codes" in single and len(roles.get("z", ())) > 1:
        return {}
    return single if all(len(names) == 1 for role, names in roles.items() if role != "z") else {}


def coded(outputs: Mapping[str, np.ndarray], roles: Mapping[str, str], whole: bool) -> Coded:
    """A batch by the roles of its outputs: means rather than draws, codes where the decoder takes whole numbers."""
    parts = {role: outputs[name] for role, name in roles.items()}
    if "moments" in parts:
        parts["mean"], parts["logvar"] = np.split(parts["moments"], 2, axis=1)
    codes = parts.get("codes")
    spread = next((role for role in SPREADS if role in parts), None)
    nats = None
    if spread in ("logvar", "logstd") or (spread is not None and parts[spread].any()):
        with np.errstate(divide="ignore", invalid="ignore"):
            log_variance = SPREADS[spread](parts[spread].astype(np.float64))
        nats = nats_of(torch.from_numpy(parts["mean"].astype(np.float64)), torch.from_numpy(log_variance))
    values = [codes] if whole and codes is not None else [parts.get("mean"), parts.get("z"), codes]
    z = next(value for value in values if value is not None)
    return Coded(z, nats, codes)


def nats_of(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) ‖ N(0, I)) in nats, (N,) float64, summed over all latents (Kingma & Welling 2014,
    appendix B).

    Args:
        mean, log_variance: (N, ...).
    """
    mean, log_variance = mean.double(), log_variance.double()
    return (mean.square() + log_variance.exp() - 1 - log_variance).flatten(1).sum(1) / 2


def in_bits(nats: Tensor) -> Tensor:
    """Nats as bits."""
    return nats / math.log(2)
