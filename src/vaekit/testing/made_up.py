"""Small images to check methods on, and a method built for them."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.config.methods import Method, find_method, resolve
from vaekit.config.options import Settings
from vaekit.core import SettingError
from vaekit.data import Data, Split
from vaekit.models.base import Model
from vaekit.models.build import create_model, given_by_data
from vaekit.objectives.base import Objective
from vaekit.objectives.create import create_objective

CLASSES = 2
KINDS = {"8-bit": (1, 8, 8), "binary": (2, 5, 6), "real": (7,)}
SMALL = {"latent_dim": 3, "network": "mlp", "width": 16, "depth": 1, "codes": 8}  # where a method has them


@dataclass(frozen=True)
class Subject:
    """A method that is checked.

    Attributes:
        method: key of METHODS.
        options: in which the checked one differs from the method's defaults, flat.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def entry(self) -> Method:
        return find_method(self.method)

    def settings(self, **options: Any) -> Settings:
        """Settings of a small model."""
        return resolve(self.method, {"data": "made up"}, self.small, options)

    @property
    def small(self) -> dict[str, Any]:
        """Options of a small model, those that the method has, and those that were asked for."""
        flags = {flag.name: flag for section in self.entry.flags().values() for flag in section}
        known = {name: value for name, value in SMALL.items() if name in flags}
        fitting = {name: value for name, value in known.items() if value in (flags[name].choices or (value,))}
        values = fitting | dict(self.options)
        had = resolve(
            self.method, {"data": "made up"}, values, quiet=True
        ).flat()  # by the parts that are chosen
        return {name: value for name, value in values.items() if name in had or name in self.options}

    def build(self, pixels: str = "8-bit") -> tuple[Model, Objective]:
        """A small model and its objective, always the same.

        Raises:
            SettingError: the method does not take such data.
        """
        torch.manual_seed(0)
        settings = self.settings()
        given = given_by_data(self.method, KINDS[pixels], pixels, CLASSES, "made up")
        model = create_model(self.method, settings.model, given)
        return model, create_objective(self.method, settings.objective)

    def kinds(self) -> list[str]:
        """The kinds of pixels that the method takes; grey images at least."""
        return [pixels for pixels in KINDS if pixels == "8-bit" or self.takes(pixels)]

    def takes(self, pixels: str) -> bool:
        try:
            self.build(pixels)
        except SettingError:
            return False
        return True

    @cached_property
    def place(self) -> Path:
        """The folder where its runs go; removed with the subject."""
        folder = tempfile.mkdtemp(prefix="vaekit-check-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    @cached_property
    def source(self) -> Path:
        """A file of labelled images for the command line."""
        torch.manual_seed(4)
        images = (255 * batch(count=1300)).to(torch.uint8)
        path = self.place / "images.npz"
        np.savez(path, images=images.numpy(), labels=labels(1300).numpy())
        return path


def batch(pixels: str = "8-bit", count: int = 6) -> Tensor:
    """Two kinds of images with some noise, so that there is something to learn, (count, *shape)."""
    x = torch.rand(2, *KINDS[pixels]).round()[torch.arange(count) % 2]
    x = (x - 0.2 * torch.rand_like(x)).abs()
    return x.round() if pixels == "binary" else x


def labels(count: int = 6) -> Tensor:
    """Of `batch`, (count,); methods that want none take no notice of them."""
    return torch.arange(count) % CLASSES


def made_up_data(count: int = 200) -> Data:
    """A data set of `batch`, a fifth of it for testing."""
    torch.manual_seed(4)
    images, y, train = (255 * batch(count=count)).to(torch.uint8), labels(count), count * 4 // 5
    splits = Split(images[:train], y[:train]), Split(images[:0]), Split(images[train:], y[train:])
    return Data("made up", *splits, "8-bit")


def close(one: Tensor, other: Tensor, what: str, relative: float = 1e-4, absolute: float = 1e-3) -> None:
    """Asserts that numbers agree within a relative and an absolute difference."""
    same = torch.allclose(one, other.to(one), rtol=relative, atol=absolute)
    assert same, f"{what}: off by {float((one - other).detach().abs().max()):.3g}"
