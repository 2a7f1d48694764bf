"""The format as its page has it: a program that knows the page alone reads a file, and the page names what the code has."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import vaekit
from vaekit.coding import blocks, classical, container, packing, portion, stored_tables
from vaekit.coding.latents import inverse_scales
from vaekit.coding.level_masses import SHARE_BITS
from vaekit.coding.masses import BITS, _exponentials, units_of_one
from vaekit.coding.mixture_masses import inverse_scales_of_logistics, sigmoids

FOREIGN = Path(__file__).with_name("foreign_decoder.py")
PAGE = Path(__file__).parents[2] / "docs" / "format.md"


@pytest.mark.usefixtures("by_the_model")
def test_a_foreign_program_gives_the_same_pixels(binary_run: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    grey = (draw.random((150, 8, 8)) * draw.random((150, 1, 1)) * 255).astype(np.uint8)
    np.savez(tmp_path / "x.npz", images=grey)
    vaekit.compress(
        binary_run,
        tmp_path / "x.npz",
        out=tmp_path / "x.vk",
        with_model=True,
        part=80,
        beside=0,
        progress="none",
    )
    words = [sys.executable, "-I", str(FOREIGN), str(tmp_path / "x.vk"), str(tmp_path / "foreign.npz")]
    subprocess.run(words, check=True, cwd=tmp_path)
    vaekit.decompress(tmp_path / "x.vk", out=tmp_path / "ours.npz", progress="none")
    theirs, ours = (np.load(tmp_path / f"{name}.npz")["images"] for name in ("foreign", "ours"))
    assert theirs.shape == (150, 1, 8, 8)
    np.testing.assert_array_equal(theirs[:, 0], ours)


def test_the_foreign_program_is_short_and_knows_numpy_alone() -> None:
    text = FOREIGN.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    imported = set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE))
    assert imported <= {"json", "lzma", "struct", "sys", "zlib", "pathlib", "numpy"}


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("MAGIC", blocks.MAGIC.hex(" ").upper()), ("END", blocks.END.hex(" ").upper()), ("frame", f"a frame of {blocks.FRAME.size} bytes"),
        ("version", f"version {container.VERSION}"), ("part", "| 8 | number of the first example"), ("dictionary", "at most 2^24 bytes"),
    ],
)  # fmt: skip
def test_the_page_has_the_numbers_of_the_code(what: str, value: str) -> None:
    assert value in PAGE.read_text(encoding="utf-8")
    assert packing.DICTIONARY == 2**24 and packing.MOST_TEXT == 2**26 and portion.SHAPE.size == 36
    assert (portion.MOST_VALUES, portion.MOST_FILES, portion.MOST_FACTS) == (2**27, 2**29, 2**15)
    assert (portion.MODEL, classical.LZMA, classical.BITS, classical.SHEET) == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("name", "low", "step", "extra", "dense"),
    [
        ("inverse_scale", -10 << 12, 6, 0, lambda: inverse_scales()[::-1]),
        ("sigmoid", -17 << 12, 7, 8, units_of_one),
        ("exponential_24", -17 << 12, 6, 8, lambda: _exponentials(BITS)),
        ("exponential_20", -17 << 12, 6, 8, lambda: _exponentials(SHARE_BITS)),
        ("logistic", -17 << 14, 9, 8, sigmoids),
        ("logistic_scale", -25 << 12, 7, 0, inverse_scales_of_logistics),
    ],
)
def test_tables_in_a_file_are_those_that_are_used(name: str, low: int, step: int, extra: int, dense) -> None:
    """By the page's formula, in Python's integers, at some hundred places and at the ends."""
    knots, wanted = stored_tables.knots(name).tolist(), dense()
    places = np.unique(np.linspace(0, len(wanted) - 1, 300).astype(int))[1:-1]
    for place in places.tolist():
        j = place >> step
        f = place - (j << step)
        found = (knots[j] * (2**step - f) + knots[j + 1] * f + (2 ** (step + extra) >> 1)) >> (step + extra)
        assert found == wanted[place]
    assert low % 2**step == 0 and len(wanted) == ((len(knots) - 1) << step) + 1


def test_every_likelihood_with_masses_has_its_tables() -> None:
    for name, part in vaekit.config.likelihood_parts.LIKELIHOODS.items():  # type: ignore[attr-defined]
        if part.kind == "mass":
            assert len(stored_tables.tables_for(name)) > 2
