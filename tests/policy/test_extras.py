"""Each extra alone is enough for its commands: they run end to end where the packages of the others cannot be imported."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import urllib.request
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.cli.main import main

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
EXTRAS: dict[str, list[str]] = {
    name: wanted
    for name, wanted in tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ].items()
    if name not in ("all", "docs", "test")
}
SMALL = ["--width", "8", "--depth", "1", "--latent-dim", "2", "--epochs", "1", "--device", "cpu"]
COMMANDS = {  # extra -> commands, in a folder with a run of images.npz, and some PNG files in photos/
    "cli": [
        ["train", "vae", "--data", "images.npz", *SMALL, "--out", "new"],
        ["resume", "run"],
        ["data", "images.npz"],
        ["encode", "run", "--out", "codes.csv"],
        ["reconstruct", "run", "--out", "r.png"],
        ["sample", "run", "--out", "s.png"],
        ["sample", "run", "--out", "pictures"],
        ["score", "run"],
        ["evaluate", "run", "--samples", "10"],
        ["prior", "run", "--epochs", "1", "--components", "2"],
        ["features", "--data", "images.npz", "--kind", "pca"],
        ["compare", "--data", "images.npz", "--methods", "ae", "vae", "--seeds", "1", "--epochs", "1", "--width", "8"],
        ["explore", "--help"],
        ["reproduce", "--list"],
    ],
    "plots": [["figures", "run"], ["figures", "run", "--only", "latent_tsne", "--tsne"]],
    "data": [
        ["data", "digits"],
        ["data", "photos"],
        ["train", "vae", "--data", "photos", *SMALL, "--out", "new"],
        ["reconstruct", "run", "photos", "--out", "r.npz"],
    ],
    "quality": [
        ["evaluate", "run", "--samples", "10", "--features", "net.onnx", "--card", "run.json"],
        ["evaluate", "--encoder", "same.onnx", "--decoder", "same.onnx", "--data", "images.npz", "--card", "same.json"],
        ["cards", "same.json", "same.json"],
    ],
    "explore": [],  # served below
    "export": [["export", "run"], ["export", "run", "--format", "web"]],
    "track": [["train", "vae", "--data", "images.npz", *SMALL, "--log", "tensorboard", "--out", "new"]],
    "hub": [],  # a server answers in tests/hub; what needs none is below
    "sklearn": [],  # no command: vaekit.estimators, below
}  # fmt: skip

BLOCKED = """
import sys
from importlib.machinery import PathFinder

class Others:
    find_distributions = staticmethod(PathFinder.find_distributions)  # versions of those that are there

    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in {names!r} else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Others()
from vaekit.cli.main import main
for words in {commands!r}:
    status = main(words)
    if status:
        sys.exit(f"{{' '.join(words)}}: exit {{status}}")
"""


def requirement(line: str) -> str:
    found = re.match(r"[\w.-]+", line)
    assert found is not None
    return found[0].lower().replace("_", "-")


def distributions(extra: str) -> set[str]:
    """What an extra asks for, extras of vaekit within it included."""
    found = set()
    for line in EXTRAS[extra]:
        inner = re.match(r"vaekit\[([\w,]+)\]", line)
        found |= (
            set().union(*map(distributions, inner[1].split(",")))
            if inner is not None
            else {requirement(line)}
        )
    return found


def with_requirements(names: set[str]) -> set[str]:
    """Distributions with all that they bring."""
    found, left = set(), set(names)
    while left:
        name = left.pop()
        found.add(name)
        try:
            lines = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        left |= {requirement(line) for line in lines if "extra ==" not in line} - found
    return found


def blocked(extra: str) -> set[str]:
    """Top-level modules that an installation of this extra alone does not have."""
    core = {"torch", "numpy", "safetensors"}
    there = with_requirements(distributions(extra) | core)
    all_of_them = set().union(*map(distributions, EXTRAS))
    missing = with_requirements(all_of_them | core) - there
    modules = metadata.packages_distributions()
    return {
        name
        for name, sources in modules.items()
        if {requirement(source) for source in sources} <= missing and name != "vaekit"
    }


@pytest.fixture(scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of two classes, a run of them, image files, and a network of features."""
    folder = tmp_path_factory.mktemp("extras")
    rng = np.random.default_rng(0)
    labels = np.arange(900) % 2
    images = (rng.integers(0, 100, (900, 8, 8)) + 100 * labels[:, None, None]).astype(np.uint8)
    np.savez(folder / "images.npz", x=images, y=labels)
    (folder / "photos").mkdir()
    for number in range(20):
        Image.fromarray(images[number]).save(folder / "photos" / f"{number}.png")
    assert (
        main(["train", "vae", "--data", str(folder / "images.npz"), *SMALL, "--out", str(folder / "run")])
        == 0
    )
    batch = torch.export.Dim("batch")
    nets = {
        "net": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)),
        "same": torch.nn.Hardtanh(),
    }
    for name, net in nets.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, about its exporter
            torch.onnx.export(
                net.eval(), (torch.rand(2, 1, 8, 8),), folder / f"{name}.onnx", dynamo=True,
                dynamic_shapes=({0: batch},), external_data=False, verbose=False,
            )  # fmt: skip
    return folder


