"""A short run of the damage that `make fuzz` does for longer, always the same; and what it once found."""

from __future__ import annotations

import pytest

from fuzz.targets import CORPUS, opened

CASES = {"images": 60, "files": 500, "runs": 60, "states": 6, "requests": 40}
SEED = 0


@pytest.mark.parametrize("name", CASES)
@pytest.mark.timeout(60)
def test_damage_is_dealt_with(name: str) -> None:
    with opened(name) as target:
        for number in range(CASES[name]):
            kind, content = target.case(SEED, number)
            try:
                target.drive(kind, content)
            except Exception as error:
                error.add_note(
                    f"python tests/fuzz/run.py --targets {name} --seed {SEED} --first {number} --cases 1"
                )
                raise


@pytest.mark.parametrize("name", CASES)
def test_what_is_whole_is_read(name: str) -> None:
    """Without a word of error, else the damage would hide behind it."""
    with opened(name) as target:
        for kind, content in target.inputs.items():
            target.drive(kind, content)


def test_damage_is_the_same_under_one_seed_and_seldom_none() -> None:
    with opened("files") as target:
        cases = [target.case(7, number) for number in range(200)]
        assert cases == [target.case(7, number) for number in range(200)]
        assert cases != [target.case(8, number) for number in range(200)]
        assert sum(content != target.inputs[name] for name, content in cases) > 180


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) <= 200_000
