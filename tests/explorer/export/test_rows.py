"""ONNX files of runs on rows of features, run by onnxruntime from the rows themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import vaekit
from vaekit import SettingError, load_run

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

ROWS = np.random.default_rng(0).normal(size=(200, 5)) * [1, 50, 1e-2, 3, 0] + [0, 900, 0, -4, 7]


@pytest.mark.parametrize(("method", "real"), [("vae", True), ("ae", True), ("vae", False)])
def test_rows_go_in_and_come_out_in_their_own_units(tmp_path: Path, method: str, real: bool) -> None:
    rows = ROWS if real else (ROWS - ROWS.min()) / (ROWS.max() - ROWS.min())
    kind = {"pixels": "real" if real else "unit"}
    vaekit.train(
        method, vaekit.load_data(rows, **kind), latent_dim=2, steps=5, out=tmp_path / "run", device="cpu", progress="none"
    )  # fmt: skip
    run = load_run(tmp_path / "run")
    with pytest.warns(vaekit.VaekitWarning, match="only the .* test images kept"):
        found = vaekit.export(run, tmp_path / "onnx")
    assert set(found.differences) == {"encoder.onnx", "decoder.onnx"}
    sessions = [
        onnxruntime.InferenceSession(tmp_path / "onnx" / name) for name in ("encoder.onnx", "decoder.onnx")
    ]
    given = rows[:3].astype(np.float32)
    mean, _ = sessions[0].run(None, {"image": given})
    (back,) = sessions[1].run(None, {"code": mean})
    with torch.inference_mode():
        latents = run.model.encode(torch.from_numpy(given)).mean  # type: ignore[attr-defined]
        expected = run.model.picture(run.model.decode(latents))  # type: ignore[attr-defined]
    np.testing.assert_allclose(mean, latents.numpy(), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(back, expected.numpy(), rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    if real:
        assert (back[:, 4] == 7).all()
    with pytest.raises(SettingError, match="no pictures to explore"), pytest.warns(vaekit.VaekitWarning):
        vaekit.export(run, tmp_path / "web", "web")
