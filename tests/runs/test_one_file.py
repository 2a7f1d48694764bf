"""One file holds a model whole: what comes out of it answers as what went in; what is no such file is one line."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

import vaekit
from two_layers import TwoLayers
from vaekit import RunError, SettingError
from vaekit.config.methods import METHODS
from vaekit.models.base import CodeDensity
from vaekit.models.code_prior import CodePrior
from vaekit.models.mixture import Mixture
from vaekit.runs.files import read_tensors, write_tensors
from vaekit.runs.one_file import read_model
from vaekit.testing.made_up import Subject, batch, labels


def weights(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.state_dict())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        one[n].dtype == other[n].dtype and torch.equal(one[n], other[n]) for n in one
    )


def answers(model: Any, pixels: str = "8-bit") -> list[Tensor]:
    """What people ask of a model, as far as it has it."""
    model.eval()
    x, y, found = batch(pixels), labels(), []
    given = (y,) if model.classes else ()
    if hasattr(model, "embed"):
        found.append(model.embed(x, *given))
    if hasattr(model, "reconstruct"):
        found.append(model.reconstruct(x, *given))
    if model.can_sample():
        found.append(model.sample(4, *((y[:4],) if model.sampled_classes else ()), seed=3))
    return found


@pytest.mark.parametrize("method", METHODS)
def test_every_model_of_every_kind_of_pixels(method: str, tmp_path: Path) -> None:
    subject = Subject(method)
    for pixels in subject.kinds():
        model, _ = subject.build(pixels)
        torch.manual_seed(1)
        x = batch(pixels)
        model.prepare(x)
        path = vaekit.save(model, tmp_path / "deep" / "er" / pixels)
        loaded = vaekit.load(path)
        assert type(loaded) is type(model) and loaded.arguments == model.arguments and not loaded.training
        assert same(weights(loaded), weights(model))
        torch.manual_seed(1)
        mine = answers(model, pixels)
        torch.manual_seed(1)
        theirs = answers(loaded, pixels)
        assert mine and all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("kind", ["double", "bfloat16"])
def test_types_of_weights_stay(kind: str, tmp_path: Path) -> None:
    model = getattr(vaekit.VAE((1, 8, 8), 3, network="mlp", width=8, likelihood="bce", seed=0), kind)()
    loaded = vaekit.VAE.load(model.save(tmp_path / "m"))
    assert same(weights(loaded), weights(model))
    assert next(loaded.parameters()).dtype is next(model.parameters()).dtype


@pytest.mark.parametrize("method", ["ae", "vqvae"])
def test_a_fitted_prior_is_in_it(method: str, tmp_path: Path) -> None:
    model, _ = Subject(method).build()
    prior: CodeDensity = Mixture((3,), components=2)
    if method == "vqvae":
        shape = (1, *model.encode_codes(batch()).shape[-2:])
        prior = CodePrior(shape, codes=8, width=8, depth=1, heads=1)
    model.fitted = lambda: prior
    loaded = vaekit.load(model.save(tmp_path / "m"))
    assert loaded.fitted is not None and same(weights(loaded.fitted()), weights(prior))
    assert torch.equal(loaded.sample(5, seed=2), model.eval().sample(5, seed=2))
    assert torch.equal(copy.deepcopy(loaded).sample(5, seed=2), loaded.sample(5, seed=2))
    model.fitted = None
    with pytest.raises(SettingError, match="no prior yet"):
        vaekit.load(model.save(tmp_path / "bare")).sample(2)


def test_own_networks_are_asked_for(tmp_path: Path) -> None:
    def networks() -> dict[str, nn.Module]:
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
        decoder = nn.Sequential(nn.Linear(2, 64), nn.Unflatten(1, (1, 8, 8)))
        return {"encoder": encoder, "decoder": decoder}

    model = vaekit.VAE((1, 8, 8), 2, likelihood="bce", **networks())
    path = model.save(tmp_path / "own")
    with pytest.raises(SettingError, match="own networks: pass its encoder and decoder again"):
        vaekit.load(path)
    loaded = vaekit.load(path, **networks())
    x = batch()
    assert torch.equal(loaded.reconstruct(x), model.eval().reconstruct(x))
    wrong = {
        **networks(),
        "encoder": nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Identity(), nn.Linear(4, 4)),
    }
    with pytest.raises(RunError, match="does not hold the weights"):
        vaekit.load(path, **wrong)


def test_an_own_class_gives_back_its_own(tmp_path: Path) -> None:
    """It need not be in METHODS; and nothing is imported by a name in a file."""
    model = TwoLayers((1, 8, 8), hidden=8)
    path = model.save(tmp_path / "two")
    loaded = TwoLayers.load(path)
    assert same(weights(loaded), weights(model))
    with pytest.raises(RunError, match=r"holds TwoLayers, none of vaekit's models; .*TwoLayers\.load"):
        vaekit.load(path)
    with pytest.raises(RunError, match="TwoLayers"):
        vaekit.VAE.load(path)


def test_an_own_class_of_a_name_of_ours_is_not_taken_for_ours(tmp_path: Path) -> None:
    own = type("VAE", (vaekit.VAE,), {})
    model = own((1, 4, 4), 2, network="mlp", width=4, likelihood="bce", seed=0)
    path = model.save(tmp_path / "own")
    assert type(own.load(path)) is own and same(weights(own.load(path)), weights(model))
    for other in (vaekit.load, vaekit.VAE.load):
        with pytest.raises(RunError, match="none of vaekit's models"):
            other(path)


def test_loading_leaves_random_numbers_alone(tmp_path: Path) -> None:
    path = vaekit.VAE((1, 4, 4), 2, network="mlp", width=4, likelihood="bce", seed=0).save(tmp_path / "m")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    vaekit.load(path)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_run_brings_its_record(vae_run: Path, tmp_path: Path) -> None:
    run = vaekit.load_run(vae_run)
    by = [vaekit.save(what, tmp_path / name) for name, what in (("a", vae_run), ("b", run), ("c", run.model))]
    again = vaekit.load(by[0]).save(tmp_path / "d")
    assert len({path.read_bytes() for path in (*by, again)}) == 1
    header = read_tensors(again)[1]
    assert header["summary"]["test"] == json.loads((vae_run / "summary.json").read_text())["test"]
    assert header["config"]["data"]["fingerprint"] == run.config.data.fingerprint
    model = vaekit.load(by[0])
    with torch.no_grad():
        next(model.parameters()).mul_(2.0)
    assert "config" not in read_tensors(model.save(tmp_path / "e"))[1], "these are other weights"


def test_what_is_measured_later_is_in_it(vae_run: Path, tmp_path: Path) -> None:
    run = vaekit.load_run(vae_run)
    vaekit.evaluate(run, samples=5, keep=True, progress=False)
    assert read_tensors(run.save(tmp_path / "m"))[1]["summary"]["evaluation"]["images"] == 313


def test_others_can_read_it(vae_run: Path, tmp_path: Path) -> None:
    """It is plain safetensors: names, numbers, and JSON."""
    path = vaekit.save(vae_run, tmp_path / "m")
    own = weights(vaekit.load_run(vae_run).model)
    with safe_open(path, "np") as file:
        assert set(file.keys()) == set(own)
        assert all(np.array_equal(file.get_tensor(name), own[name].numpy()) for name in own)
        assert json.loads(file.metadata()["vaekit"])["model"]["kind"] == "VAE"
    assert b"pickle" not in path.read_bytes()


def test_models_of_runs_can_still_be_pickled_by_others(vae_run: Path) -> None:
    model = vaekit.load_run(vae_run).model
    assert same(weights(pickle.loads(pickle.dumps(model))), weights(model))


def test_every_byte_matters(tmp_path: Path) -> None:
    """A file with one byte changed is refused, or is still the same model: of the header's spaces, say."""
    model = vaekit.VAE((1, 4, 4), 2, network="mlp", width=4, depth=1, likelihood="bce", seed=0)
    whole = model.save(tmp_path / "m").read_bytes()
    rng, path, passed = np.random.default_rng(0), tmp_path / "damaged", 0
    for place in rng.integers(0, len(whole), 250).tolist():
        changed = bytearray(whole)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        try:
            loaded = vaekit.load(path)
        except RunError as error:
            said = str(error)
        else:
            said = str(path)
            passed += 1
            assert same(weights(loaded), weights(model)) and loaded.arguments == model.arguments
        assert str(path) in said and "\n" not in said
    for length in rng.integers(0, len(whole), 40).tolist():
        path.write_bytes(whole[:length])
        with pytest.raises(RunError, match="damaged"):
            vaekit.load(path)
    assert passed < 5


