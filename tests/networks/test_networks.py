"""Choosing a network: what `auto` takes, and what is refused."""

from __future__ import annotations

import pytest

from vaekit.config.parts import Undecided
from vaekit.core import SettingError
from vaekit.models import VAE
from vaekit.networks import NETWORKS, decide_network


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ((64,), "mlp"),
        ((5000,), "mlp"),
        ((1, 8, 8), "mlp"),
        ((1, 28, 28), "mlp"),
        ((1, 40, 40), "mlp"),
        ((1, 41, 40), "strided"),
        ((1, 64, 64), "strided"),
        ((3, 16, 16), "strided"),
        ((3, 64, 64), "strided"),
    ],
)
def test_auto_takes_the_mlp_for_features_and_small_grey_images(shape: tuple[int, ...], name: str) -> None:
    assert decide_network(Undecided("auto", {"width": 4}), shape) == NETWORKS[name](width=4)  # type: ignore[call-arg]


@pytest.mark.parametrize("option", ["latent_dim", "width", "depth"])
@pytest.mark.parametrize("value", [0, -3])
def test_sizes_below_one(option: str, value: int) -> None:
    for network in ("mlp", "auto"):
        with pytest.raises(SettingError, match=f"{option} must be at least 1, not {value}"):
            VAE((1, 8, 8), network=network, **{option: value})


def test_an_unknown_name_has_a_near_miss() -> None:
    with pytest.raises(SettingError, match=r"network: 'restnet' is not one of .*Did you mean resnet\?"):
        VAE((1, 8, 8), network="restnet")
