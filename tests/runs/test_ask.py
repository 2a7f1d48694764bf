"""What a run is asked for in Python: against the model, and nothing written unless it is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import vaekit
from vaekit.core import DataError, SettingError, VaekitWarning
from vaekit.runs.ask import what_follows
from vaekit.runs.load import load_run


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_nothing_is_written_unless_asked_for(vae_run: Path, cvae_run: Path) -> None:
    before = files(vae_run) | files(cvae_run)
    encoded = vaekit.encode(vae_run, split="test")
    vaekit.sample(vae_run, 3)
    vaekit.sample(cvae_run, 3, grid=True)
    vaekit.reconstruct(vae_run, count=2)
    drawn = vaekit.figures(vae_run, only=["training"])
    assert set(drawn.figures) == {"training"}
    assert files(vae_run) | files(cvae_run) == before
    assert set(encoded.arrays()) == {"mean", "std", "labels"}


def test_a_folder_and_the_loaded_run_say_the_same(vae_run: Path) -> None:
    run = load_run(vae_run)
    assert torch.equal(vaekit.sample(run, 4, seed=2).images, vaekit.sample(vae_run, 4, seed=2).images)
    first, second = (vaekit.encode(one, split="validation").embedding for one in (run, vae_run))
    assert first is not None and second is not None
    assert torch.equal(first.mean, second.mean)


def test_data_may_be_given_as_a_record(vae_run: Path) -> None:
    run = load_run(vae_run)
    data = run.load_data()
    few = data.replace(test=data.test.take(torch.arange(5)))
    found = vaekit.encode(run, few, split="test").embedding
    own = vaekit.encode(run, split="test").embedding
    assert found is not None and own is not None
    torch.testing.assert_close(found.mean, own.mean[:5])


def test_a_grid_has_the_same_z_in_every_class(cvae_run: Path) -> None:
    run = load_run(cvae_run)
    drawn = vaekit.sample(run, 4, grid=True, seed=6)
    assert drawn.labels is not None
    assert drawn.labels.tolist() == [k for k in range(10) for _ in range(4)]
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(6))
    with torch.inference_mode():
        expected = run.model.picture(run.model.decode(z, torch.full((4,), 7)))  # type: ignore[attr-defined]
    torch.testing.assert_close(drawn.images[28:32], expected, rtol=1e-4, atol=1e-5)


def test_files_are_those_of_the_records(vae_run: Path, tmp_path: Path) -> None:
    encoded = vaekit.encode(vae_run, split="test", out=tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz") as arrays:
        assert all((arrays[name] == values).all() for name, values in encoded.arrays().items())
    drawn = vaekit.sample(vae_run, 3, out=tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz") as arrays:
        np.testing.assert_array_equal(arrays["images"][..., 0], np.rint(255 * drawn.images[:, 0].numpy()))


def test_messages_name_arguments(vae_run: Path, cvae_run: Path, tmp_path: Path) -> None:
    for call, words in (
        (lambda: vaekit.sample(vae_run, 0), "count=0: must be"),
        (lambda: vaekit.sample(vae_run, temperature=-1), "temperature=-1: must be"),
        (lambda: vaekit.sample(cvae_run, grid=True, label="3"), "leave label="),
        (lambda: vaekit.sample(vae_run, out=tmp_path / "s.gif"), "out='.*s.gif'"),
        (lambda: vaekit.encode(vae_run, split="tset"), "split 'tset'"),
        (lambda: vaekit.reconstruct(vae_run, count=0), "count=0: must be"),
    ):
        with pytest.raises(SettingError, match=words) as caught:
            call()
        assert "--" not in str(caught.value)


def test_a_picture_that_had_to_be_changed_is_said(vae_run: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (40, 30), 200).save(tmp_path / "large.png")
    with pytest.warns(VaekitWarning, match="brought to the run's 8x8 pixels"):
        found = vaekit.reconstruct(vae_run, [tmp_path / "large.png"])
    assert found.originals.shape == (1, 1, 8, 8) and found.names == [str(tmp_path / "large.png")]
    with pytest.raises(DataError, match=r"none\.png"):
        vaekit.reconstruct(vae_run, [tmp_path / "none.png"])


@pytest.mark.parametrize(
    ("method", "commands"),
    [
        ("vae", ["explore", "figures", "reconstruct", "sample"]),
        ("ae", ["explore", "figures", "reconstruct", "prior"]),
        ("vqvae", ["explore", "figures", "reconstruct", "prior"]),
        ("gan", ["explore", "figures", "sample"]),
    ],
)
def test_what_follows_a_training(method: str, commands: list[str]) -> None:
    assert what_follows(method, (1, 8, 8)) == commands
    assert what_follows(method, (12,)) == commands[1:]  # rows are no pictures to explore