HEADERS: dict[str, dict[str, Any]] = {
    "no model": {},
    "a model of text": {"model": "VAE"},
    "no kind": {"model": {"arguments": {}}},
    "a kind that is a number": {"model": {"kind": 3, "arguments": {}}},
    "a kind of elsewhere": {"model": {"kind": "os:system", "arguments": {}}},
    "no such kind": {"model": {"kind": "VEA", "arguments": {}}},
    "a prior as a model, of nothing": {"model": {"kind": "Mixture", "arguments": {}}},
    "no arguments": {"model": {"kind": "VAE", "arguments": {}}},
    "arguments in a list": {"model": {"kind": "VAE", "arguments": [1]}},
    "a newer format": {"format": 99},
    "a format of text": {"format": "one"},
    "no format": {"format": None},
    "a prior of nothing": {"prior": {"kind": "Mixture", "arguments": {"shape": [2]}}},
    "a prior of text": {"prior": "x"},
    "a config of nothing": {"config": {}},
    "a summary of a list": {"summary": []},
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "a huge shape": {"shape": [1, 10**6, 10**6]},
    "a shape below 0": {"shape": [1, -4, 4]},
    "a shape of text": {"shape": "abc"},
    "no shape": {"shape": None},
    "a shape of fractions": {"shape": [1, 4.5, 4]},
    "a shape that is another": {"shape": [1, 6, 6]},
    "other pixels": {"pixels": "9-bit"},
    "pixels in a list": {"pixels": []},
    "a wide network": {"width": 10**9},
    "another width": {"width": 5},
    "a deep network": {"depth": 10**8},
    "many classes": {"classes": 10**9},
    "an option that is none": {"latents": 3},
    "a likelihood that is none": {"likelihood": "os.system"},
    "a network that is none": {"network": "__import__('os')"},
    "an encoder of text": {"encoder": "x", "decoder": "y"},
    "a latent of text": {"latent_dim": "two"},
}