@pytest.fixture
def here(_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_folder, tmp_path / "here"))


def python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-W", "error::UserWarning:vaekit", "-c", code]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("extra", [name for name in EXTRAS if COMMANDS.get(name, True)])
def test_its_commands_run(extra: str, here: Path) -> None:
    assert extra in COMMANDS, f"say which commands the extra {extra} is for"
    done = python(BLOCKED.format(names=blocked(extra), commands=COMMANDS[extra]), here)
    assert done.returncode == 0, done.stderr[-3000:]


def test_estimators_fit(here: Path) -> None:
    code = BLOCKED.format(names=blocked("sklearn"), commands=[]) + (
        "import numpy as np\nfrom vaekit.estimators import AE, VAE, VQVAE\n"
        "rows = np.load('images.npz')['x'].reshape(900, 64)[:60]\n"
        "for kind in (AE, VAE, VQVAE):\n    print(kind(steps=2).fit(rows).transform(rows).shape)\n"
    )
    done = python(code, here)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "rich" in blocked("sklearn") and done.stdout.count("(60,") == 3


def test_what_a_hub_is_sent_is_written(here: Path) -> None:
    code = BLOCKED.format(names=blocked("hub"), commands=[]) + (
        "import vaekit\nprint(vaekit.load_run('run').save_pretrained('sent'))\n"
        "print(sorted(path.name for path in __import__('pathlib').Path('sent').iterdir()))\n"
    )
    done = python(code, here)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "matplotlib" in blocked("hub") and "model.safetensors" in done.stdout


def test_without_scikit_learn_one_line_says_what_to_install(here: Path) -> None:
    code = "import sys\nsys.modules['sklearn'] = None\nimport vaekit\nimport vaekit.estimators"
    last = python(code, here).stderr.splitlines()[-1]
    assert last == "ImportError: vaekit.estimators needs scikit-learn: pip install 'vaekit[sklearn]'"


def test_nothing_but_figures_needs_matplotlib() -> None:
    assert "matplotlib" in blocked("cli") & blocked("explore") & blocked("export") & blocked("data")
    assert "matplotlib" not in blocked("plots")
    assert "PIL" not in blocked("cli") and "fastapi" not in blocked("explore")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_the_explorer_is_served(here: Path) -> None:
    commands = [["explore", "run", "--port", "0", "--no-browser"]]
    code = BLOCKED.format(names=blocked("explore"), commands=commands)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=here,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert process.stderr is not None
        said: Iterator[str] = iter(process.stderr)
        lines = []
        for line in said:
            lines.append(line)
            if "http://" in line:
                break
        assert lines and "http://" in lines[-1], "".join(lines)
        url = lines[-1].split()[1]
        with urllib.request.urlopen(f"{url}data/about.json") as answer:
            about = json.load(answer)
        assert about["class_colours"] and about["can"]["latent"] == 2
        for name in ("pictures-0.png", "codes-0.bin", "plane.bin", "scores.bin"):
            with urllib.request.urlopen(f"{url}data/{name}") as answer:
                assert answer.read()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
