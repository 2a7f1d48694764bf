"""One tiny recipe that was measured, for all tests of what is reproduced."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from vaekit.reproduction.recipe_files import read_recipe
from vaekit.reproduction.rerun import Rerun, rerun

TINY = {
    "format": 1,
    "note": "two latents, for a moment",
    "settings": {
        "method": "vae", "data": "digits", "latent_dim": 2, "width": 8, "depth": 1, "epochs": 2, "batch_size": 64,
        "learning_rate": 0.004, "device": "cpu",
    },
    "evaluation": {"samples": 2, "images": 50},
}  # fmt: skip


@pytest.fixture(scope="session")
def _measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    folder = tmp_path_factory.mktemp("measured")
    path = folder / "tiny.json"
    path.write_text(json.dumps(TINY), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = rerun(read_recipe(path), 0, folder / "out", "auto", lambda: None, lambda line: None)
    assert isinstance(run, Rerun)
    return {key: run.figures[key].value for key in ("negative_elbo_nats", "rate_nats", "parameters")}


@pytest.fixture
def tiny(_measured: dict[str, float], tmp_path: Path) -> Path:
    """The file of a recipe whose result is true."""
    path = tmp_path / "tiny.json"
    figures = {
        key: {"value": value} | ({} if key == "parameters" else {"standard_error_over_seeds": 0.05})
        for key, value in _measured.items()
    }
    result = {
        "figures": figures,
        "seeds": [0, 1, 2],
        "hardware": {"processor": "the one before", "cores": 1},
        "versions": {"torch": "2.13.0"},
        "seconds": 1.5,
    }
    path.write_text(json.dumps(TINY | {"result": result}), encoding="utf-8")
    return path
