"""A folder of images as a source: subfolders are splits or classes, pixels are kept in a cache.

folder/*.png                       no labels
folder/CLASS/**/*.png              labels
folder/{train,val,test}/*.png      splits, however their names are written; below them again classes or none
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from vaekit.config.options import DataSettings
from vaekit.core import DataError, counted
from vaekit.data.cache import RESIDENT, gathered
from vaekit.data.dataset import Loaded, Split
from vaekit.data.formats import picture_files as files
from vaekit.data.formats.arrangement import Place, arrange
from vaekit.data.formats.label_files import label_files_in, labelled
from vaekit.data.formats.listing import natural, scan
from vaekit.data.formats.picture_cache import Manifest, load_pixels
from vaekit.data.formats.readers import reader_notes
from vaekit.data.splits import keys_from_bytes


def load_folder(root: Path, settings: DataSettings) -> Loaded:
    """Images, splits and labels from a folder.

    Raises:
        DataError: unreadable, no images, only damaged ones, or sizes differ without image_size=.
    """
    where = str(root)
    listed, notes = scan(root)
    if not listed:
        found = f" ({'; '.join(notes)})" if notes else ""
        known = " ".join(sorted(files.SUFFIXES))
        raise DataError(f"{where}: no images in this folder{found}; images end in {known}.")
    places, arranged = arrange(list(listed), where)
    labels, said = labelled(list(places), label_files_in(root), settings.labels_key, where)
    if labels:
        places = {name: Place(place.part, labels.get(name)) for name, place in places.items()}
    images, kept = load_pixels(root, {name: listed[name] for name in places}, settings)
    loaded = _assemble(images, kept, places)
    loaded.path, loaded.state = str(root.resolve()), kept.token
    loaded.white, loaded.usual_white = kept.white, kept.usual
    loaded.notes = notes + arranged + said + loaded.notes + kept.notes + reader_notes(kept.names)
    return loaded


def _assemble(images: np.ndarray, kept: Manifest, places: dict[str, Place]) -> Loaded:
    """Parts and labels; images of one part are neighbours, so that they stay views of one array."""
    class_names = sorted({label for n in kept.names if (label := places[n].label) is not None}, key=natural)
    numbers = {name: i for i, name in enumerate(class_names)}
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(kept.names):
        rows.setdefault(places[name].part, []).append(i)
    mapped = images.nbytes > RESIDENT
    keys = keys_from_bytes(bytes.fromhex("".join(kept.keys)))
    loaded = Loaded({}, class_names=class_names or None, mapped=mapped)
    for part, indices in rows.items():
        pixels = gathered(
            torch.from_numpy(images), np.array(indices), mapped, kept.token + "".join(kept.keys)
        )
        labels = [places[kept.names[i]].label for i in indices]
        known = [numbers[label] for label in labels if label is not None]
        tensor = torch.tensor(known, dtype=torch.int64) if len(known) == len(indices) else None
        if 0 < len(known) < len(indices):
            missing = counted(len(indices) - len(known), "image")
            loaded.notes.append(f"no labels in {part}: {missing} there have none")
        loaded.parts[part] = Split(pixels, tensor, [kept.names[i] for i in indices])
        loaded.keys[part] = keys[indices]
    if all(split.labels is None for split in loaded.parts.values()):
        loaded.class_names = None
    return loaded
