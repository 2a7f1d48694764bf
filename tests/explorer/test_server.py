"""The server's answers: right ones against the model itself, wrong requests each with one line."""

from __future__ import annotations

import io
import resource
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image

import by_hand
from made_files import stored_as, tiff
from vaekit.explorer.material import Material
from vaekit.explorer.requests import MOST_PICTURES
from vaekit.explorer.server import HEADERS, create_app
from vaekit.explorer.subject import subject_of

HOST = "http://127.0.0.1:8765"


@pytest.fixture(scope="module")
def clients(materials: dict[str, Material]) -> dict[str, TestClient]:
    return {
        name: TestClient(create_app(material, frozenset({"127.0.0.1"})), base_url=HOST)
        for name, material in materials.items()
    }


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def test_decode_is_the_models_own(clients, materials) -> None:
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(2))
    model = materials["vae"].run.model
    expected = (by_hand.picture(model, z) * 255).round()
    answer = clients["vae"].post("/api/decode", content=z.numpy().tobytes())
    assert answer.status_code == 200
    found = np.frombuffer(answer.content, np.uint8).reshape(5, 1, 8, 8)
    assert np.abs(found - expected.numpy()).max() <= 1  # a value between two levels may go either way
    assert (found == expected.numpy()).mean() > 0.99


def test_encode_is_the_models_own(clients, materials) -> None:
    image = materials["vae"].split.images[3]
    found = clients["vae"].post("/api/encode", content=image.numpy().tobytes()).json()
    model, x = materials["vae"].run.model, image[None] / 255
    mean, log_variance = by_hand.posterior(model, x)
    score = by_hand.distortion(model, x, mean) + by_hand.rate(mean, log_variance)
    assert found["mean"] == pytest.approx(mean[0].tolist(), abs=1e-4)
    assert found["std"] == pytest.approx((0.5 * log_variance[0]).exp().tolist(), rel=1e-3)
    assert found["score"] == pytest.approx(float(score), rel=1e-4)


def test_an_autoencoders_score_is_its_distortion(clients, materials) -> None:
    image = materials["ae"].split.images[0]
    found = clients["ae"].post("/api/encode", content=image.numpy().tobytes()).json()
    model, x = materials["ae"].run.model, image[None] / 255
    expected = by_hand.distortion(model, x, by_hand.posterior(model, x)[0])
    assert found["score"] == pytest.approx(float(expected), rel=1e-4)
    assert set(found["std"]) == {0.0}


def test_classes_change_the_picture(clients) -> None:
    client = clients["cvae"]
    z = floats(0.3, 0.1, -0.2)
    each = client.post("/api/decode?y=0,7", content=2 * z).content
    assert each[:64] == client.post("/api/decode?y=0", content=z).content
    assert each[64:] == client.post("/api/decode?y=7", content=z).content
    assert each[:64] != each[64:]


def test_codes_of_a_grid_are_the_models(clients, materials) -> None:
    client, model = clients["vqvae"], materials["vqvae"].run.model
    image = materials["vqvae"].split.images[:1]
    found = client.post("/api/encode", content=image.numpy().tobytes()).json()["mean"]
    with torch.no_grad():
        vectors = model.encoder(image / 255).movedim(1, -1).flatten(0, 2)
        nearest = torch.cdist(vectors, model.quantizer.vectors_of_codes).argmin(1)
        looked_up = model.quantizer.vectors_of_codes[nearest].T.reshape(1, 4, 4, 4)
        expected = (model.picture(model.decode_vectors(looked_up)) * 255).round()
    assert found == nearest.tolist()
    picture = np.frombuffer(client.post("/api/decode", content=floats(*found)).content, np.uint8)
    assert np.abs(picture - expected.flatten().numpy()).max() <= 1
    drawn = client.post("/api/sample?seed=4").content
    prior = model.latents_of_prior(1, None, 1.0, torch.Generator().manual_seed(4))
    assert np.frombuffer(drawn, "<f4").tolist() == prior.flatten().tolist()
    drawn = client.post("/api/sample?seed=4&y=9").content
    prior = model.latents_of_prior(1, torch.tensor([9]), 1.0, torch.Generator().manual_seed(4))
    assert np.frombuffer(drawn, "<f4").tolist() == prior.flatten().tolist()
    for y in ("10", "-1", "", "1,2", "a"):
        assert client.post(f"/api/sample?seed=4&y={y}").status_code == 422


