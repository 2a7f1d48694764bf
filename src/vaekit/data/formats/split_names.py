"""The split that the name of a folder says.

It says one if it has one of the words of KEYWORDS between separators, digits, changes of case or ends, as Hugging Face's
`imagefolder` has it: train, training_set, seg_train, train2017, TestImages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS = {
    "train": ("train", "training", "trn"),
    "validation": ("val", "valid", "validation", "validate", "dev"),
    "test": ("test", "testing", "eval", "evaluation", "tst"),
}
KEYWORDS = {f"{word}{end}": part for part, words in WORDS.items() for word in words for end in ("", "set")}
KEYWORDS["trainval"] = "train"


@dataclass(frozen=True)
class SplitName:
    """The split that the name of a folder says, and what else the name says: cats, of train_cats."""

    part: str
    rest: str


def split_name(folder: str) -> SplitName | None:
    """The split that a folder's name says; None if it says none, or several."""
    words = re.findall(r"[A-Z]*[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+", folder)
    known = [word for word in words if word.lower() in KEYWORDS]
    parts = {KEYWORDS[word.lower()] for word in known}
    if len(parts) != 1 and parts != {"train", "validation"}:  # train_val is for training
        return None
    rest = "".join(word for word in words if word.lower() not in KEYWORDS)
    return SplitName("train" if "train" in parts else parts.pop(), re.sub(r"[\W_]+", " ", rest).strip())
