"""Reasons why a file is no image that can be used, in a few words."""

from __future__ import annotations

from pathlib import Path

FORMS = ("white=", "pixels=", "save it", "save those", "git lfs", "web page", "image of pixels")
NO_IMAGE = "not an image"
SHOWN = 512  # bytes, by which it is seen what else a file is
IN_PLACE = {
    b"version https://git-lfs": "a pointer of Git LFS: git lfs pull fetches the image",
    b"<!doctype html": "a web page, saved in the place of the image",
    b"<html": "a web page, saved in the place of the image",
    b"<?xml": "XML or SVG, not an image of pixels",
    b"<svg": "SVG, not an image of pixels",
}  # fmt: skip


def no_image(path: Path, content: bytes | None, reason: str) -> str:
    """Says what lies in the place of an image that is none, as far as that can be seen."""
    if reason != NO_IMAGE:
        return reason
    try:
        if content is None and isinstance(path, Path):
            with path.open("rb") as file:
                content = file.read(SHOWN)
        head = (path.read_bytes() if content is None else content)[:SHOWN].lstrip().lower()
    except Exception:  # whatever reading raises, it was said before
        return reason
    return next((said for start, said in IN_PLACE.items() if head.startswith(start)), reason)


def is_of_form(reason: str) -> bool:
    """Returns whether a file was refused for its form, which names a remedy of its own, and not for damage."""
    return any(word in reason for word in FORMS)


def reason_of(error: Exception) -> str:
    """The error in a few words."""
    line = " ".join(str(error).split())
    if "cannot identify" in line:
        return NO_IMAGE
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(
        error, KeyError | TypeError | IndexError | AttributeError
    ):  # a decoder that looked for what is not there
        return "damaged"
    return line[:140] or type(error).__name__