def test_without_a_prior_nothing_is_drawn(runs, monkeypatch: pytest.MonkeyPatch) -> None:
    can = subject_of(runs["vqvae"]).can
    assert (can.prior, can.drawn) == ("fitted", 10)
    monkeypatch.setattr(runs["vqvae"].model, "fitted", None)
    can = subject_of(runs["vqvae"]).can
    assert (can.prior, can.drawn) == ("", 0)


def test_files_are_the_codes_and_pictures(clients, materials) -> None:
    client, material = clients["vae"], materials["vae"]
    codes = np.frombuffer(client.get("/data/codes-0.bin").content, "<f4").reshape(-1, 3)
    assert len(codes) == len(material.split) == client.get("/data/about.json").json()["points"]
    with torch.no_grad():
        mean = material.run.model.encode(material.split.images).mean
    assert codes == pytest.approx(mean.numpy(), abs=1e-5)
    for d in range(3):
        assert np.frombuffer(client.get(f"/data/axis-{d}.bin").content, "<f4") == pytest.approx(codes[:, d])
    labels = np.frombuffer(client.get("/data/labels.bin").content, "<i2")
    assert (labels == material.split.labels.numpy()).all()
    sheet = np.asarray(Image.open(io.BytesIO(client.get("/data/pictures-0.png").content)))
    for number, image in enumerate(material.split.images[:, 0].numpy()):  # rows of 25
        row, column = divmod(number, 25)
        assert (sheet[8 * row :, 8 * column :][:8, :8] == image).all()


def test_scores_are_those_of_the_images_from_the_least_on(clients, materials) -> None:
    """The page reads the share of images that a new one exceeds off their order."""
    found = np.frombuffer(clients["vae"].get("/data/scores.bin").content, "<f4")
    model, x = materials["vae"].run.model, materials["vae"].split.images / 255
    mean, log_variance = by_hand.posterior(model, x)
    score = by_hand.distortion(model, x, mean) + by_hand.rate(mean, log_variance)
    assert found == pytest.approx(np.sort(score.numpy()), rel=1e-4, abs=1e-3)
    assert (np.diff(found) >= 0).all()


def test_what_is_said_of_classes_and_dimensions_is_theirs(clients, materials) -> None:
    """Of each class the mean of its own latents; dimensions by their KL, the largest first."""
    about, material = clients["vae"].get("/data/about.json").json(), materials["vae"]
    with torch.no_grad():
        posterior = material.run.model.encode(material.split.images)
    labels, mean, stddev = material.split.labels, posterior.mean, posterior.stddev
    assert about["class_names"] == [str(number) for number in range(10)]
    for number, found in enumerate(about["class_means"]):
        assert found == pytest.approx(mean[labels == number].mean(0).tolist(), abs=1e-4)
    kl = (0.5 * (mean.square() + stddev.square() - 1) - stddev.log()).mean(0)
    assert [d["index"] for d in about["dimensions"]] == kl.argsort(descending=True).tolist()
    for dimension in about["dimensions"]:
        assert dimension["relevance"] == pytest.approx(kl[dimension["index"]].item(), rel=1e-3)


def test_places_on_the_plane_are_principal_components(clients) -> None:
    client = clients["vae"]
    codes = np.frombuffer(client.get("/data/codes-0.bin").content, "<f4").reshape(-1, 3)
    places = np.frombuffer(client.get("/data/plane.bin").content, "<f4").reshape(-1, 2)
    directions = np.linalg.svd(codes - codes.mean(0))[2][:2]
    assert np.abs(places) == pytest.approx(np.abs(codes @ directions.T), abs=2e-4)


