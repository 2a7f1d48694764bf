"""Masks, labels and other pictures about pictures: found by the name of their folder or file beside the images."""

from __future__ import annotations

import re

from vaekit.core import counted
from vaekit.data.formats.listing import first_few
from vaekit.data.formats.split_names import split_name

IMAGE_FOLDERS = frozenset({
    "images", "image", "imgs", "img", "jpegimages", "photos", "pictures", "inputs", "input", "leftimg8bit", "frames", "originals",
})  # fmt: skip
MASK_FOLDERS = frozenset({
    "masks", "annotations", "groundtruth", "segmentations", "segmentation", "segmentationclass", "segmentationobject",
    "trimaps", "segmentationmasks", "imagemasks", "gtfine", "gtcoarse", "labelmaps", "maskpng",
})  # fmt: skip
PERHAPS_MASKS = frozenset({  # only beside a folder of images: they may be classes as well
    "mask", "labels", "label", "labelcol", "gt", "seg", "annotation", "annots", "annot", "targets", "target", "depth",
    "edges", "bboxes",
})  # fmt: skip
MASK_FILE = re.compile(
    r"(.+?)[ _.-]+(?:mask|masks|seg|segmentation|groundtruth|gt|label|labels|annotation|trimap)(?:[ _.-]*[0-9]+)?",
    re.IGNORECASE,
)
COPY_FILE = re.compile(r"(.+?)(?:@[1-4]x|[ _.-]+(?:thumb|thumbs|thumbnail|preview))", re.IGNORECASE)

Paths = dict[str, tuple[str, ...]]


def without_masks(paths: Paths) -> tuple[Paths, list[str]]:
    """The images without those that are about others, and a line on these.

    A folder has masks if its name says so and a folder of images stands beside it, or one whose files are called alike; a
    file, if it is called as an image beside it, and mask.
    """
    siblings: dict[tuple[str, ...], set[str]] = {}
    for folder in {path[:-1] for path in paths.values()}:
        for depth in range(len(folder)):
            siblings.setdefault(folder[:depth], set()).add(folder[depth])
    folders = {
        (*parent, name)
        for parent, names in siblings.items()
        for name in names
        if _word(name) and _is_of_masks(parent, name, names, paths)
    }
    in_folders = {
        n for n, path in paths.items() if folders and any(path[:d] in folders for d in range(1, len(path)))
    }
    beside = _beside(paths, in_folders, MASK_FILE)
    copies = _beside(paths, in_folders | {*beside}, COPY_FILE)
    notes = []
    if in_folders:
        which = first_few({folder[-1] for folder in folders})
        notes.append(
            f"{counted(len(in_folders), 'image')} in the folders {which} skipped: masks or labels of others, by the names"
        )
    if beside:
        notes.append(
            f"{counted(len(beside), 'image')} skipped: masks of others, by the names (first {beside[0]})"
        )
    if copies:
        notes.append(
            f"{counted(len(copies), 'image')} skipped: copies of others in another size, by the names (first {copies[0]})"
        )
    left_out = in_folders | {*beside, *copies}
    return {name: path for name, path in paths.items() if name not in left_out}, notes


def _is_of_masks(parent: tuple[str, ...], name: str, names: set[str], paths: Paths) -> bool:
    word, base = _word(name), _base(name)
    others = names - {name}
    if any(_plain(other) in IMAGE_FOLDERS for other in others):
        return True
    if any(base and _base(other) == base and _last(other) in IMAGE_FOLDERS for other in others):
        return True  # train_masks beside train_images
    partners = {other for other in others if _plain(other) == base}  # train_masks beside train
    if any(split_name(other) for other in partners):
        return True
    if word in MASK_FOLDERS and not any(
        _plain(other).endswith(word) for other in others
    ):  # no_masks is a class
        partners = others
    own = {
        match[1] if (match := MASK_FILE.fullmatch(stem)) else stem for stem in _stems((*parent, name), paths)
    }
    return any(len(own & _stems((*parent, other), paths)) * 2 > len(own) for other in partners)


def _stems(folder: tuple[str, ...], paths: Paths) -> set[str]:
    """Names of the files below a folder, without endings."""
    return {path[-1].rpartition(".")[0] for path in paths.values() if path[: len(folder)] == folder}


def _beside(paths: Paths, left_out: set[str], form: re.Pattern[str]) -> list[str]:
    """Images called as another one in the same folder, and mask, say: x_mask.png beside x.png."""
    there = {(*path[:-1], path[-1].rpartition(".")[0]) for path in paths.values()}
    found = []
    for name, path in paths.items():
        match = form.fullmatch(path[-1].rpartition(".")[0])
        if match and name not in left_out and (*path[:-1], match[1]) in there:
            found.append(name)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _last(name: str) -> str:
    """The last word of a name."""
    return re.split(r"[\W_]+", name.lower())[-1]


def _base(name: str) -> str:
    """A name without its last word."""
    return "".join(re.split(r"[\W_]+", name.lower())[:-1])


def _word(name: str) -> str:
    """The word of a name that may mean masks; empty where none does."""
    known = MASK_FOLDERS | PERHAPS_MASKS
    return next((word for word in (_plain(name), _last(name)) if word in known), "")
