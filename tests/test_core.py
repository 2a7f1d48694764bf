"""Words: near misses, choices, seeds, and the tree of errors."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

from vaekit import core, load_data


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn, parents = {}, {}
    for line in (core.__doc__ or "").splitlines():
        match = re.match(r"^( {4}[│├└─ ]*)(Vaekit\w+|\w+Error|\w+Note)\b", line)
        if match:
            depth = (len(match[1]) - 4) // 4
            parents[depth] = match[2]
            drawn[match[2]] = parents.get(depth - 1, "UserWarning" if "Warning" in match[2] else "Exception")
    real = {
        name: kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(core, inspect.isclass)
        if issubclass(kind, Exception | Warning) and kind.__module__ == core.__name__
    }
    assert drawn == real


def test_errors_are_also_those_that_python_users_catch() -> None:
    with pytest.raises(ValueError, match="beta"):
        raise core.SettingError("beta")
    with pytest.raises(RuntimeError, match="step 3"):
        raise core.NonFiniteError("step 3")


@pytest.mark.parametrize(
    ("word", "expected"),
    [("vea", " Did you mean vae?"), ("beta_vae", " Did you mean beta-vae?"), ("zzzzzz", "")],
)
def test_near_miss(word: str, expected: str) -> None:
    assert core.near_miss(word, ["ae", "vae", "beta-vae"]) == expected


def test_choose_says_word_near_miss_and_choices() -> None:
    core.choose("vae", {"ae": 1, "vae": 2}, "method")
    with pytest.raises(core.SettingError) as caught:
        core.choose("vea", iter(["ae", "vae"]), "method")
    assert str(caught.value) == "unknown method 'vea'. Did you mean vae? Choices: ae, vae."


def test_seeds_depend_on_every_part_and_fit_a_generator() -> None:
    seeds = {core.derive_seed(seed, what, step) for seed in range(20) for what in "ab" for step in range(50)}
    assert len(seeds) == 2000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62 > min(seeds)
    assert core.derive_seed(3, "step", 7) == core.derive_seed(3, "step", 7)


def test_a_seed_never_changes_between_versions() -> None:
    """Runs that were interrupted before an update of vaekit go on to the same weights."""
    assert core.derive_seed(0, "step", 0) == 7316601067076945981


def test_one_of_a_kind_is_no_plural() -> None:
    assert [core.counted(count, "image") for count in (0, 1, 2, 1797)] == [
        "0 images",
        "1 image",
        "2 images",
        "1,797 images",
    ]


def test_an_error_is_never_longer_than_a_few_lines_whatever_value_it_quotes() -> None:
    said = str(core.SettingError(f"unknown option {'[' * 5000!r}; give another."))
    assert len(said) <= 600 and said.startswith("unknown option '[[") and said.endswith("give another.")
    assert str(core.SettingError("short\nlines")) == "short\nlines"


def test_records_say_what_they_hold_in_a_line() -> None:
    data = load_data(np.zeros((3000, 8, 8), np.uint8) + np.arange(3000)[:, None, None].astype(np.uint8))
    assert len(repr(data)) < 1000 and f"images=Tensor({len(data.train):}, 1, 8, 8)" in repr(data)
    assert f"names=<list of {len(data.test):,}>" in repr(data.test)
    assert core.brief("x" * 500) == repr("x" * 500)[:100] + "..." and core.brief([1, 2]) == "[1, 2]"
