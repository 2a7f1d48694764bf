"""Typical mistakes: each is one line with what was meant, exit 2, and nothing is left behind.

The table was made by typing what people type; `test_bad_input.py` has more of it, for settings, damaged runs and places.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.cli.main import COMMANDS
from vaekit.config.methods import METHODS
from vaekit.config.options import NAMED_SETS
from vaekit.data import SOURCES

DIGITS = "train vae --data digits"

# What is typed -> what the line must say.
COMMAND_WORDS = {
    "tran vae --data digits": "Did you mean train?",
    "Train vae --data digits": "Did you mean train?",
    "generate run": "Did you mean sample?",
    "list": "Did you mean runs?",
    "rm run": "Did you mean remove?",
    "vaekit train vae": "Leave the second vaekit out.",
    "vae --data digits": "Did you mean vaekit train vae?",
    "digits": "Did you mean vaekit train vae --data digits?",
    "photos": "Did you mean vaekit data photos?",
    "vae": "Did you mean vaekit train vae?",
    "runs/first": "Did you mean vaekit explore runs/first?",
    "--seed 3 train vae": "The command comes first: vaekit COMMAND --seed.",
    "--hlep": "Did you mean --help?",
    "-v": "Did you mean --version?",
    "version": "Did you mean --version?",
    "help trian": "Did you mean train?",
    "completion": "needs the name of a shell. Choices: bash, zsh.",
    "completion fish": "Choices: bash, zsh.",
    "train digits": "unknown method 'digits'",
    "train VAE --data digits": "Did you mean vae?",
    "train autoencoder --data digits": "Did you mean ae?",
    "train --data digits": "needs METHOD first",
    "explore": "vaekit explore needs RUN",
}
OPTION_WORDS = {
    f"{DIGITS} --epoch 3": "Did you mean --epochs?",
    f"{DIGITS} --lr 1": "Did you mean --learning-rate?",
    f"{DIGITS} --latents ten": "Did you mean --latent-dim?",
    f"{DIGITS} --loss mse": "Did you mean --likelihood?",
    f"{DIGITS} -epochs 3": "Did you mean --epochs?",
    f"{DIGITS} -e 3": "Did you mean --epochs?",
    f"{DIGITS} -help": "Did you mean --help?",
    f"{DIGITS} -?": "Did you mean --help?",
    f"{DIGITS} help": "Did you mean --help?",
    f"{DIGITS} /?": "Did you mean --help?",
    f"{DIGITS} –-epochs 3": "the dashes of –-epochs are no hyphens; type --epochs.",
    f"{DIGITS} —epochs=3": "the dashes of —epochs are no hyphens; type --epochs.",
    f"{DIGITS} −−epoch 3": "type --epochs.",
    f"{DIGITS} --latent–dim 3": "Did you mean --latent-dim?",
    "compare –-data digits": "the dashes of –-data are no hyphens; type --data.",
    f"{DIGITS} epochs=3": "An option begins with two hyphens: --epochs=3.",
    f"{DIGITS} lr=0.1": "An option begins with two hyphens: --learning-rate=0.1.",
    f"{DIGITS} epochs 3": "An option begins with two hyphens: --epochs.",
    f"{DIGITS} --epochs =3": "no space before =; type --epochs 3.",
    f"{DIGITS} --epochs = 3": "no space before =; type --epochs 3.",
    f"{DIGITS} --epochs= 3": "no space after =; type --epochs 3.",
    f"{DIGITS} --epochs": "--epochs needs a value",
    f"{DIGITS} --epochs --seed 1": "--epochs needs a value",
    f"{DIGITS} --epochs 3 --epochs 4": "--epochs is given twice, as 3 and as 4",
    f"{DIGITS} --epochs 3 --steps 4": "exclude each other",
    f"{DIGITS} --deterministic yes": "--deterministic takes no value.",
    f"{DIGITS} --count 5": "vaekit sample, reconstruct and search have it.",
    f"{DIGITS} --samples 5": "vae has none; iwae has.",
    f"{DIGITS} --seeds 3": "Did you mean --seed?",
    "train ae --data digits --beta 4": "ae has none; vae, beta-vae, beta-tcvae and cvae have.",
    "sweep ae --data digits --beta 4 --out s": "ae has none; vae, beta-vae, beta-tcvae and cvae have.",
    "sample vae --epochs 3": "vaekit train, resume and compare have it.",
    "resume vae --lr 0.1": "vaekit train has --learning-rate.",
    "sample --run vae": "RUN is given by its place, without a name: vaekit sample RUN.",
    "cache --clear": "Did you mean --empty?",
}
VALUES = {
    f"{DIGITS} --epochs three": "'three' is not a whole number. Did you mean 3?",
    f"{DIGITS} --epochs 1e3": "Did you mean 1000?",
    f"{DIGITS} --epochs 1,000": "Did you mean 1000?",
    f"{DIGITS} --epochs 10k": "Did you mean 10000?",
    f"{DIGITS} --epochs 3.5": "--epochs: '3.5' is not a whole number.",
    f"{DIGITS} --epochs -3": "--epochs must be at least 1, not -3.",
    f"{DIGITS} --learning-rate -1": "--learning-rate must be above 0",
    f"{DIGITS} --learning-rate 0,001": "Did you mean 0.001?",
    f"{DIGITS} --beta high": "--beta: 'high' is not a number.",
    f"{DIGITS} --beta −1": "Did you mean -1?",
    f"{DIGITS} --seed -1": "--seed must be at least 0, not -1.",
    f"{DIGITS} --latent-dim 8 9": "--latent-dim takes one value, and has 8.",
    f"{DIGITS} --network cnn": "Did you mean strided?",
    f"{DIGITS} --likelihood mse": "Did you mean gaussian?",
    f"{DIGITS} mlp": "Did you mean --network mlp?",
    f"{DIGITS} --device gpu": "Did you mean cuda?",
    f"{DIGITS} --budget soon": "write 90s, 3min or 1h",
    f"{DIGITS} --config photos": "a folder; options of a run are in its config.json.",
    f"{DIGITS} --config digits_vea": "Did you mean digits_vae?",
    "train vae digits": "Did you mean --data digits?",
    "train vae photos": "Did you mean --data photos?",
    "train vae --data photo": "Did you mean photos?",
    "train vae --data digtis": "Did you mean digits?",
    "train vae --data photos/*.png": "A pattern is no source; name the folder: --data photos.",
    "train vae --data photos/0.png photos/1.png photos/2.png": "Name their folder: --data photos.",
    "train vae --data empty": "empty: no images in this folder",
    "train vae --data note.txt": "--data note.txt: not a folder of images",
    "figures vae --only latentmap": "Did you mean latent_map?",
    "figures vae --only samples, training": "--only samples,training.",
    "runs --sort date": "Did you mean changed?",
    "runs --state done": "Did you mean ended?",
    "sweep vae --data digits --grid bta=1,4 --out s": "Did you mean beta?",
}
RUNS = {
    "sample runs/frist": "runs/frist: no such run folder. In runs there are: first.",
    "sample runs": "In runs there are: first.",
    "sample photos": "photos is not a run folder: it has no config.json.",
    "sample note.txt": "note.txt is a file; a run is a folder.",
    "sample vae/config.json": "It lies in a run: vae.",
    "encode note.txt": "note.txt is a file; a run is a folder.",
    "search photos/0.png vae": "photos/0.png is a file; a run is a folder.",
    "search vae photos": "search takes one image; photos has 3.",
    "search vae none.png": "none.png: no such image file or folder.",
    "remove runs/frist": "In runs there are: first.",
    "remove vae": "--yes removes without.",
    "sample vae --label 3": "vae was trained without labels (vae); a cvae can be asked for classes.",
    "compress vae --data digits --out x.vk": "train with --likelihood logistic-mixture",
    "resume vae --steps 1": "give a longer total length",
    "compare vae": "side by side stand two run folders or more",
    "interpolate vae photos/0.png": "vaekit interpolate needs LAST",
}
MISTAKES = COMMAND_WORDS | OPTION_WORDS | VALUES | RUNS


@pytest.fixture
def here(terminal, vae_run: Path) -> None:
    """A run, another in `runs`, a folder of three pictures, an empty one, and a text, in the present folder."""
    for folder in ("photos", "empty", "runs"):
        Path(folder).mkdir()
    Path("runs/first").mkdir()
    Path("runs/first/config.json").write_bytes((vae_run / "config.json").read_bytes())
    for number in range(3):
        Image.fromarray(np.full((8, 8), 80 * number, dtype=np.uint8)).save(f"photos/{number}.png")
    Path("note.txt").write_text("hello", encoding="utf-8")


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_is_one_line_with_what_was_meant(terminal, here: None, typed: str) -> None:
    before = sorted(Path().rglob("*"))
    outcome = terminal(*typed.split())
    assert (outcome.status, outcome.out, len(outcome.errors)) == (2, "", 1), outcome.err
    assert outcome.err.startswith("vaekit: error: ") and MISTAKES[typed] in outcome.err, outcome.err
    assert sorted(Path().rglob("*")) == before


def test_there_are_more_than_forty_of_them() -> None:
    assert len(MISTAKES) >= 40


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_missing_says_why(terminal) -> None:
    outcome = terminal(*f"{DIGITS} --device cuda --out new".split())
    reason = "this torch was built without CUDA" if torch.version.cuda is None else "torch finds no such GPU"
    assert outcome.status == 2 and reason in outcome.err and "--device auto" in outcome.err


def test_as_json_the_line_is_one_object(terminal) -> None:
    outcome = terminal("train", "vae", "--data", "digits", "--epoch", "3", "--json")
    said = json.loads(outcome.out)
    assert said["status"] == outcome.status == 2 and "Did you mean --epochs?" in said["error"]


def test_named_sets_are_those_that_can_be_loaded() -> None:
    assert tuple(SOURCES) == NAMED_SETS


FIRST = [[], *([command] for command in COMMANDS), *(["train", name] for name in METHODS)]


@pytest.mark.parametrize("words", [*FIRST, *(["sweep", name] for name in METHODS)], ids=" ".join)
@pytest.mark.parametrize("columns", [80, 120])
def test_the_first_help_fits_a_screen(terminal, monkeypatch, words: list[str], columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = terminal(*words, "--help").out.splitlines()
    assert 0 < len(lines) <= 30
    assert max(map(len, lines)) <= columns


def test_the_first_help_of_a_prior_fits_a_screen(terminal, vae_run: Path, ae_run: Path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for run in (vae_run, ae_run):
        assert 0 < len(terminal("prior", run, "--help").out.splitlines()) <= 30
