"""Labels in every form that people have them in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from vaekit import DataError
from vaekit.data.formats.class_labels import class_numbers


class Column:
    """A column of a table, as far as numpy knows it."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.values, dtype=object)


EYE = np.eye(3)[[2, 0, 1, 0]]


@pytest.mark.parametrize(("labels", "numbers", "names"), [
    (np.array(["cat", "dog", "cat", "ant"], dtype=object), [1, 2, 1, 0], ["ant", "cat", "dog"]),
    (np.array([b"b", b"a", b"b", b"a"]), [1, 0, 1, 0], ["a", "b"]),
    ([b"b", "a", b"b", "a"], [1, 0, 1, 0], ["a", "b"]),
    (Column(["x", "y", "x", "x"]), [0, 1, 0, 0], ["x", "y"]),
    (Column([3, 1, 3, 2]), [2, 0, 2, 1], ["1", "2", "3"]),
    (EYE, [2, 0, 1, 0], ["0", "1", "2"]),
    (EYE.astype(bool), [2, 0, 1, 0], ["0", "1", "2"]),
    (torch.from_numpy(EYE), [2, 0, 1, 0], ["0", "1", "2"]),
    (np.array([[5, 6, 5, 7]]), [0, 1, 0, 2], ["5", "6", "7"]),
    (np.array([1, 2, 1, 2], np.uint64), [0, 1, 0, 1], ["1", "2"]),
    (torch.tensor([1, 2, 1, 2]).bfloat16(), [0, 1, 0, 1], ["1", "2"]),
    (np.array([1.0, 2.0, 1.0, 10.0], dtype=object), [0, 1, 0, 2], ["1", "2", "10"]),
    (np.ma.array([1, 2, 1, 2]), [0, 1, 0, 1], ["1", "2"]),
    (np.array(["img10", "img2", "img2", "img1"], dtype=np.dtypes.StringDType()), [2, 1, 1, 0], ["img1", "img2", "img10"]),
])  # fmt: skip
def test_forms(labels: Any, numbers: list[int], names: list[str]) -> None:
    found, known = class_numbers(labels, 4, "x")
    assert (found.tolist(), known) == (numbers, names)


@pytest.mark.parametrize(("labels", "words"), [
    (np.arange(4) * 1e30, "3e+30 is no class number"),
    ([0.0, float("nan"), 1.0, 2.0], "the label of image 1 is nan"),
    ([0.0, float("inf"), 1.0, 2.0], "the label of image 1 is inf"),
    ([0.5, 1, 1, 1], "not whole numbers"),
    (["a", None, "b", "b"], "the label of image 1 is missing"),
    (Column(["a", float("nan"), "b", "b"]), "the label of image 1 is missing"),
    (np.array(["a", 1, "b", 2], dtype=object), "Python objects (int, str)"),
    (np.eye(3)[[0, 1, 2, 0]] * 2, "neither one per image nor one-hot"),
    (np.ones((4, 2)), "neither one per image nor one-hot"),
    (np.arange(3), "labels of shape (3,) for 4 images"),
    ([[1], [1, 2], [3], [4]], "labels cannot be read"),
    (np.array(["2020-01-01"] * 4, "M8[D]"), "labels of type datetime64[D]"),
    (np.array([1j] * 4), "labels of type complex128"),
    (np.ma.array([1, 2, 1, 2], mask=[0, 1, 0, 0]), "1 labels are masked"),
    (np.array([b"\xff\xfe"] * 4), "not text in UTF-8"),
    (np.array([{}, {}, {}, {}]), "Python objects (dict)"),
])  # fmt: skip
def test_what_is_no_label(labels: Any, words: str) -> None:
    with pytest.raises(DataError) as caught:
        class_numbers(labels, 4, "x")
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_columns_of_a_one_hot_table_name_the_classes() -> None:
    class Table:
        columns = ("cat", "dog")

        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return np.array([[0, 1], [1, 0]])

    numbers, names = class_numbers(Table(), 2, "x")
    assert (numbers.tolist(), names) == ([1, 0], ["cat", "dog"])
