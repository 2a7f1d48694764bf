"""The sets of `anyones_data.py`: what somebody might bring, each made once as a folder or a file that vaekit reads.

Everything that is drawn is drawn by a fixed seed, so that a set is the same wherever it is made from the same files.
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SEED = 7  # of what is drawn; another one makes other sets
STROKES = 6_000  # pictures of strokes in colour, of which a sixth is for testing
MIXED = 200  # pictures of mixed sizes
SIDES = (80, 241)  # shortest and longest side of those, in pixels; the end is not reached
FEW, TESTED = 500, 2_000  # pictures of the small MNIST, for training and for testing
PICTURES = {".jpg", ".jpeg", ".png"}


class Missing(Exception):
    """A set cannot be made here; the message says what is missing."""


@dataclass(frozen=True)
class Places:
    """Where files are.

    Attributes:
        shared: folder with `mnist`, `photos`, `emoji` and `signals`; None where there is none.
        made: folder for the sets that are made.
    """

    shared: Path | None
    made: Path

    def given(self, name: str) -> Path:
        """A folder below `shared`.

        Raises:
            Missing: it is not there.
        """
        if self.shared is None or not (self.shared / name).is_dir():
            raise Missing(f"no folder {name} in --shared {self.shared or '(not given)'}")
        return self.shared / name


@dataclass(frozen=True)
class Source:
    """A set as `vaekit.load_data(data, **options)` takes it."""

    data: str
    options: dict[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """The set in its splits."""
        import vaekit

        return vaekit.load_data(self.data, **self.options)

    def words(self) -> list[str]:
        """The same for the command line."""
        given = {"data": self.data} | self.options
        return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def once(path: Path, make: Callable[[Path], None]) -> str:
    """The path of a file or folder, which is made if it is not there; it is whole or not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"making-{path.name}")
        if beside.is_dir():  # what was made when this was killed
            shutil.rmtree(beside)
        make(beside)
        os.replace(beside, path)
    return str(path)


def digits(places: Places) -> Source:
    """The 8x8 digits that come with vaekit."""
    return Source("digits")


def mnist(places: Places) -> Source:
    """MNIST whole."""
    return Source("mnist", {"data_dir": str(places.given("mnist").parent)})


def mnist_500(places: Places) -> Source:
    """The first 500 training and the first 2,000 test pictures of MNIST, as a folder of files."""

    def make(folder: Path) -> None:
        data = mnist(places).load()
        image = importlib.import_module("PIL.Image")
        for name, split, count in (("train", data.train, FEW), ("test", data.test, TESTED)):
            (folder / name).mkdir(parents=True)
            for row, picture in enumerate(split.images[:count, 0].numpy()):
                image.fromarray(picture).save(folder / name / f"{row:04}.png")

    places.given("mnist")
    return Source(once(places.made / "mnist_500", make))


def strokes_colour(places: Places) -> Source:
    """The drawn digits, each by a pen of one random colour on black, as an .npz."""

    def make(path: Path) -> None:
        from vaekit.data.synthetic.render import draw_factors
        from vaekit.data.synthetic.strokes import FACTORS, render_strokes

        ink = render_strokes(draw_factors(FACTORS, STROKES, SEED)).numpy()
        pens = np.random.default_rng(SEED).integers(64, 256, (STROKES, 3, 1, 1))
        with path.open("wb") as file:
            np.savez(file, images=(ink * pens // 255).astype(np.uint8))

    return Source(once(places.made / "strokes_colour.npz", make))


def photos(places: Places) -> Source:
    """A folder of photographs in class folders."""
    return Source(str(places.given("photos")))


def emoji(places: Places) -> Source:
    """A folder of emoji in class folders."""
    return Source(str(places.given("emoji")))


def mixed(places: Places, size: int) -> Source:
    """200 pictures of mixed sizes, brought to one: enlarged photographs, every second one with an emoji on it."""

    def make(folder: Path) -> None:
        folder.mkdir()
        draw = np.random.default_rng(SEED)
        below, above = (pictures_in(places.given(name)) for name in ("photos", "emoji"))
        for row in range(MIXED):
            sticker = above[draw.integers(len(above))] if row % 2 else None
            picture = collage(below[draw.integers(len(below))], sticker, draw)
            if row % 3:
                picture.save(folder / f"{row:03}.jpg", quality=92)
            else:
                picture.save(folder / f"{row:03}.png")

    for name in ("photos", "emoji"):
        places.given(name)
    return Source(once(places.made / "mixed", make), {"image_size": size})


def pictures_in(folder: Path) -> list[Path]:
    """The picture files below a folder, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)


def collage(ground: Path, sticker: Path | None, draw: np.random.Generator) -> Any:
    """A picture of random size: a photograph enlarged to cover it, cut at a random place, with a sticker or none."""
    image = importlib.import_module("PIL.Image")
    width, height = (int(side) for side in draw.integers(*SIDES, 2))
    with image.open(ground) as opened:
        side = int(max(width, height) * draw.uniform(1.0, 1.5))
        large = opened.convert("RGB").resize((side, side), image.Resampling.BICUBIC)
    left, top = (int(draw.integers(side - length + 1)) for length in (width, height))
    picture = large.crop((left, top, left + width, top + height))
    if sticker is not None:
        with image.open(sticker) as opened:
            side = int(min(width, height) * draw.uniform(0.4, 0.8))
            small = opened.convert("RGBA").resize((side, side), image.Resampling.BICUBIC)
        place = tuple(int(draw.integers(length - side + 1)) for length in (width, height))
        picture.paste(small, place, small)
    return picture


def rows(places: Places, name: str, values: Callable[[], np.ndarray]) -> Source:
    """Real-valued rows (N, D) in their own units, as an .npy."""

    def make(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, values().astype(np.float32))

    return Source(once(places.made / f"{name}.npy", make))


def table(places: Places, name: str, loader: str, **options: Any) -> Source:
    """A table that comes with scikit-learn."""
    try:
        sets = importlib.import_module("sklearn.datasets")
    except ImportError:
        raise Missing("scikit-learn is not installed: pip install 'vaekit[data]'") from None
    return rows(places, name, lambda: getattr(sets, loader)(**options).data)


def signals(places: Places, name: str) -> Source:
    """Signals as rows: channels one after another."""
    path = places.given("signals") / f"{name}.npz"
    if not path.is_file():
        raise Missing(f"no file {path}")
    return rows(places, name, lambda: flattened(path))


def flattened(path: Path) -> np.ndarray:
    """The `signals` (N, C, L) of an .npz as (N, C * L)."""
    with np.load(path) as file:
        return file["signals"].reshape(len(file["signals"]), -1)


SETS: dict[str, Callable[[Places], Source]] = {
    "digits": digits,
    "mnist-500": mnist_500,
    "mnist": mnist,
    "strokes-colour": strokes_colour,
    "photos": photos,
    "emoji": emoji,
    "mixed-64": lambda places: mixed(places, 64),
    "mixed-128": lambda places: mixed(places, 128),
    "breast-cancer": lambda places: table(places, "breast_cancer", "load_breast_cancer"),
    "diabetes": lambda places: table(places, "diabetes", "load_diabetes", scaled=False),
    "wine": lambda places: table(places, "wine", "load_wine"),
    "italy-power": lambda places: signals(places, "italy_power"),
    "basic-motions": lambda places: signals(places, "basic_motions"),
    "osu-leaf": lambda places: signals(places, "osu_leaf"),
}