def test_an_image_file_becomes_the_runs_form(clients) -> None:
    colour = Image.new("RGB", (64, 64), (255, 255, 255))
    content = io.BytesIO()
    colour.save(content, "PNG")
    answer = clients["vae"].post("/api/image", content=content.getvalue())
    assert answer.content == bytes([255]) * 64


def test_every_answer_has_the_headers(clients) -> None:
    answers = [clients["vae"].get(path) for path in ("/", "/main.js", "/data/about.json", "/none")]
    answers.append(clients["vae"].get("/", headers={"host": "evil.example"}))
    for answer in answers:
        assert HEADERS.items() <= dict(answer.headers).items()
    assert "unsafe" not in HEADERS["content-security-policy"]


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it has so many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + width // 8) * min(height, 2000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def picture(kind: str) -> bytes:
    content = io.BytesIO()
    Image.effect_noise((64, 64), 60).save(content, kind)
    return content.getvalue()


PATHS = [
    "/../pyproject.toml", "/..%2f..%2fetc/passwd", "/data/../server.py", "/data/..%2fabout.json", "/data/%2e%2e/x",
    "/data/model.safetensors", "/data/config.json", "/server.py", "/data/", "/data/codes-99.bin", "/data/axis--1.bin",
    "/data/axis-3.bin", "/data/pictures-1.png", "/data/about.json%00", "/main.js/", "/C:/windows/win.ini", "/api/decode",
    "/api/none", "/docs", "/openapi.json", "/data/" + "a" * 4000, "/data/..\\config.json",
]  # fmt: skip


