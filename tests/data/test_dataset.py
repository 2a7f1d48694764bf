from __future__ import annotations

import torch

from vaekit.data.dataset import Split, to_unit


def test_take_keeps_images_labels_and_names_together():
    images = torch.arange(12).reshape(6, 2)
    split = Split(images, torch.arange(6) * 10, list("abcdef"))
    taken = split.take(torch.tensor([4, 0, 4]))
    assert taken.images.tolist() == [[8, 9], [0, 1], [8, 9]]
    assert taken.labels is not None
    assert taken.labels.tolist() == [40, 0, 40]
    assert taken.names == ["e", "a", "e"]


def test_to_unit_divides_bytes_only_and_copies_them():
    levels = torch.arange(256, dtype=torch.uint8)
    assert to_unit(levels).tolist() == [torch.tensor(i / 255, dtype=torch.float32).item() for i in range(256)]
    floats = torch.tensor([-3.0, 0.5])
    assert torch.equal(to_unit(floats), floats)
    assert torch.equal(to_unit(floats.double()), floats)
