from __future__ import annotations

import numpy as np
import pytest

from vaekit.core import SettingError
from vaekit.plots.bytes_and_error import bytes_and_error
from vaekit.runs.file_cost import Point


def test_lines_hold_the_points_in_the_order_of_their_bytes():
    points = {"WebP": [Point(200, 0.001), Point(96, 0.007)], "vaekit": [Point(40, 0.006)], "JXL": []}
    (axes,) = bytes_and_error(points, "64 photographs").axes
    lines = {line.get_label(): line.get_xydata() for line in axes.lines}
    assert set(lines) == {"vaekit", "WebP"}
    assert np.allclose(lines["WebP"], [(96, 0.007), (200, 0.001)])
    assert np.allclose(lines["vaekit"], [(40, 0.006)])
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlabel() == "bytes per picture"


def test_without_points_there_is_nothing_to_draw():
    with pytest.raises(SettingError, match="nothing to draw"):
        bytes_and_error({"WebP": []})
