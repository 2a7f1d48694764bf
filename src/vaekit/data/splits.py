"""Splits by content: which images are for testing and validation depends on the images alone.

An image's 128-bit hash decides: the first half whether it belongs to the test split, the second
half its rank for validation. No seed, order or file name enters, and exact copies of an image
share its fate, so that none leaks from training into the test. Of real values, whose units are anybody's choice,
the order of each column is hashed instead of the values.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

from vaekit.core import DataError, counted
from vaekit.data.cache import digest, gathered, release_pages, rows_at_once
from vaekit.data.dataset import Loaded, Split

TEST_SHARE = 1 / 6  # of a source without a test split of its own
VALIDATION_SHARE = 1 / 12  # of the training images, where nobody gave one
# Fewer choose weights by chance: by 5 rows of 62 (basic motions) a network that explains -16 % of the variance of new
# rows was taken for better than the components that it began with; by 16 it was not, with any of three seeds.
LEAST_VALIDATION, MOST_VALIDATION = (
    16,
    1 / 4,
)  # images, and share of the training images that is not exceeded for them
# A set of 120 images has hardly ever under a quarter of a sixth below a sixth of all hashes, or three sixths (3e-6): then
# it is one split of another. Hashes are mixed again, by an odd number, until it is a sixth about.
SPLIT_BEFORE, FEW, MANY, TURNS, MIXED = 120, 1 / 4, 3, 8, 0x9E3779B97F4A7C15
FEWEST = 10  # images a set must have
RANKED = 20_000_000  # values whose order is looked at: a few seconds


def content_keys(images: Tensor) -> np.ndarray:
    """BLAKE2b hash of each image's bytes, (N, 2) uint64.

    Args:
        images: (N, ...).
    """
    array, step = images.numpy(), rows_at_once(images.shape)
    hashes = bytearray()
    for first in range(0, len(array), step):
        rows = np.ascontiguousarray(array[first : first + step])
        hashes += b"".join(hash_bytes(row.data) for row in rows)
        release_pages()
    return keys_from_bytes(bytes(hashes))


def unitless_keys(images: Tensor) -> np.ndarray:
    """Hash of each row's place in the order of each column, (N, 2) uint64: the same in whatever units, and for copies.

    A place is the number of smaller values in the column, so that a tie which rounding makes or unmakes moves two rows
    and no others. Of very large sets evenly spaced columns are looked at.

    Args:
        images: (N, ...), real values.
    """
    rows = images.flatten(1)
    most = max(RANKED // max(len(rows), 1), 8)
    columns = np.linspace(0, rows.shape[1] - 1, min(most, rows.shape[1])).astype(int)
    places = np.empty((len(rows), len(columns)), "<i4")
    for number, column in enumerate(columns.tolist()):
        values = np.ascontiguousarray(rows[:, column].numpy())
        places[:, number] = np.searchsorted(np.sort(values), values)
    return keys_from_bytes(b"".join(hash_bytes(row.data) for row in places))


def hash_bytes(content: bytes | memoryview) -> bytes:
    """The 16 bytes that identify an image."""
    return hashlib.blake2b(content, digest_size=16).digest()


def keys_from_bytes(hashes: bytes) -> np.ndarray:
    """Joined results of `hash_bytes` as (N, 2) uint64."""
    return np.frombuffer(hashes, "<u8").astype(np.uint64).reshape(-1, 2)


def make_splits(
    loaded: Loaded, kind: str, validation: float | None, where: str, token: str, to_train: bool = True
) -> tuple[dict[str, Split], str]:
    """Completes a source's own splits to train, validation and test.

    Args:
        loaded: its keys are there for every part.
        kind: key of PIXELS.
        validation: share of the training images; 0 leaves none, also where the source has its own; None takes
            `usual_share`.
        where: names the source in errors.
        token: the settings that formed the images, for the cache and the fingerprint.
        to_train: whether a model is to be trained on them; otherwise too few images to split are all for testing.

    Returns:
        The three splits, and a fingerprint of images, labels and split.

    Raises:
        DataError: too few images.
    """
    keys = dict(loaded.keys)
    if kind == "real":
        keys["train"] = unitless_keys(loaded.parts["train"].images)
    try:
        rows = assign(keys, validation, where)
    except DataError:
        if to_train:
            raise
        rows = {
            "train": {},
            "validation": {},
            "test": {part: np.arange(len(own)) for part, own in keys.items()},
        }
    _note_splits(loaded, validation is None or validation > 0)
    splits = {name: _split(loaded, indices, token) for name, indices in rows.items()}
    marks: list[str | np.ndarray] = [token]
    for name, parts in rows.items():
        marks.append(name)
        for part, indices in parts.items():
            marks.append(loaded.keys[part][indices])
        labels = splits[name].labels
        if labels is not None:
            marks.append(labels.numpy())
    return splits, digest(*marks)


def assign(
    keys: dict[str, np.ndarray], validation: float | None, where: str
) -> dict[str, dict[str, np.ndarray]]:
    """Assigns rows of the parts of a source to splits, in the source's order.

    Args:
        keys: (N, 2) content hashes for "train", and for "validation" and "test" where these are the
            source's own.
        validation: share of the training images; None takes `usual_share`.

    Returns:
        {split: {part: rising row numbers}}.

    Raises:
        DataError: too few images.
    """
    train = keys["train"]
    total = sum(len(part) for part in keys.values())
    if total < FEWEST:
        raise DataError(
            f"{where}: only {counted(total, 'image')}; the splits need at least {FEWEST}; add some."
        )
    everything = {part: np.arange(len(array)) for part, array in keys.items()}
    tested = np.zeros(len(train), bool) if "test" in keys else _test_rows(train)
    test = {"test": everything["test"]} if "test" in keys else {"train": np.flatnonzero(tested)}
    rest = np.flatnonzero(~tested)
    kept = validation is None or validation > 0
    if "validation" in keys and kept:
        result = {
            "train": {"train": rest},
            "validation": {"validation": everything["validation"]},
            "test": test,
        }
    elif "validation" in keys:
        joined = {"train": rest, "validation": everything["validation"]}
        result = {"train": joined, "validation": {}, "test": test}
    else:
        share = usual_share(len(rest)) if validation is None else validation
        chosen = validation_rows(train[rest], share)
        result = {"train": {"train": rest[~chosen]}, "validation": {"train": rest[chosen]}, "test": test}
    counts = {name: sum(map(len, parts.values())) for name, parts in result.items()}
    if not counts["train"] or not counts["test"] or (kept and not counts["validation"]):
        listed = ", ".join(f"{count} {name}" for name, count in counts.items())
        raise DataError(f"{where}: {total} images are too few or too alike to split ({listed}); add some.")
    return result


def usual_share(count: int) -> float:
    """Share of so many training images that is kept for validation where nobody gave one."""
    return (
        max(VALIDATION_SHARE, min(LEAST_VALIDATION / count, MOST_VALIDATION)) if count else VALIDATION_SHARE
    )


def copies(tested: np.ndarray, trained: np.ndarray) -> int:
    """Returns how many images of one split also occur in another, by their keys."""
    return int(np.isin(tested[:, 0], trained[:, 0]).sum())


def _turn(keys: np.ndarray) -> int:
    """Picks the hash of each image that decides about testing: the first, unless that would choose no sixth by far.

    So it is of one split of a set that was split before, `data.train`: all of its images would go where they were. Only
    in such a set the fate of an image depends on the others.
    """
    if len(keys) < SPLIT_BEFORE:
        return 0
    for turn in range(TURNS):
        if FEW * TEST_SHARE <= float(_below(keys, turn).mean()) <= MANY * TEST_SHARE:
            return turn
    return 0


def _below(keys: np.ndarray, turn: int) -> np.ndarray:
    """Mask of the sixth of all possible hashes that is for testing, by one of several hashes of each image."""
    hashes = keys[:, 0] if turn == 0 else keys[:, 0] * np.uint64(MIXED**turn % 2**64) + keys[:, 1]
    return hashes < np.uint64(int(TEST_SHARE * 2**64))


def _test_rows(keys: np.ndarray) -> np.ndarray:
    """Mask of the images for testing; of at least one image."""
    below = _below(keys, _turn(keys))
    return below if below.any() else keys[:, 0] == keys[:, 0].min()


def validation_rows(keys: np.ndarray, share: float) -> np.ndarray:
    """Mask of the images with the smallest second halves; copies of the last one join it."""
    if share == 0 or len(keys) == 0:
        return np.zeros(len(keys), bool)
    count = max(1, round(share * len(keys)))
    return keys[:, 1] <= np.partition(keys[:, 1], count - 1)[count - 1]


def _split(loaded: Loaded, rows: dict[str, np.ndarray], token: str) -> Split:
    """The images of one split, gathered from the parts of the source."""
    pieces = []
    for part, indices in rows.items():
        source = loaded.parts[part]
        content = f"{token} {loaded.state} {digest(loaded.keys[part])}"
        images = gathered(source.images, indices, loaded.mapped, content)
        chosen = indices.tolist()
        labels = None if source.labels is None else source.labels[chosen]
        names = None if source.names is None else [source.names[i] for i in chosen]
        factors = None if source.factors is None else source.factors[chosen]
        pieces.append(Split(images, labels, names, factors))
    if not pieces:
        return _empty(next(iter(loaded.parts.values())))
    return pieces[0] if len(pieces) == 1 else joined(pieces)


def _empty(like: Split) -> Split:
    labels = None if like.labels is None else like.labels[:0]
    factors = None if like.factors is None else like.factors[:0]
    return Split(like.images[:0], labels, None if like.names is None else [], factors)


def joined(pieces: list[Split]) -> Split:
    """One split after another; labels, names and factors where all of them have some."""
    labels = [piece.labels for piece in pieces if piece.labels is not None]
    names = [piece.names for piece in pieces if piece.names is not None]
    factors = [piece.factors for piece in pieces if piece.factors is not None]
    return Split(
        torch.cat([piece.images for piece in pieces]),
        torch.cat(labels) if len(labels) == len(pieces) else None,
        [name for part in names for name in part] if len(names) == len(pieces) else None,
        torch.cat(factors) if len(factors) == len(pieces) else None,
    )


def _note_splits(loaded: Loaded, kept: bool) -> None:
    """Says what became of the source's own splits and which images stand in two of them.

    Args:
        kept: whether there is to be a validation split.
    """
    keys = loaded.keys
    if "validation" in keys:
        own = f"the source's own {len(keys['validation']):,} validation images"
        loaded.notes.append(f"{own} are kept" if kept else f"{own} are trained on (validation=0)")
    for held in ("test", "validation"):
        for other in ("train", "validation")[: 2 if held == "test" else 1]:
            if held in keys and other in keys and (count := copies(keys[held], keys[other])):
                loaded.notes.append(f"{count:,} {held} images are exact copies of {other} images")
