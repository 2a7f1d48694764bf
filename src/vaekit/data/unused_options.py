"""Options of loading that a kind of source does not read."""

from __future__ import annotations

from vaekit.config.options import DataSettings

ARRAYS = ("array", ".npy", ".npz")
USED_BY = {
    "white": ("pictures",),
    "layout": ARRAYS,
    "images_key": (".npz", "named"),
    "labels_key": (".npz", "named", "table", "pictures"),
}


def without_effect(settings: DataSettings, kind_of_source: str) -> list[str]:
    """A note for each option given that this kind of source does not read."""
    given = {name for name in USED_BY if getattr(settings, name) != getattr(DataSettings, name)}
    unused = sorted(name for name in given if kind_of_source not in USED_BY[name])
    notes = [f"{name}= has no effect on this source" for name in unused]
    if settings.fit != DataSettings.fit and settings.image_size is None:
        notes.append("fit= has no effect without image_size=")
    return notes
