"""A server in a thread, an exported page behind a plain file server, and a browser."""

from __future__ import annotations

import dataclasses
import functools
import http.server
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import uvicorn
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent

from explorer_tab import Tab
from vaekit.cli import main
from vaekit.explorer.material import Material
from vaekit.explorer.server import create_app
from vaekit.explorer.web import write_page
from vaekit.models import VAE, Model
from vaekit.runs import Run, load_run

CHROMIUM = shutil.which("chromium")


class OwnGenerator(Model):
    """Pictures from two latents: brightness from left to right, and from top to bottom."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.arguments = shape, 2, {}
        self.slope = nn.Parameter(torch.linspace(-1, 1, shape[-1]))

    def generate(self, z: Tensor) -> Tensor:
        across, down = self.slope[None, :], self.slope[:, None]
        return torch.sigmoid(z[:, 0, None, None] * across + z[:, 1, None, None] * down)[:, None]

    def sample(self, count: int, y: Tensor | None = None, **options: Any) -> Tensor:
        return self.generate(torch.randn(count, 2))

    def prepare(self, images: Tensor) -> None:
        pass


class Levels(nn.Module):
    """Four codes: four levels of grey."""

    size = 4

    def vectors(self, indices: Tensor) -> Tensor:
        return indices[:, None] / 3


class OwnGrid(Model):
    """Each quarter of an 8x8 picture in one of four levels; a fitted prior that draws the lightest."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.grid, self.arguments = shape, (2, 2), {}
        self.quantizer, self.unused = Levels(), nn.Parameter(torch.zeros(1))

    def encode_codes(self, x: Tensor) -> Tensor:
        return (3 * nn.functional.avg_pool2d(x, 4)[:, 0]).round().long()

    def decode(self, z: Tensor) -> Independent:
        return Independent(Bernoulli(z.repeat_interleave(4, 2).repeat_interleave(4, 3)), 3)

    def picture(self, likelihood: Independent) -> Tensor:
        return likelihood.mean

    def can_sample(self) -> bool:
        return True

    def asks_for_labels(self) -> bool:
        return False

    def codes_of_prior(self, count: int, y: Tensor | None, temperature: float, generator: object) -> Tensor:
        return torch.full((count, 1, 2, 2), 3)

    def sample(self, count: int, y: Tensor | None = None, **options: Any) -> Tensor:
        return self.picture(self.decode(torch.ones(count, 1, 2, 2)))

    def prepare(self, images: Tensor) -> None:
        pass


def conditional(shape: tuple[int, ...]) -> Model:
    """A conditional VAE whose weights are random: every class changes the picture."""
    model = VAE(shape, latent_dim=3, width=32, classes=10)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


MODELS: dict[str, Callable[[tuple[int, ...]], Model]] = {
    "generator": OwnGenerator,
    "grid": OwnGrid,
    "conditional": conditional,
}


@pytest.fixture(scope="session")
def runs(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A VAE and an AE of digits, a VAE that has hardly begun, and the models above under the VAE's settings."""
    folder = tmp_path_factory.mktemp("explored") / "vae"
    words = ["train", "vae", "--data", "digits", "--out", str(folder), "--latent-dim", "3", "--width", "32"]
    assert main([*words, "--epochs", "15", "--device", "cpu"]) == 0
    found = {
        "vae": load_run(folder),
        "ae": load_run(_trained / "ae"),
        "collapsed": load_run(_trained / "vae"),
    }
    vae = found["vae"]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        own = {
            name: dataclasses.replace(vae, model=make(vae.model.shape).eval())
            for name, make in MODELS.items()
        }
    return found | own


@pytest.fixture(scope="session")
def materials(runs: dict[str, Run]) -> dict[str, Material]:
    data = runs["vae"].load_data()
    return {name: Material(run, data) for name, run in runs.items()}


def serve(material: Material) -> tuple[uvicorn.Server, str]:
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(material, frozenset({"127.0.0.1"}))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
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
    """Address of the exported page of each run that has one, as `python -m http.server` serves it."""
    servers, found = [], {}
    for name in ("vae", "generator", "conditional"):
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


@pytest.fixture
def tab(browser: Any) -> Iterator[Tab]:
    tab = Tab(browser)
    yield tab
    tab.context.close()
