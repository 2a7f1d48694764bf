"""PNG bytes and data URIs, read back by Pillow."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from vaekit.images.png import data_uri, data_uris, png, png_size


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_come_back(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels)).astype(np.uint8)
    for content in (png(pixels), png(pixels, optimize=True), png(pixels, level=1)):
        assert png_size(content) == (7, 5)
        with Image.open(io.BytesIO(content)) as image:
            assert image.format == "PNG"
            np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)


def test_the_largest_become_jpeg_where_all_are_too_large() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    pictures = {"small": png(noise[:8, :8]), "large": png(noise)}
    kept = data_uris(pictures, 10**9)
    assert kept == {name: data_uri(content) for name, content in pictures.items()}
    made = data_uris(pictures, len(pictures["large"]))
    assert made["small"] == kept["small"] and made["large"].startswith("data:image/jpeg;base64,")
    content = base64.b64decode(made["large"].split(",")[1])
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("JPEG", (200, 200))
