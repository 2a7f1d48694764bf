"""Choosing a network: what `auto` takes, and what is refused."""

from __future__ import annotations

import pytest
import torch

from vaekit.core import SettingError
from vaekit.networks import NETWORKS, Spec, build_networks, choose_network


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ((64,), "mlp"),
        ((5000,), "mlp"),
        ((1, 8, 8), "mlp"),
        ((1, 28, 28), "mlp"),
        ((1, 40, 40), "mlp"),
        ((1, 41, 40), "resnet"),
        ((1, 64, 64), "resnet"),
        ((3, 16, 16), "resnet"),
        ((3, 64, 64), "resnet"),
    ],
)
def test_auto_takes_the_mlp_for_features_and_small_grey_images(shape: tuple[int, ...], name: str) -> None:
    assert choose_network("auto", shape) == name
    torch.manual_seed(0)
    by_auto = build_networks("auto", Spec(shape, codes=4, latent_dim=2, width=4))
    torch.manual_seed(0)
    by_name = NETWORKS[name](Spec(shape, codes=4, latent_dim=2, width=4))
    x = torch.rand(2, *shape)
    assert torch.equal(by_auto.encoder(x), by_name.encoder(x))


@pytest.mark.parametrize("option", ["latent_dim", "width", "depth"])
@pytest.mark.parametrize("value", [0, -3])
def test_sizes_below_one(option: str, value: int) -> None:
    sizes = {"latent_dim": 2, option: value}
    with pytest.raises(SettingError, match=f"{option} must be at least 1, not {value}"):
        build_networks("mlp", Spec((1, 8, 8), codes=4, **sizes))  # type: ignore[arg-type]


def test_an_unknown_name_has_a_near_miss() -> None:
    with pytest.raises(SettingError, match=r"unknown network 'restnet'. Did you mean resnet\?"):
        build_networks("restnet", Spec((1, 8, 8), codes=4, latent_dim=2))
