"""What is printed of a table is about rows and values, whatever the command; of images it is about images."""

from __future__ import annotations

import csv
import re
import shutil
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.text import Text
from sklearn.datasets import load_wine

import vaekit
from vaekit.metrics import METRICS, metric_of
from vaekit.wording import listening, of_rows, speak_of, speaking_of, worded

CPU = ["--device", "cpu"]
FLAGS = re.compile(r"--(images?|pixels?)\S*")  # names of options, which are what is typed


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of 13 columns and classes, its first row alone, and two runs of it."""
    folder = tmp_path_factory.mktemp("wine")
    found: Any = load_wine()
    rows = [[*row, found.target_names[label]] for row, label in zip(found.data, found.target, strict=True)]
    for name, some in (("wine", rows), ("one", rows[:1]), ("few", rows[::9])):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([[*found.feature_names, "class"], *some])
    for method in ("vae", "ae"):
        small = {"latent_dim": 2, "width": 16, "depth": 1, "steps": 8, "device": "cpu", "progress": False}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", vaekit.VaekitWarning)
            vaekit.train(method, str(folder / "wine.csv"), pixels="real", out=folder / method, **small)
    return folder


# Every command that takes data or a run of a table, and what it refuses of one.
COMMANDS = [
    ["data", "wine.csv", "--pixels", "real"],
    ["data", "wine.csv"],
    ["train", "vae", "--data", "wine.csv", "--pixels", "real", "--steps", "3", "--budget-", "3"],
    ["train", "vae", "--data", "wine.csv", "--pixels", "real", "--steps", "3", *CPU],
    ["train", "cvae", "--data", "wine.csv", "--steps", "3", *CPU],
    ["train", "vqvae", "--data", "wine.csv", "--pixels", "real", "--steps", "3", *CPU],
    ["train", "vae", "--data", "one.csv", "--pixels", "real", "--steps", "3", *CPU],
    ["train", "vae", "--data", "wine.csv", "--pixels", "real", "--network", "conv", "--steps", "3", *CPU],
    ["evaluate", "vae", "--samples", "2", "--annealed", "2", "--sandwich", "2", "--temperatures", "3", "--chains", "2", *CPU],
    ["evaluate", "vae", "--samples", "2", "--images", "9", "--jackknife", "--card", "card.json", *CPU],
    ["evaluate", "vae", "--data", "few.csv", "--samples", "2", *CPU],
    ["evaluate", "vae", "--disentanglement", "yes", *CPU],
    ["evaluate", "ae", *CPU],
    ["cards", "card.json", "card.json"],
    ["score", "vae", "--samples", "2", "--split", "test", *CPU],
    ["score", "vae", "--samples", "2", "--odd", "class_0", "--split", "test", *CPU],
    ["score", "vae", "--scores", "complexity_corrected_nats", *CPU],
    ["encode", "vae"],
    ["encode", "vae", "--data", "one.csv"],
    ["sample", "vae"],
    ["sample", "vae", "--out", "s.png"],
    ["reconstruct", "vae"],
    ["reconstruct", "vae", "few.csv"],
    ["reconstruct", "vae", "few.csv", "--label", "class_0"],
    ["search", "vae", "one.csv"],
    ["search", "vae", "few.csv"],
    ["duplicates", "vae", "--split", "test"],
    ["interpolate", "vae", "one.csv", "one.csv"],
    ["interpolate", "vae", "one.csv", "few.csv"],
    ["figures", "vae", "--only", "training,latent_map,samples,information,manifold"],
    ["export", "vae", "--format", "web"],
    ["explore", "vae", "--no-browser"],
    ["compress", "vae"],
    ["features", "--data", "wine.csv", "--kind", "pca", "--dimensions", "3", "--out", "f.safetensors"],
    ["prior", "ae", "--steps", "3"],
    ["runs", "."],
    ["check", "vae"],
    ["compare", "vae", "vae"],
    ["sweep", "vae", "--data", "wine.csv", "--pixels", "real", "--steps", "3", "--grid", "beta=1,4", "--out", "sw", *CPU],
    ["resume", "vae", "--steps", "9"],
]  # fmt: skip


def test_nothing_printed_of_a_table_is_about_images(
    terminal, wine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(wine, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr("vaekit.evaluation.score_forecast.MANY", 8)
    for words in COMMANDS:
        outcome = terminal(*words)
        assert outcome.out or outcome.err
        assert "Traceback" not in outcome.err
        for line in f"{outcome.out}\n{outcome.err}".splitlines():
            assert not re.search("image|pixel", FLAGS.sub("", line), re.IGNORECASE), (words, line)
    page = (tmp_path / "vae" / "report.html").read_text(encoding="utf-8")
    said = re.sub(r"<style.*?</style>|<script.*?</script>|<pre>.*?</pre>|<[^>]*>", " ", page, flags=re.DOTALL)
    told = re.findall(r".{30}(?:images?|pixels?).{30}", said, re.IGNORECASE)
    assert [line for line in told if "real" not in line] == []  # the option that is in the settings
    assert "nats per row" in said and "rows of 13 features" in said
    assert '<img src="data:image/' in page or "data:image/" not in page


def test_a_figure_of_a_table_is_about_rows(wine: Path) -> None:
    drawn = vaekit.figures(wine / "vae", only=["training", "latent_map"], device="cpu").figures
    for figure in drawn.values():
        words = " ".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))
        assert "image" not in words and ("nats per row" in words or "26 test examples" in words)


def test_a_run_of_images_is_spoken_of_as_before(terminal, wine: Path, vae_run: Path) -> None:
    terminal("evaluate", wine / "ae", "--device", "cpu")
    assert (
        "nats per image" in terminal("evaluate", vae_run, "--samples", 2, "--images", 9, "--skip-quality").out
    )
    assert worded("9 images") == "9 images"  # and in Python, after either
    with speaking_of((13,)):
        assert worded("9 images") == "9 rows" and metric_of("kl_nats").unit == "nats per row"
    assert metric_of("kl_nats") is METRICS["kl_nats"]


def test_a_prior_of_images_is_about_images(terminal, vae_run: Path) -> None:
    """Its own examples are latents, (D,), which are no rows of a table."""
    outcome = terminal("prior", vae_run, "--steps", 3)
    assert outcome.status == 0 and "nats per image" in outcome.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("26 images are too few", "26 rows are too few"),
        ("An image's latents; of an image", "A row's latents; of a row"),
        ("Images that the model drew, per image.", "Rows that the model drew, per row."),
        ("explain 5 % of the pixels' variance", "explain 5 % of the values' variance"),
        ("the data are 13 features, not images", "the data are 13 features, no pictures"),
        ("this network needs images; take mlp", "this network needs pictures; take mlp"),
    ],
)
def test_words_are_said_of_rows(text: str, said: str) -> None:
    assert of_rows(text) == said


@pytest.mark.parametrize(
    "text",
    ["--images 20 --image-size 64 --pixels real", "images=20, pixels='real'", "/data/images/wine.csv", "images.npz",
     "data:image/png;base64,A", "pixels = real", "<code>pixels</code>", "image_3", "'images'", "photo-images", "imagery"],
)  # fmt: skip
def test_names_stay(text: str) -> None:
    assert of_rows(text) == text


@pytest.mark.filterwarnings("ignore::vaekit.VaekitWarning")
def test_a_table_is_compared(tmp_path: Path, wine: Path) -> None:
    """Features are learned from its labels in single precision, whatever its columns are stored in."""
    data = vaekit.load_data(str(wine / "wine.csv"), pixels="real")
    assert data.train.images.dtype == torch.float64 and np.isfinite(data.train.images.numpy()).all()
    found = vaekit.features(data, "classifier", epochs=1, out=tmp_path / "f.safetensors", device="cpu")
    assert found.test_accuracy is not None


def test_names_that_hold_such_words_stay() -> None:
    names = ["lung image features/run", "image", "pixel sum"]
    text = "60 images embedded in lung image features/run/codes.npz"
    assert of_rows(text, names[:1]) == "60 rows embedded in lung image features/run/codes.npz"
    assert of_rows("column pixel sum of an image is taken", names[2:]) == "column pixel sum of a row is taken"
    with listening(["train", "--data", "lung image features/t.csv"]):
        speak_of((3,), ["pixel sum"])
        assert worded("2 images of lung image features/t.csv, column pixel sum") == (
            "2 rows of lung image features/t.csv, column pixel sum"
        )


def test_threads_speak_for_themselves() -> None:
    """Two that overlap leave nobody speaking of rows."""
    begun, ended, said = threading.Event(), threading.Event(), []

    def other() -> None:
        with speaking_of((3,)):
            begun.set()
            ended.wait(10)
            said.append(worded("images"))

    thread = threading.Thread(target=other)
    thread.start()
    begun.wait(10)
    with speaking_of((3,)):
        pass
    said.append(worded("images"))
    ended.set()
    thread.join()
    assert said == ["images", "rows"] and worded("images") == "images"
