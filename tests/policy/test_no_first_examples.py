"""What is measured of a part of a set is measured of examples drawn at random, never of the first ones of a file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "vaekit"
MEASURING = ("comparison", "evaluation", "training", "inference.py", "data/picking.py")
OF_EXAMPLES = (
    "images",
    "labels",
    "latents",
    "features",
    "real",
    "test",
    "train",
    "split",
    "seen",
    "generated",
    "codes",
    "mean",
)
# What may begin at the first: looked at for its shape, asked twice whether the answer is the same, or all of it, part
# by part; or a picture.
FINE = {"split.images[:1]", "images[:PART]", "images[:8]", "labels[:8]"}
PICTURES = {"pictures.py"}


def prefixes(code: str) -> Iterator[str]:
    """Expressions that take the first examples of something: `images[:n]`, `split.take(torch.arange(n))`."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Subscript):
            first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
            if isinstance(first, ast.Slice) and first.lower is None and first.upper is not None:
                name = ast.unparse(node.value).rsplit(".", 1)[-1]
                if any(part in OF_EXAMPLES for part in name.split("_")):
                    yield ast.unparse(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            taken = ast.unparse(node)
            if node.func.attr == "take" and "arange" in taken:
                yield taken


def test_nothing_that_measures_takes_the_first_examples() -> None:
    found = {}
    for place in MEASURING:
        path = SOURCE / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            if file.name in PICTURES:
                continue
            if taken := set(prefixes(file.read_text(encoding="utf-8"))) - FINE:
                found[file.name] = taken
    assert found == {}, "draw them: vaekit.data.picking.some or chosen"


def test_the_check_sees_them() -> None:
    code = "a = self.real[: len(seen)]\nb = train[:FEW]\nc = data.test.images[:9, 0]\nd = test.take(torch.arange(9))\ne = order[:9]"
    assert len(list(prefixes(code))) == 4
