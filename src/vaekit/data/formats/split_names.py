"""The split that the name of a folder says.

It says one if it has one of the words of KEYWORDS between separators, digits, changes of case or ends, as Hugging Face's
`imagefolder` has it: train, training_set, seg_train, train2017, TestImages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS = {
    "train": ("train", "training", "trn"),
    "validation": ("val", "valid", "validation", "validate", "dev", "vld"),
    "test": ("test", "testing", "eval", "evaluation", "tst", "holdout", "heldout"),
}
KEYWORDS = {f"{word}{end}": part for part, words in WORDS.items() for word in words for end in ("", "set")}
KEYWORDS["trainval"] = "train"


@dataclass(frozen=True)
class SplitName:
    """The split that the name of a folder says, and what else the name says: cats, of train_cats."""

    part: str
    rest: str


SHORT = {"tr": "train", "trn": "train", "te": "test", "ts": "test", "va": "validation", "vl": "validation"}


def short_split_name(folder: str) -> SplitName | None:
    """The split that an abbreviation in a folder's name says: X_tr, te-01. Only where the folders are surely no classes."""
    words = [word for word in re.findall(r"[A-Z]*[a-z]+|[A-Z]+", folder) if word.lower() in SHORT]
    if len(words) != 1:
        return None
    rest = re.sub(r"[\W_]+", " ", folder.replace(words[0], "", 1)).strip()
    return SplitName(SHORT[words[0].lower()], rest)


def split_name(folder: str) -> SplitName | None:
    """The split that a folder's name says; None if it says none, or several."""
    joined = re.sub(r"(?i)(hold|held)[ _.-]?out", r"\1out", folder)  # hold-out, HoldOut
    words = re.findall(r"[A-Z]*[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+", joined)
    known = [word for word in words if word.lower() in KEYWORDS]
    parts = {KEYWORDS[word.lower()] for word in known}
    if len(parts) != 1 and parts != {"train", "validation"}:  # train_val is for training
        return None
    rest = "".join(word for word in words if word.lower() not in KEYWORDS)
    return SplitName("train" if "train" in parts else parts.pop(), re.sub(r"[\W_]+", " ", rest).strip())
