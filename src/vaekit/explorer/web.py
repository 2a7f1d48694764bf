"""`vaekit export --format web`: the explorer as a folder that any file server can serve."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vaekit.explorer.capabilities import Subject, nats
from vaekit.explorer.material import Material, to_json
from vaekit.explorer.program import Weights, write_program
from vaekit.explorer.server import page_files
from vaekit.models.base import LatentModel


class Decoder(nn.Module):
    """z (1, D) -> the picture in [0, 1], or in the range of the data."""

    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> Tensor:
        return self.model.picture(self.model.decode(z))


class Encoder(nn.Module):
    """x (B, C, H, W) -> mean and standard deviation of the code, (B, D) each."""

    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        posterior = self.model.encode(x)
        return posterior.mean, posterior.stddev


class Score(nn.Module):
    """x (1, C, H, W) -> nats."""

    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return nats(self.model, x)


def programs(subject: Subject) -> tuple[dict[str, Any], bytes]:
    """The networks for the page, and their weights.

    Raises:
        SettingError: an operation that the page does not know.
    """
    model, weights = subject.model, Weights()
    image = subject.images(subject.run.previews.images[:1])
    written = {"decode": write_program(Decoder(model), (torch.zeros(1, subject.can.latent),), weights)}
    if subject.can.encodes:
        written["encode"] = write_program(Encoder(model), (image,), weights)
    if subject.can.scores:
        written["score"] = write_program(Score(model), (image,), weights)
    about = {"range": list(subject.range), "binary": subject.pixels == "binary", "fit": subject.run.settings.data.fit}
    return written | about, weights.content()


def write_page(material: Material, out: Path) -> dict[str, int]:
    """Writes the page into a new folder.

    Returns:
        file -> bytes.

    Raises:
        SettingError: the model needs what the page cannot compute.
    """
    written, weights = programs(material.subject)
    contents = {name: lambda content=content: content for name, content in page_files().items()}
    contents |= {f"data/{name}": make for name, make in material.files().items()}
    contents["data/about.json"] = lambda: to_json(material.about("page"))
    contents["data/programs.json"] = lambda: to_json(written)
    contents["data/weights.bin"] = lambda: weights
    sizes = {}
    part = out.with_name(out.name + ".tmp")
    shutil.rmtree(part, ignore_errors=True)
    try:
        (part / "data").mkdir(parents=True)
        for name, make in contents.items():
            content = make()
            (part / name).write_bytes(content)
            sizes[name] = len(content)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sizes
