"""A trained run is shown few new examples: one file, one row, equal rows. What training asks of a set is not asked."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from vaekit import DataError, load_run
from vaekit.evaluation.threshold import Threshold, above, threshold_of
from vaekit.runs.json_records import sealed

ROWS = (
    np.random.default_rng(0).normal(size=(300, 4)) @ np.random.default_rng(1).normal(size=(4, 6)) * 40 + 900
)


@pytest.fixture(scope="module")
def _of_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    np.save(folder / "rows.npy", ROWS)
    vaekit.train(
        "vae", folder / "rows.npy", pixels="real", latent_dim=2, epochs=3, out=folder / "run", device="cpu", progress="none"
    )  # fmt: skip
    return folder


@pytest.fixture
def rows_run(_of_rows: Path, tmp_path: Path) -> Path:
    """A copy of a VAE trained on rows of six real features."""
    return Path(shutil.copytree(_of_rows / "run", tmp_path / "rows"))


def digits(run: Path, count: int) -> np.ndarray:
    return load_run(run).previews.images[:count, 0].numpy()


def table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def saved(folder: Path, kind: str, images: np.ndarray) -> Path:
    """The images in some form on disk."""
    path = folder / kind
    if kind == "one.png":
        Image.fromarray(images[0]).save(path)
    elif kind == "colour.png":
        Image.fromarray(images[0]).convert("RGB").save(path)
    elif kind in ("folder", "archive.zip"):
        (folder / "folder").mkdir(exist_ok=True)
        for index, image in enumerate(images):
            Image.fromarray(image).save(folder / "folder" / f"{index}.png")
        if kind == "archive.zip":
            with zipfile.ZipFile(path, "w") as archive:
                for file in sorted((folder / "folder").iterdir()):
                    archive.write(file, file.name)
    elif kind.endswith(".npz"):
        np.savez(path, x_test=images)
    else:
        np.save(path, images[0] if kind == "one.npy" else images)
    return path


@pytest.mark.parametrize(("kind", "count"), [
    ("one.png", 1), ("colour.png", 1), ("folder", 3), ("archive.zip", 3), ("three.npy", 3), ("one.npy", 1), ("three.npz", 3),
    ("equal.npy", 3),
])  # fmt: skip
def test_commands_take_few_images(terminal, vae_run: Path, tmp_path: Path, kind: str, count: int) -> None:
    images = digits(vae_run, 3)
    images = images[[0, 0, 0]] if kind == "equal.npy" else images
    path = saved(tmp_path, kind, images)
    outcome = terminal("encode", vae_run, "--data", path, "--out", "codes.npz")
    assert outcome.status == 0, outcome.err
    with torch.inference_mode():
        expected = load_run(vae_run).model.encode(torch.from_numpy(images[:count, None])).mean.numpy()  # type: ignore[attr-defined]
    with np.load("codes.npz") as codes:
        np.testing.assert_allclose(codes["mean"], expected, rtol=1e-4, atol=1e-5)
    outcome = terminal("score", vae_run, "--data", path, "--scores", "reconstruction_error", "--out", "s.csv")
    assert outcome.status == 0, outcome.err
    assert len(table(Path("s.csv"))) == count
    outcome = terminal("reconstruct", vae_run, path, "--out", "r.npz")
    assert outcome.status == 0, outcome.err
    with np.load("r.npz") as found:
        assert found["images"].shape == (count, 8, 8, 1)
    outcome = terminal("evaluate", vae_run, "--data", path, "--samples", 3, "--skip-quality", "--json")
    assert outcome.status == 0, outcome.err
    values = json.loads(outcome.out)
    assert values["images"] == count and np.isfinite(values["nll_nats"]["value"])


@pytest.mark.parametrize(
    ("rows", "count"), [(ROWS[0], 1), (ROWS[:1], 1), (ROWS[:3], 3), (ROWS[[5] * 50], 50)]
)
def test_commands_take_few_rows(terminal, rows_run: Path, rows: np.ndarray, count: int) -> None:
    np.save("few.npy", rows)
    outcome = terminal("encode", rows_run, "--data", "few.npy", "--out", "codes.csv")
    assert outcome.status == 0, outcome.err
    run = load_run(rows_run)
    with torch.inference_mode():
        expected = run.model.encode(torch.from_numpy(np.atleast_2d(rows))).mean.numpy()  # type: ignore[attr-defined]
    found = np.array([[float(row["z0"]), float(row["z1"])] for row in table(Path("codes.csv"))])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    for words in (
        ["score", rows_run, "--data", "few.npy", "--scores", "reconstruction_error", "--out", "s.csv"],
        ["reconstruct", rows_run, "few.npy", "--out", "r.csv"],
        ["evaluate", rows_run, "--data", "few.npy", "--samples", 3, "--skip-quality"],
    ):
        outcome = terminal(*words)
        assert outcome.status == 0, outcome.err
    assert len(table(Path("s.csv"))) == len(table(Path("r.csv"))) == count


@pytest.mark.parametrize("source", [
    ROWS[0], ROWS[0].tolist(), torch.from_numpy(ROWS[0]), [ROWS[0]], ROWS[:1].tolist(), {"x": ROWS[:1]}, ROWS[:1].astype(np.float32),
])  # fmt: skip
def test_a_row_in_memory(rows_run: Path, source: Any) -> None:
    run = load_run(rows_run)
    data = run.load_data(source)
    assert (len(data.train), len(data.validation), len(data.test)) == (0, 0, 1)
    np.testing.assert_allclose(data.test.images[0].numpy(), ROWS[0], rtol=1e-6)
    found = vaekit.encode(run, source).embedding
    assert found is not None
    with torch.inference_mode():
        expected = run.model.encode(torch.from_numpy(ROWS[:1])).mean  # type: ignore[attr-defined]
    torch.testing.assert_close(found.mean, expected, rtol=1e-3, atol=1e-3)
    assert vaekit.reconstruct(run, source).rebuilt.shape == (1, 6)
    assert vaekit.score(run, source, scores=["reconstruction_error"]).names == ["0"]


def test_an_image_in_memory(vae_run: Path) -> None:
    run = load_run(vae_run)
    image = digits(vae_run, 1)[0]
    picture = Image.fromarray(image)
    for source in (
        image,
        image[None],
        image[..., None],
        [image],
        picture,
        [picture],
        torch.from_numpy(image),
    ):
        assert torch.equal(run.load_data(source).test.images, torch.from_numpy(image[None, None]))
    larger = Image.fromarray(image).resize((20, 20)).convert("RGB")
    with pytest.warns(vaekit.VaekitWarning) as caught:
        assert vaekit.reconstruct(run, larger).rebuilt.shape == (1, 1, 8, 8)
    assert [str(one.message) for one in caught] == [
        "images brought to 8x8 pixels, as the model takes them (crop)", "colour images converted to grey",
    ]  # fmt: skip


@pytest.mark.parametrize(("pixels", "images", "expected"), [
    ("8-bit", np.eye(8, dtype=np.uint8)[None], np.eye(8) / 255), ("8-bit", np.ones((1, 8, 8), np.uint8), np.full((8, 8), 1 / 255)),
    ("8-bit", np.eye(8)[None], np.eye(8)), ("unit", np.eye(8, dtype=np.uint8)[None] * 255, np.eye(8)),
    ("unit", np.eye(8)[None], np.eye(8)), ("binary", np.ones((1, 8, 8), np.uint8), np.ones((8, 8))),
    ("binary", np.zeros((1, 8, 8)), np.zeros((8, 8))), ("binary", np.eye(8, dtype=bool)[None], np.eye(8)),
])  # fmt: skip
def test_values_mean_what_they_meant_in_training(
    tmp_path: Path, pixels: str, images: np.ndarray, expected: np.ndarray
) -> None:
    """One dark image does not show that white is 255."""
    random = np.random.default_rng(0).random((40, 8, 8))
    known = {
        "8-bit": (random * 255).astype(np.uint8),
        "unit": random,
        "binary": (random > 0.5).astype(np.uint8),
    }
    np.save(tmp_path / "train.npy", known[pixels])
    vaekit.train(
        "vae", tmp_path / "train.npy", pixels=pixels, epochs=1, latent_dim=2, out=tmp_path / "run", progress="none"
    )  # fmt: skip
    run = load_run(tmp_path / "run")
    data = run.load_data(images)
    shown = vaekit.inference.shown_images(run.model, data.test)  # type: ignore[attr-defined]
    np.testing.assert_allclose(shown[0, 0].numpy(), expected, atol=1e-6)


def test_what_does_not_fit_is_one_line(terminal, vae_run: Path, rows_run: Path, tmp_path: Path) -> None:
    picture = saved(tmp_path, "one.png", digits(vae_run, 1))
    np.save("other.npy", ROWS[0, :4])
    for words, message in (
        (["encode", rows_run, "--data", picture], "takes none (the data are 6 features, no pictures)"),
        (["encode", rows_run, "--data", "other.npy"], "it must be"),
        (["score", vae_run, "--data", "other.npy"], "it must be"),
        (["train", "vae", "--data", picture], "a set to train on is a folder of such images"),
        (["encode", vae_run, "--data", picture, "--split", "train"], "split 'train'"),
        (["score", vae_run, "--quantile", 1], "--quantile must be"),
    ):
        outcome = terminal(*words)
        assert outcome.status == 2 and len(outcome.errors) == 1, outcome.err
        assert message in outcome.err
    with pytest.raises(DataError, match="only 9 images; the splits need at least 10"):
        vaekit.load_data(ROWS[:9], pixels="real")


def test_threshold_by_its_definition() -> None:
    """At most 1 - q of new scores lie above, on average: by simulation, and in closed form for scores without ties."""
    random = np.random.default_rng(0)
    for count, quantile in ((99, 0.95), (16, 0.9), (50, 0.99), (200, 0.99)):
        shares = []
        for _ in range(4000):
            scores = torch.from_numpy(random.exponential(size=count))
            found = threshold_of(scores, quantile)
            shares.append(float(np.exp(-found.score)))  # the exponential's own share above
        rank = min(int(np.ceil((count + 1) * quantile - 1e-9)), count)
        assert found.share_above == pytest.approx(1 - rank / (count + 1))
        assert np.mean(shares) == pytest.approx(found.share_above, rel=0.1)
    assert threshold_of(torch.arange(99.0), 0.95) == Threshold(94.0, 0.95, 99)
    assert above(torch.tensor([93.0, 94.0, 95.0]), Threshold(94.0, 0.95, 99)).tolist() == [False, False, True]


@pytest.mark.parametrize("quantile", [0.9, 0.99])
def test_scores_say_which_are_outliers(terminal, rows_run: Path, quantile: float) -> None:
    """The threshold is the quantile of the run's own validation rows; a stuck sensor is above it."""
    strange = np.concatenate([ROWS[:5], ROWS[:1] * [1, -9, 1, 1, 1, 1]])
    np.save("new.npy", strange)
    words = ["--scores", "reconstruction_error", "--quantile", quantile, "--json", "--out", "s.csv"]
    values = json.loads(terminal("score", rows_run, "--data", "new.npy", *words).out)
    run = load_run(rows_run)
    validation = run.load_data().validation
    own = vaekit.inference.squared_errors(  # type: ignore[attr-defined]
        validation.images, run.model.reconstruct(validation.images), run.model  # type: ignore[attr-defined]
    ).sort().values  # fmt: skip
    rank = min(int(np.ceil((len(own) + 1) * quantile - 1e-9)), len(own))
    assert values["threshold"] == pytest.approx(float(own[rank - 1]), rel=1e-5)
    assert (values["quantile"], values["validation_images"]) == (quantile, len(own))
    rows = table(Path("s.csv"))
    column = f"threshold_{quantile:g}"
    assert all(float(row[column]) == pytest.approx(values["threshold"], rel=1e-5) for row in rows)
    judged = {row["name"]: row["outlier"] for row in rows}
    assert judged["5"] == "yes" and set(judged.values()) <= {"yes", "no"}
    assert [row["outlier"] == "yes" for row in rows] == [
        float(row["reconstruction_error"]) > float(row[column]) for row in rows
    ]
    assert values["outliers"] == sum(row["outlier"] == "yes" for row in rows)


def test_without_the_runs_own_data_there_is_no_threshold(terminal, rows_run: Path, tmp_path: Path) -> None:
    config = json.loads((rows_run / "config.json").read_text(encoding="utf-8"))
    config["data"]["path"] = str(tmp_path / "gone.npy")
    (rows_run / "config.json").write_text(json.dumps(sealed(config)), encoding="utf-8")
    np.save("new.npy", ROWS[:4])
    outcome = terminal(
        "score", rows_run, "--data", "new.npy", "--scores", "reconstruction_error", "--out", "s.csv"
    )
    assert outcome.status == 0 and "no threshold" in outcome.err
    assert list(table(Path("s.csv"))[0]) == ["name", "reconstruction_error"]
