"""Programs of whole numbers: each step against Python's integers, and the same bits however they are run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from by_integers import given, slow_run, steps
from vaekit.coding.integers import Program, narrowed
from vaekit.core import DataError


def test_every_step_is_what_integers_without_a_largest_give() -> None:
    inputs = given(20)
    fast, slow = steps().run(inputs), slow_run(steps(), inputs)
    assert {name: values.tolist() for name, values in fast.items()} == slow
    assert all(values.dtype == np.int64 for values in fast.values())


def test_floats_that_are_whole_are_taken_and_batches_of_any_size() -> None:
    program, inputs = steps(), given(70)
    whole = program.run({name: x.astype(np.float32) for name, x in inputs.items()})
    for size in (1, 7, 64):
        parts = [
            program.run({name: x[i : i + size] for name, x in inputs.items()}) for i in range(0, 70, size)
        ]
        for name, values in whole.items():
            assert (np.concatenate([part[name] for part in parts]) == values).all()
    assert program.run(given(0))["cut"].shape == (0, 22)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": np.full((1, 6), 2**14 + 1)}, "whole numbers from -16384 to 16384"),
        ({"x": np.full((1, 6), 0.5)}, "whole numbers"),
        ({"x": np.full((1, 6), np.nan)}, "whole numbers"),
        ({"x": np.zeros((1, 5))}, r"shape \(1, 5\).*give \(B, 6\)"),
        ({"x": np.zeros((2, 6))}, "one row for each example"),
    ],
)
def test_other_inputs_are_refused(changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        steps().run(given(1) | changes)
    with pytest.raises(DataError, match="'y', which is missing"):
        steps().run({"x": np.zeros((1, 6))})


def test_the_hash_is_of_the_content() -> None:
    program = steps()
    small = {name: narrowed(values) for name, values in program.arrays.items()}
    assert {str(values.dtype) for values in small.values()} == {"int8", "int16", "int32"}
    assert Program(program.ops, small, program.inputs, program.outputs).hash() == program.hash()
    hashes = {program.hash(), steps(seed=1).hash()}
    other = dict(program.arrays) | {"b": program.arrays["b"] + np.eye(6, dtype=int)[0]}
    hashes.add(Program(program.ops, other, program.inputs, program.outputs).hash())
    hashes.add(Program(program.ops[:-1], program.arrays, program.inputs, {"cut": "cut"}).hash())
    assert len(hashes) == 4


CHILD = """
import hashlib, sys
import numpy as np
from vaekit.coding.integers import Program
held = np.load(sys.argv[1])
n = held["w"].shape[0]
ops = [{"op": "linear", "in": ["x"], "out": "l", "weight": "w", "bias": "b", "shift": 7, "rows": 1}] * 1
program = Program(ops, {"w": held["w"], "b": held["b"]}, {"x": (n, -(2**20), 2**20)}, {"l": "l"})
for size in (64, 7, 1):
    parts = [program.run({"x": held["x"][i : i + size]})["l"] for i in range(0, 64, size)]
    print(hashlib.sha256(np.concatenate(parts).tobytes()).hexdigest())
assert "torch" not in sys.modules
"""


def test_processors_threads_and_batches_do_not_change_a_bit(tmp_path: Path) -> None:
    """Sums up to 2^52, in new processes that know no torch; their floats differ, their whole numbers do not."""
    generator, n = np.random.default_rng(0), 300
    w, x = generator.integers(-(2**22), 2**22, (n, n)), generator.integers(-(2**20), 2**20, (64, n))
    b = generator.integers(-(2**40), 2**40, n)
    np.savez(tmp_path / "held.npz", w=w, x=x, b=b)
    wanted = hashlib.sha256(((x @ w.T + b) >> 7).tobytes()).hexdigest()  # in 64-bit integers
    kinds = [{"OPENBLAS_CORETYPE": "Nehalem"}, {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2"}]
    for kind in kinds:
        command = [sys.executable, "-c", CHILD, str(tmp_path / "held.npz")]
        ran = subprocess.run(command, env=os.environ | kind, capture_output=True, text=True, check=True)
        assert ran.stdout.split() == [wanted] * 3, kind