def malformed() -> Iterator[tuple[str, str, dict]]:
    """(method, path, what else) of requests that all are wrong."""
    random = np.random.default_rng(0)
    for path in PATHS:
        yield "GET", path, {}
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        for path in ("/", "/data/about.json", "/api/decode", "/api/encode"):
            yield method, path, {"content": b"x"}
    for host in (
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.",
        "[::1",
        "",
        "127.0.0.1@evil",
        "192.168.0.1",
    ):
        yield "GET", "/data/about.json", {"headers": {"host": host}}
        yield "POST", "/api/decode", {"headers": {"host": host}, "content": floats(0, 0, 0)}
    for origin in ("http://evil.example", "null", "https://127.0.0.1:9", "file://"):
        yield "POST", "/api/decode", {"headers": {"origin": origin}, "content": floats(0, 0, 0)}
    wrong = (np.nan, np.inf, -np.inf, 1e30, -1e5)
    for value in wrong:
        for place in range(3):
            yield "POST", "/api/decode", {"content": floats(*[value if d == place else 0 for d in range(3)])}
    for size in [*range(12), *range(13, 24), 1001]:
        yield "POST", "/api/decode", {"content": bytes(size)}
    for count in (MOST_PICTURES + 1, 4 * MOST_PICTURES):
        yield "POST", "/api/decode", {"content": bytes(12 * count)}
    for y in ("0", "a", "-1", "1e3", "0,1", "٣", "", "9" * 50):
        yield "POST", f"/api/decode?y={y}", {"content": bytes(12)}
    for length in ("abc", "-5", "99999999999999"):
        yield "POST", "/api/decode", {"headers": {"content-length": length}, "content": bytes(12)}
    for size in (0, 1, 63, 65, 640, 100_000):
        yield "POST", "/api/encode", {"content": bytes(size)}
    for seed in ("", "a", "-1", "1e99", "nan"):
        yield "POST", f"/api/sample?seed={seed}", {}
    yield "POST", "/api/sample", {}
    yield "POST", "/api/sample?seed=1&y=2", {}
    images = {kind: picture(kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP")}
    for content in images.values():
        for share in (0.02, 0.2, 0.5):
            yield "POST", "/api/image", {"content": content[: int(share * len(content))]}
    for width, height in ((60_000, 60_000), (8_000, 8_000), (2**31 - 1, 1), (1, 2**31 - 1), (0, 5)):
        yield "POST", "/api/image", {"content": bomb(width, height)}
    for text in (
        b"",
        b"\x00",
        b"GIF89a",
        b"%PDF-1.4",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04",
        b"[" * 100_000,
    ):
        yield "POST", "/api/image", {"content": text}
    yield "POST", "/api/image", {"content": bytes(20_000_001)}
    for size in random.integers(1, 4000, 360):
        noise = random.bytes(int(size))
        yield "POST", "/api/image", {"content": noise}


def test_500_malformed_requests(clients) -> None:
    client = clients["vae"]
    requests = list(malformed())
    assert len(requests) >= 500, len(requests)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for method, path, more in requests:
        answer = client.request(method, path, **more)
        assert 400 <= answer.status_code < 500, (method, path, more, answer.status_code)
        line = answer.json()["error"]
        assert line and "\n" not in line and len(line) < 200
    assert client.post("/api/decode", content=floats(0, 0, 0)).status_code == 200
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 150, f"{grown:.0f} MB more than before"


@pytest.mark.parametrize("y", ["", "10", "-1", "a", "1,2", "1,2,3,4", None])
def test_classes_that_are_wrong(clients, y: str | None) -> None:
    path = "/api/decode" if y is None else f"/api/decode?y={y}"
    answer = clients["cvae"].post(path, content=3 * floats(0, 0, 0))
    assert answer.status_code == 422
    assert "y:" in answer.json()["error"]


@pytest.mark.parametrize("codes", [(0, 1, 2, 64), (0, 1, 2, -1), (0, 0.5, 1, 1)])
def test_codes_that_are_none(clients, codes: tuple[float, ...]) -> None:
    answer = clients["vqvae"].post("/api/decode", content=floats(*codes, *[0] * 12))
    assert answer.status_code == 422
    assert "0 to 63" in answer.json()["error"]


def test_what_a_model_lacks_is_said(clients) -> None:
    image = bytes(64)
    for path in ("/api/encode", "/api/image"):
        answer = clients["gan"].post(path, content=image)
        assert answer.status_code == 404 and answer.json()["error"]
    assert clients["vae"].post("/api/sample?seed=1").status_code == 404
    assert clients["gan"].get("/data/codes-0.bin").status_code == 404


def test_a_client_that_goes_while_it_uploads_is_no_error(
    materials, capfd: pytest.CaptureFixture[str]
) -> None:
    """It has sent a part of its body and left: nothing is raised, and so nothing is printed."""
    import asyncio

    app = create_app(materials["vae"], frozenset({"127.0.0.1"}))
    for path in ("/api/image", "/api/decode", "/api/encode"):
        parts = iter(
            [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]
        )
        sent: list[dict[str, object]] = []

        async def receive(parts: Iterator[dict[str, object]] = parts) -> dict[str, object]:
            return next(parts)

        async def send(message: dict[str, object], sent: list[dict[str, object]] = sent) -> None:
            sent.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), (b"content-length", b"20")], "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8765),
        }  # fmt: skip
        # In a thread of its own: the browser's tests leave a loop running in this one.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, app(scope, receive, send)).result()  # type: ignore[arg-type]
        assert sent[0]["status"] == 400
    assert "Traceback" not in capfd.readouterr().err


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n{} loop\n"


@pytest.mark.parametrize(
    "content", [EPS, b"8BPS\x00\x01" + bytes(60), b"SIMPLE  =                    T" + b" " * 2900]
)
def test_an_upload_of_a_format_that_is_none_of_ours(clients, monkeypatch, content: bytes) -> None:
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *words: pytest.fail("ran Ghostscript"))
    answer = clients["vae"].post("/api/image", content=content)
    assert answer.status_code == 422 and "not an image" in answer.json()["error"]


@pytest.mark.parametrize("orientation", [3, 6, 7])
def test_a_turned_tiff_is_turned_once(clients, materials, orientation: int) -> None:
    upright = materials["vae"].split.images[0, 0].numpy()
    content = tiff(stored_as(upright, orientation), "lzw", orientation=orientation)
    assert clients["vae"].post("/api/image", content=content).content == upright.tobytes()
