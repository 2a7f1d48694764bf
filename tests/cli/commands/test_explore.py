"""`vaekit explore` and `vaekit export` on the command line: a page that is served until Ctrl-C, files, errors."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

import by_hand
import vaekit


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_serves_until_interrupted(vae_run: Path) -> None:
    words = [sys.executable, "-m", "vaekit", "explore", str(vae_run), "--port", "0", "--no-browser"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "http://" in line)
        url = line.split()[1]
        with urllib.request.urlopen(f"{url}data/about.json") as answer:
            assert json.load(answer)["can"]["latent"] == 3
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (0, "ended\n", "")


def one_line(outcome, *named: str) -> None:
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.errors[-1].startswith("vaekit: error: ")
    assert len(outcome.errors) == 1, outcome.err
    for text in named:
        assert text in outcome.err


def test_errors_of_explore(terminal, vae_run: Path) -> None:
    one_line(terminal("explore", "runs/none"), "runs/none", "no such run")
    one_line(terminal("explore", vae_run, "--port", "70000"), "--port", "70000")
    one_line(terminal("explore", vae_run, "--host", "203.0.113.7"), "--host", "203.0.113.7")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        one_line(terminal("explore", vae_run, "--port", port), f"--port {port}", "in use")
    (vae_run / "previews.npz").unlink()
    one_line(terminal("explore", vae_run, "--port", "0"), "previews.npz")


def test_rows_of_features_are_no_pictures(terminal, tmp_path: Path) -> None:
    np.save("rows.npy", np.random.default_rng(0).random((60, 5), dtype=np.float32))
    words = [
        "train",
        "vae",
        "--data",
        "rows.npy",
        "--out",
        "rows",
        "--width",
        "8",
        "--epochs",
        "1",
        "--latent-dim",
        "2",
    ]
    assert terminal(*words).status == 0
    one_line(terminal("explore", "rows", "--port", "0"), "5 features", "no pictures")
    one_line(terminal("export", "rows", "--format", "web"), "5 features", "no pictures")
    assert terminal("export", "rows").status == 0, "ONNX is for rows too"


def test_onnx_files(terminal, vae_run: Path) -> None:
    outcome = terminal("export", vae_run, "--out", "onnx", "--json")
    assert outcome.status == 0, outcome.err
    assert outcome.err == ""
    differences = json.loads(outcome.out)["max_difference"]
    assert set(differences) == {"encoder.onnx", "decoder.onnx"} and max(differences.values()) <= 1e-5
    model = vaekit.load_run(vae_run).model
    images = vaekit.load_data("digits").train.images[:1000]
    assert len(images) == 1000
    x = images / 255  # another batch than was traced
    session = onnxruntime.InferenceSession("onnx/encoder.onnx", providers=["CPUExecutionProvider"])
    mean, std = session.run(["mean", "std"], {"image": x.numpy()})
    with torch.no_grad():
        posterior = model.encode(x)
        picture = by_hand.picture(model, posterior.mean)
    assert np.abs(mean - posterior.mean.numpy()).max() <= 1e-5
    assert np.abs(std - posterior.stddev.numpy()).max() <= 1e-5
    session = onnxruntime.InferenceSession("onnx/decoder.onnx", providers=["CPUExecutionProvider"])
    assert np.abs(session.run(["picture"], {"code": mean})[0] - picture.numpy()).max() <= 1e-5


def small(terminal, method: str, *words: str) -> None:
    sizes = ["--width", "8", "--epochs", "1", "--device", "cpu", "--out", "run"]
    assert terminal("train", method, "--data", "digits", *sizes, *words).status == 0


@pytest.mark.parametrize("method", ["cvae", "gan"])
def test_onnx_files_of_other_methods(terminal, method: str) -> None:
    """1,000 codes under every class, through onnxruntime and by the network itself."""
    small(terminal, method, "--latent-dim", "2")
    assert terminal("export", "run", "--out", "onnx").status == 0
    assert Path("onnx/encoder.onnx").exists() == (method == "cvae")
    model = vaekit.load_run("run").model.eval()
    generator = torch.Generator().manual_seed(0)
    z, y = torch.randn(1000, 2, generator=generator), torch.arange(1000) % 10
    x = torch.rand(1000, 1, 8, 8, generator=generator)

    def given(names: str, values: torch.Tensor) -> list:
        session = onnxruntime.InferenceSession(f"onnx/{names}", providers=["CPUExecutionProvider"])
        inputs = [one.name for one in session.get_inputs()]
        return session.run(None, dict(zip(inputs, (values.numpy(), y.numpy()), strict=False)))

    with torch.no_grad():
        expected = by_hand.picture(model, z, y) if method == "cvae" else model.generator(z, None).sigmoid()
    assert np.abs(given("decoder.onnx", z)[0] - expected.view(-1, 1, 8, 8).numpy()).max() <= 1e-5
    if method == "cvae":
        assert np.abs(given("encoder.onnx", x)[0] - by_hand.posterior(model, x, y)[0].numpy()).max() <= 1e-5


def test_onnx_files_hold_no_grid_of_codes(terminal) -> None:
    small(terminal, "vqvae", "--downsample", "2", "--codes", "16", "--depth", "1")
    one_line(terminal("export", "run"), "--format onnx", "grid of codes", "--format web")
    assert not Path("run", "onnx").exists()


def test_the_exported_page_asks_for_nothing_else(terminal, vae_run: Path) -> None:
    outcome = terminal("export", vae_run, "--format", "web", "--out", "page")
    assert outcome.status == 0, outcome.err
    assert "python -m http.server" in outcome.out
    texts = {path.name: path.read_text(encoding="utf-8") for path in Path("page").iterdir() if path.is_file()}
    assert {"index.html", "main.js", "program.js", "local.js", "style.css"} <= texts.keys()
    for name, text in texts.items():
        assert "http://" not in text.replace("http://www.w3.org/", ""), name
        assert "https://" not in text, name
    assert json.loads(Path("page/data/about.json").read_text(encoding="utf-8"))["engine"] == "page"
    one_line(terminal("export", vae_run, "--format", "web", "--out", "page"), "page", "new folder")


def test_nothing_is_left_where_the_disk_is_full(
    terminal, vae_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", full)
    outcome = terminal("export", vae_run, "--format", "web", "--out", "page")
    assert outcome.status == 2 and "No space" in outcome.errors[-1]
    assert list(Path().glob("page*")) == []
