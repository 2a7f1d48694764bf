"""Labels: what is refused, what is found by name, and how numbers of one list become those of another."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from toy import SMALL, no_images, toy_data
from vaekit import ELBO, IWAE, VAE, DataError, SettingError, Split, fit, load_data
from vaekit.data.labels import check_labels, find_class, one_hot, renumbered, round_robin
from vaekit.runs.write import method_name

NAMES = ["cat", "dog", "frog", "1"]


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (None, "pass y, whole numbers from 0 to 2"),
        (torch.tensor([0, 1]), r"3 whole numbers, one per image, not int64 of shape \(2,\)"),
        (torch.tensor([[0], [1], [2]]), r"shape \(3, 1\)"),
        (torch.tensor([0.0, 1.0, 2.0]), "not float32"),
        (torch.tensor([0, 3, 1]), "label 3 is out of range; the classes are 0 to 2"),
        (torch.tensor([0, -1, 1]), "label -1 is out of range"),
    ],
)
def test_wrong_labels_are_named(y: torch.Tensor | None, said: str) -> None:
    with pytest.raises(DataError, match=said):
        check_labels(y, 3, 3)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_whole_numbers_of_any_type_are_labels(dtype: torch.dtype) -> None:
    y = check_labels(torch.tensor([2, 0, 1, 2], dtype=dtype), 4, 3)
    expected = torch.tensor([[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
    found = one_hot(y, 3, like=torch.zeros((), dtype=torch.float64))
    torch.testing.assert_close(found, 3**0.5 * expected)
    assert one_hot(torch.arange(3), 3, like=found).square().mean().item() == pytest.approx(1.0)


def test_turns_are_as_even_as_can_be() -> None:
    assert round_robin(7, 3).tolist() == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize(("word", "number"), [("dog", 1), ("0", 0), ("2", 2), ("1", 3), ("3", 3)])
def test_a_name_comes_before_a_number(word: str, number: int) -> None:
    assert find_class(word, NAMES) == number


@pytest.mark.parametrize("word", ["dgo", "4", "-1", "1.0", "", "²"])
def test_unknown_classes_are_named_with_the_choices(word: str) -> None:
    with pytest.raises(SettingError, match=r"no such class.* cat, dog, frog, 1, or 0 to 3") as caught:
        find_class(word, NAMES, "redraw_as")
    assert str(caught.value).startswith(f"redraw_as='{word}': ")
    assert ("Did you mean dog?" in str(caught.value)) == (word == "dgo")


def test_numbers_of_other_names() -> None:
    labels = torch.tensor([0, 2, 2, 0])
    assert renumbered(labels, ["frog", "bird", "cat"], NAMES, "here").tolist() == [2, 0, 0, 2]
    with pytest.raises(DataError, match=r"here: class 'dogs' is none .* Did you mean dog\?"):
        renumbered(labels, ["dogs", "bird", "cat"], NAMES, "here")


def model(classes: int) -> VAE:
    return VAE((1, 4, 4), 2, width=8, classes=classes)


@pytest.mark.parametrize(
    ("changes", "classes", "said"),
    [
        ({"train": Split(toy_data().train.images)}, 2, "the train split of toy has no labels"),
        ({"test": Split(toy_data().test.images)}, 2, "the test split of toy has no labels"),
        (
            {"validation": Split(toy_data().validation.images, torch.full((12,), 2))},
            2,
            "label 2 is out of range",
        ),
    ],
)
def test_data_without_the_right_labels_do_not_train(changes, classes: int, said: str, tmp_path) -> None:
    with pytest.raises(DataError, match=said):
        fit(model(classes), ELBO(), toy_data(**changes), out=tmp_path / "run", epochs=1, **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_split_needs_no_labels() -> None:
    data = toy_data(validation=no_images())
    assert fit(model(2), ELBO(), data, epochs=1, **SMALL).test.images == 10


def test_the_number_of_classes_comes_from_names_or_labels() -> None:
    data = toy_data()
    assert data.classes == 2
    assert data.replace(class_names=["a", "b", "never seen"]).classes == 3
    bare = {name: Split(split.images) for name, split in data.splits.items()}
    assert data.replace(**bare).classes == 0


def test_the_method_of_a_model_depends_on_its_labels() -> None:
    assert method_name(model(0), ELBO()) == "vae"
    assert method_name(model(2), ELBO()) == "cvae"
    with pytest.raises(SettingError, match="VAE with IWAE and labels is no method"):
        method_name(model(2), IWAE())
    with pytest.raises(SettingError, match="classes must be 0"):
        model(-1)


def test_labels_that_may_mean_something_else_are_said() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    labels = np.arange(60) % 3
    assert load_data(images, labels=labels).notes == []
    notes = load_data(images, labels=labels - 1).notes  # -1: without a label, as others write it
    assert len(notes) == 1 and notes[0].startswith("labels of -1 are classes too")
    labels[0] = 9
    data = load_data(images, labels=labels)
    missing = [name for name, split in data.splits.items() if not (split.labels == 3).any()]
    assert data.notes == [f"classes with too few images for every split: 9 (none in {', '.join(missing)})"]
    own = {"x_train": images[:40], "y_train": labels[1:41], "x_test": images[40:], "y_test": np.full(20, 7)}
    assert any("7 (none in train, validation)" in note for note in load_data(own).notes)