@pytest.mark.parametrize("case", [*HEADERS, *ARGUMENTS])
def test_a_header_that_says_what_cannot_be(case: str, tmp_path: Path) -> None:
    """With a right checksum: written by somebody, not damaged."""
    model = vaekit.VAE((1, 4, 4), 2, network="mlp", width=4, depth=1, likelihood="bce", seed=0)
    tensors, header = read_tensors(model.save(tmp_path / "m"))
    header = {**header, **HEADERS.get(case, {})}
    if case in ("no model", "no format"):
        del header["model" if case == "no model" else "format"]
    if case in ARGUMENTS:
        header["model"] = {"kind": "VAE", "arguments": {**model.arguments, **ARGUMENTS[case]}}
    write_tensors(tmp_path / "made", tensors, header)
    begun = time.process_time()
    with pytest.raises(RunError) as found:
        vaekit.load(tmp_path / "made")
    assert str(tmp_path / "made") in str(found.value) and "\n" not in str(found.value)
    assert time.process_time() - begun < 5, "it is refused before anything large is made"


def test_what_is_no_such_file(vae_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cases = {
        "nothing.vaekit": "nothing.vaekit: no such file or folder",
        "me/digits": "no such file or folder; of a hub: 'hub:me/digits'",
        str(
            vae_run / "model.safetensors"
        ): "holds weights, and not what they are of: load the folder of their run",
        str(vae_run / "config.json"): "is damaged",
        str(tmp_path): "is not a run folder",
    }
    for path, words in cases.items():
        with pytest.raises(RunError, match=words):
            vaekit.load(path)
    with pytest.raises(SettingError, match="holds VAE, not AE"):
        vaekit.AE.load(vae_run)
    with pytest.raises(SettingError, match="device"):
        vaekit.load(vae_run, device="gpu7")


def test_what_cannot_be_saved(vae_run: Path, tmp_path: Path) -> None:
    run = vaekit.load_run(vae_run)
    with pytest.raises(SettingError, match="give the folder of a run"):
        vaekit.save(3, tmp_path / "m")
    with pytest.raises(RunError, match="no such run folder"):
        vaekit.save("nowhere", tmp_path / "m")
    with pytest.raises(RunError, match="cannot write"):
        run.save(tmp_path)
    run.model.arguments = {"shape": object()}
    with pytest.raises(SettingError, match="its `arguments` must be values of JSON"):
        run.save(tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_history_is_a_run(tmp_path: Path) -> None:
    model = vaekit.VAE((1, 8, 8), 2, network="mlp", width=4, depth=1, likelihood="bce", seed=0)
    how: dict[str, Any] = {"steps": 2, "progress": False, "device": "cpu"}
    with pytest.warns(vaekit.VaekitWarning):
        history = vaekit.fit(model, vaekit.ELBO(), vaekit.load_data("digits"), out=tmp_path / "run", **how)
    assert same(weights(vaekit.load(vaekit.save(history, tmp_path / "m"))), weights(model))
    with pytest.raises(SettingError, match="path"):
        vaekit.save(dataclasses.replace(history, out=None), tmp_path / "m")


def test_a_file_is_no_run(vae_run: Path, tmp_path: Path) -> None:
    path = vaekit.save(vae_run, tmp_path / "m")
    with pytest.raises(RunError, match="is a file; a run is a folder"):
        vaekit.load_run(path)
    assert read_model(path).latent_dim == 3
