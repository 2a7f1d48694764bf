"""Which output of an encoder is what, and the bits that follow."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vaekit.core import SettingError
from vaekit.evaluation.cards.roles import coded, in_bits, nats_of, roles_of

N = np.zeros((2, 3), np.float32)
CODES = np.zeros((2, 4), np.int64)


def told(
    names: dict[str, np.ndarray], wanted: str | None = None, decoder=(3,), whole: bool = False
) -> dict[str, str]:
    return roles_of(names, wanted, decoder, whole, "encoder='e.onnx'")


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (["mean", "std"], {"mean": "mean", "std": "std"}),
        (["mu", "logvar"], {"mean": "mu", "logvar": "logvar"}),
        (["log_var", "mu"], {"mean": "mu", "logvar": "log_var"}),
        (["z_mean", "z_log_var", "z"], {"mean": "z_mean", "logvar": "z_log_var", "z": "z"}),
        (["loc", "scale"], {"mean": "loc", "std": "scale"}),
        (["fc_mu", "fc_logvar"], {"mean": "fc_mu", "logvar": "fc_logvar"}),
        (["latent_mean", "latent_variance"], {"mean": "latent_mean", "variance": "latent_variance"}),
        (["Mean", "LogSigma"], {"mean": "Mean", "logstd": "LogSigma"}),
        (["mu", "log_sigma_sq"], {"mean": "mu", "logvar": "log_sigma_sq"}),
        (["zmu", "zlogvar"], {"mean": "zmu", "logvar": "zlogvar"}),
        (["sample", "mu", "sigma"], {"z": "sample", "mean": "mu", "std": "sigma"}),
    ],
)
def test_names_tell(names: list[str], roles: dict[str, str]) -> None:
    assert told(dict.fromkeys(names, N)) == roles


def test_one_output() -> None:
    assert told({"anything": N}) == {"z": "anything"}
    assert told({"anything": CODES}) == {"codes": "anything"}
    assert told({"anything": np.zeros((2, 6), np.float32)}) == {"moments": "anything"}
    assert told({"anything": np.zeros((2, 6), np.float32)}, decoder=None) == {"z": "anything"}


def test_codes_beside_vectors() -> None:
    """A decoder of numbers takes the vectors, one of whole numbers the codes."""
    outputs = {"quantized": N + 0.5, "indices": CODES}
    assert told(outputs) == {"z": "quantized", "codes": "indices"}
    assert coded(outputs, told(outputs), False).z is outputs["quantized"]
    assert coded(outputs, told(outputs), True).z is CODES


@pytest.mark.parametrize(
    ("names", "wanted", "says"),
    [
        (["a", "b"], None, r"outputs \(a \[3\], b \[3\]\) do not tell mean, spread and codes; say latents="),
        (["z", "logvar"], None, "do not tell"),
        (["mu", "mean"], None, "do not tell"),
        (["a", "b"], "mean,sigma", "'sigma' is not one of mean, logvar"),
        (["a", "b"], "mean,logvar,z", "names 3 outputs; the encoder has 2: a, b"),
        (["a", "b"], "logvar,-", "do not tell"),
    ],
)
def test_what_does_not_tell_is_one_line(names: list[str], wanted: str | None, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        told(dict.fromkeys(names, N), wanted)


def test_a_decoder_of_whole_numbers_wants_codes() -> None:
    with pytest.raises(SettingError, match="do not tell mean, spread and codes"):
        told({"mean": N, "std": N}, whole=True)


@pytest.mark.parametrize("role", ["logvar", "logstd", "std", "variance", "moments"])
def test_every_way_to_say_a_spread_has_the_same_bits(role: str) -> None:
    rng = np.random.default_rng(0)
    mean, std = rng.standard_normal((5, 4, 2, 2)), rng.random((5, 4, 2, 2)) + 0.1
    spread = {"logvar": 2 * np.log(std), "logstd": np.log(std), "std": std, "variance": std**2}
    outputs = {"a": mean, "b": spread.get(role, std)}
    wanted = f"mean,{role}"
    if role == "moments":
        outputs, wanted = {"a": np.concatenate([mean, spread["logvar"]], 1)}, "moments"
    found = coded(outputs, told(outputs, wanted), False)
    normal = Normal(torch.from_numpy(mean), torch.from_numpy(std))
    nats = kl_divergence(normal, Normal(0.0, 1.0)).flatten(1).sum(1)
    assert found.nats is not None
    torch.testing.assert_close(found.nats, nats)
    torch.testing.assert_close(in_bits(found.nats), nats / math.log(2))
    np.testing.assert_array_equal(found.z, mean)


def test_a_spread_of_zero_is_none() -> None:
    """An autoencoder that is not random, exported in the form of one that is."""
    assert coded({"mean": N + 1, "std": N}, {"mean": "mean", "std": "std"}, False).nats is None
    found = coded({"mean": N + 1, "logvar": N}, {"mean": "mean", "logvar": "logvar"}, False)
    assert found.nats is not None and found.nats.tolist() == [1.5, 1.5]


def test_the_prior_itself_costs_nothing() -> None:
    assert nats_of(torch.zeros(3, 7), torch.zeros(3, 7)).tolist() == [0, 0, 0]
