"""Labels on the command line: `--label`, `--grid`, `--redraw-as`, names of folders, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.runs.load import load_run


def arrays(path: str) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def as_bytes(images: torch.Tensor) -> np.ndarray:
    return np.rint(images.permute(0, 2, 3, 1).numpy() * 255)


def test_samples_of_one_class(terminal, cvae_run: Path, monkeypatch) -> None:
    monkeypatch.setattr("vaekit.inference.at_once", lambda shape: 3)
    outcome = terminal(
        "sample", cvae_run, "--label", 3, "--count", 5, "--seed", 2, "--out", "s.npz", "--json"
    )
    generator = torch.Generator().manual_seed(2)
    model = load_run(cvae_run).model
    expected = [model.sample(n, torch.full((n,), 3), generator=generator) for n in (3, 2)]
    np.testing.assert_array_equal(arrays("s.npz")["images"], as_bytes(torch.cat(expected)))
    assert arrays("s.npz")["labels"].tolist() == [3] * 5
    assert json.loads(outcome.out)["classes"] == ["3"]


def test_samples_without_a_label_take_turns(terminal, cvae_run: Path, monkeypatch) -> None:
    monkeypatch.setattr("vaekit.inference.at_once", lambda shape: 8)
    assert "classes in turn" in terminal("sample", cvae_run, "--count", 23, "--out", "s.npz").out
    assert arrays("s.npz")["labels"].tolist() == [*range(10), *range(10), 0, 1, 2]


def test_a_grid_has_a_row_a_class_and_one_z_a_column(terminal, cvae_run: Path) -> None:
    terminal("sample", cvae_run, "--grid", "--count", 4, "--seed", 1, "--out", "g.npz")
    found = arrays("g.npz")
    assert found["labels"].tolist() == [number for number in range(10) for _ in range(4)]
    model = load_run(cvae_run).model
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(1)).repeat(10, 1)
    with torch.inference_mode():
        expected = model.picture(model.decode(z, torch.from_numpy(found["labels"])))
    np.testing.assert_array_equal(found["images"], as_bytes(expected))
    terminal("sample", cvae_run, "--grid", "--count", 4, "--seed", 1, "--out", "g.png")
    sheet = np.asarray(Image.open("g.png"))  # 10 rows and 4 columns of tiles of 112 dots, 3 dots between
    assert sheet.shape[:2] == (10 * 115 - 3, 4 * 115 - 3)
    tile = sheet[115 * 7 : 115 * 7 + 112 : 14, 115 * 2 : 115 * 2 + 112 : 14, 0]
    np.testing.assert_array_equal(tile, found["images"][7 * 4 + 2, ..., 0])
    assert len(json.loads(terminal("sample", cvae_run, "--grid", "--json").out)["classes"]) == 10


def test_previews_redrawn_as_another_class(terminal, cvae_run: Path) -> None:
    terminal("reconstruct", cvae_run, "--count", 6, "--out", "own.npz")
    outcome = terminal("reconstruct", cvae_run, "--count", 6, "--redraw-as", 7)
    assert outcome.out.rstrip().endswith(
        "reconstructions-redraw-as-7-count-6.png: each image with itself redrawn as 7 at its right"
    )
    terminal("reconstruct", cvae_run, "--count", 6, "--redraw-as", 7, "--out", "sevens.npz")
    run = load_run(cvae_run)
    x, y = run.previews.images[:6], run.previews.labels
    assert y is not None
    np.testing.assert_array_equal(arrays("own.npz")["images"], as_bytes(run.model.reconstruct(x, y[:6])))
    sevens = run.model.reconstruct(x, y[:6], redraw_as=torch.full((6,), 7))
    np.testing.assert_array_equal(arrays("sevens.npz")["images"], as_bytes(sevens))
    assert not np.array_equal(arrays("own.npz")["images"], arrays("sevens.npz")["images"])


def test_a_given_image_is_encoded_with_the_label_that_is_said(terminal, cvae_run: Path) -> None:
    run = load_run(cvae_run)
    Image.fromarray(run.previews.images[0, 0].numpy()).save("a.png")
    terminal("reconstruct", cvae_run, "a.png", "--label", 4, "--redraw-as", 2, "--out", "r.npz")
    y = torch.tensor([4]), torch.tensor([2])
    expected = run.model.reconstruct(run.previews.images[:1], y[0], redraw_as=y[1])
    np.testing.assert_array_equal(arrays("r.npz")["images"], as_bytes(expected))


def test_codes_are_those_under_the_labels(terminal, cvae_run: Path) -> None:
    terminal("encode", cvae_run, "--split", "test", "--out", "codes.npz")
    run = load_run(cvae_run)
    test = run.load_data().test
    with torch.inference_mode():
        expected = run.model.encode(test.images, test.labels).mean
    np.testing.assert_allclose(arrays("codes.npz")["mean"], expected, atol=1e-5)
    some = torch.cat([split.images[:30, 0] for split in run.load_data().splits.values()])
    np.save("bare.npy", some.numpy())
    outcome = terminal("encode", cvae_run, "--data", "bare.npy", "--label", 5, "--out", "fives.npz")
    assert outcome.status == 0, outcome.err
    found = arrays("fives.npz")
    rows = found["names"].astype(int)
    with torch.inference_mode():
        fives = run.model.encode(some[:, None], torch.full((90,), 5)).mean
    np.testing.assert_allclose(found["mean"], fives[rows], atol=1e-5)
    assert found["labels"].tolist() == [5] * 90


def test_evaluation_says_that_it_is_given_the_class(terminal, cvae_run: Path) -> None:
    words = ["evaluate", cvae_run, "--samples", 5, "--images", 30, "--skip-quality"]
    outcome = terminal(*words)
    assert "each with its class, one of 10" in outcome.out
    assert "p(x|y)" in outcome.out and "p(x)" not in outcome.out
    assert json.loads(terminal(*words, "--json").out)["classes"] == 10
    assert "one of 10" in (cvae_run / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def animals(terminal) -> Path:
    """A run on a folder of three classes, each of one brightness."""
    random = np.random.default_rng(0)
    for level, name in enumerate(["cat", "dog", "frog"]):
        for folder in (Path("animals") / name, Path("more") / name):
            if (folder.parent.name, name) == ("more", "cat"):
                continue
            folder.mkdir(parents=True)
            for number in range(30):
                pixels = 40 + 80 * level + random.integers(0, 30, (8, 8))
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    words = ["--latent-dim", 2, "--width", 16, "--epochs", 30, "--batch-size", 10, "--out", "run"]
    assert terminal("train", "cvae", "--data", "animals", *words).status == 0
    return Path("run")


def test_names_of_folders_are_labels(terminal, animals: Path) -> None:
    brightness = []
    for name in ("cat", "dog", "frog", "2"):
        terminal("sample", animals, "--label", name, "--count", 8, "--out", f"{name}.npz")
        brightness.append(arrays(f"{name}.npz")["images"].mean())
    np.testing.assert_allclose(brightness, [55, 135, 215, 215], atol=12)
    check(
        terminal("sample", animals, "--label", "dgo"), ["--label dgo", "Did you mean dog?", "cat, dog, frog"]
    )
    terminal("encode", animals, "--data", "more", "--out", "more.npz")  # dog and frog only, numbered 0 and 1
    terminal("encode", animals, "--out", "animals.npz")
    more, own = arrays("more.npz"), arrays("animals.npz")
    assert sorted(set(more["labels"].tolist())) == [1, 2]
    assert np.abs(more["mean"].mean(0) - own["mean"].mean(0)).max() < 1  # as usual, not as of wrong classes
    Path("more/frog").rename("more/frogs")
    check(terminal("encode", animals, "--data", "more"), ["more", "'frogs'", "Did you mean frog?"])


def check(outcome, named: list[str]) -> None:
    assert outcome.status == 2 and outcome.out == ""
    assert len(outcome.errors) == 1, outcome.err
    assert [word for word in named if word not in outcome.err] == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["sample", "CVAE", "--label", "10"], ["--label 10", "0 to 9"]),
        (["sample", "CVAE", "--label", "-1"], ["--label -1", "0 to 9"]),
        (["sample", "CVAE", "--label", "three"], ["--label three", "0, 1, 2"]),
        (["sample", "CVAE", "--label", "3", "--grid"], ["--grid", "--label"]),
        (["sample", "CVAE", "--grid", "--count", "0"], ["--count", "at least 1"]),
        (["sample", "VAE", "--label", "3"], ["--label 3", "without labels", "cvae"]),
        (["sample", "VAE", "--grid"], ["--grid", "without labels", "cvae"]),
        (["reconstruct", "CVAE", "a.png"], ["--label"]),
        (["reconstruct", "CVAE", "a.png", "--label", "11"], ["--label 11", "0 to 9"]),
        (["reconstruct", "CVAE", "--label", "1"], ["--label", "previews"]),
        (["reconstruct", "CVAE", "--redraw-as", "x"], ["--redraw-as x"]),
        (["reconstruct", "VAE", "--redraw-as", "1"], ["--redraw-as 1", "without labels"]),
        (["reconstruct", "VAE", "a.png", "--label", "1"], ["--label 1", "without labels"]),
        (["encode", "CVAE", "--data", "bare.npy"], ["bare.npy", "no labels", "--label"]),
        (["evaluate", "CVAE", "--data", "bare.npy"], ["bare.npy", "no labels", "--label"]),
        (["figures", "CVAE", "--data", "bare.npy", "--out", "f"], ["bare.npy", "no labels", "--label"]),
        (["encode", "CVAE", "--label", "2"], ["--label", "digits has its own"]),
        (["encode", "VAE", "--data", "bare.npy", "--label", "2"], ["--label 2", "without labels"]),
        (["train", "cvae", "--data", "bare.npy", "--out", "new"], ["bare.npy", "no labels", "cvae", "vae"]),
        (["train", "cvae", "--data", "one.npz", "--out", "new"], ["one.npz", "one class only"]),
    ],
)
def test_what_does_not_fit(
    terminal, cvae_run: Path, vae_run: Path, words: list[str], named: list[str]
) -> None:
    images = np.random.default_rng(0).integers(0, 255, (80, 8, 8), dtype=np.uint8)
    np.save("bare.npy", images)
    np.savez("one.npz", images=images, labels=np.zeros(80, int))
    Image.fromarray(images[0]).save("a.png")
    before = sorted(Path().rglob("*"))
    check(terminal(*({"CVAE": cvae_run, "VAE": vae_run}.get(word, word) for word in words)), named)
    assert sorted(Path().rglob("*")) == before
