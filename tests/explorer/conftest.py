"""A server in a thread, an exported page behind a plain file server, and a browser."""

from __future__ import annotations

import functools
import http.server
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import uvicorn

from explorer_tab import Explored, Tab
from vaekit.cli.main import main
from vaekit.explorer.export.web import write_page
from vaekit.explorer.material import Material
from vaekit.explorer.serve import server_of
from vaekit.explorer.server import create_app
from vaekit.runs.load import Run, load_run

CHROMIUM = shutil.which("chromium")


TRAINED = {  # real runs of the command line, a second each
    "binary": ["--binarize", "dynamic", "--latent-dim", "3", "--width", "32", "--epochs", "4"],
    "vae": ["--latent-dim", "3", "--width", "32", "--epochs", "8"],
    "cvae": ["--latent-dim", "3", "--width", "32", "--epochs", "8", "--beta", "0.1"],
    "gan": ["--latent-dim", "2", "--width", "16", "--epochs", "2"],
    "vqvae": ["--downsample", "2", "--codes", "64", "--code-dim", "4", "--width", "16", "--depth", "1", "--epochs", "2"],
}  # fmt: skip


@pytest.fixture(scope="session")
def runs(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A VAE of binary draws, a VAE, a CVAE, a GAN and a VQ-VAE with its prior, of digits; an AE; a VAE whose latents say nothing of an
    image, and one whose second latent does not."""
    folder = tmp_path_factory.mktemp("explored")
    for name, words in TRAINED.items():
        method = "vae" if name == "binary" else name
        out = ["--out", str(folder / name), "--device", "cpu"]
        assert main(["train", method, "--data", "digits", *words, *out]) == 0
    small = ["--epochs", "1", "--width", "16", "--depth", "1", "--device", "cpu"]
    assert main(["prior", str(folder / "vqvae"), "--conditional", *small]) == 0
    found = {method: load_run(folder / method, device="cpu") for method in TRAINED}
    folded, collapsed = load_run(folder / "vae", device="cpu"), load_run(_trained / "vae")
    silence(folded.model, [1])
    silence(collapsed.model, [0, 1, 2])
    return found | {
        "ae": load_run(_trained / "ae"),
        "collapsed": collapsed,
        "folded": folded,
    }


@torch.no_grad()
def silence(model: Any, latents: list[int]) -> None:
    """Gives some of three latents mean 0 and log-variance 0, whatever the image."""
    for parameter in model.encoder.last.parameters():
        parameter[[*latents, *(3 + one for one in latents)]] = 0
    model.principal.share[latents] = 0
    model.principal.log_variance[latents] = 0


@pytest.fixture(scope="session")
def materials(runs: dict[str, Run]) -> dict[str, Material]:
    data = runs["vae"].load_data()
    return {name: Material(run, data) for name, run in runs.items()}


def serve(material: Material) -> tuple[uvicorn.Server, str]:
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(material, frozenset({"127.0.0.1"}))
    server = server_of(app)
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    return server, f"http://127.0.0.1:{listening.getsockname()[1]}/"


@pytest.fixture(scope="session")
def served(materials: dict[str, Material]) -> Iterator[dict[str, str]]:
    """Address of the explorer of each run."""
    found = {name: serve(material) for name, material in materials.items()}
    yield {name: url for name, (_, url) in found.items()}
    for server, _ in found.values():
        server.should_exit = True


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture(scope="session")
def exported(
    materials: dict[str, Material], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Address of the exported page of each trained run, as `python -m http.server` serves it."""
    servers, found = [], {}
    for name in TRAINED:
        folder = tmp_path_factory.mktemp("web") / name
        write_page(materials[name], folder)
        handler = functools.partial(Silent, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        found[name] = f"http://127.0.0.1:{server.server_address[1]}/"
    yield found
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium here")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_tab(browser: Any) -> Iterator[Tab]:
    tab = Tab(browser)
    yield tab
    tab.context.close()


@pytest.fixture
def tab(shared_tab: Tab) -> Iterator[Tab]:
    """A page of the browser; after the test nothing may have gone wrong on it."""
    shared_tab.page.emulate_media(color_scheme="light")
    shared_tab.page.unroute_all()
    shared_tab.forget()  # of a test that failed
    yield shared_tab
    shared_tab.check()


@pytest.fixture
def here(request: pytest.FixtureRequest, tab: Tab, materials: dict[str, Material]) -> Explored:
    """The page of a run: parametrised by (`served` or `exported`, the run's name)."""
    kind, name = request.param
    return Explored(tab, request.getfixturevalue(kind)[name], materials[name], kind)
