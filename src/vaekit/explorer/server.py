"""The explorer's server: the page, what it loads, and decoding and encoding for it."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vaekit.core import InputError
from vaekit.data.formats.picture_files import Plan
from vaekit.explorer import requests
from vaekit.explorer.material import Material
from vaekit.explorer.requests import Refused
from vaekit.explorer.site import KINDS, page_files

Result = TypeVar("Result")

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}
QUICK = 8  # pictures up to which a request does not wait behind larger ones
KEPT = 24  # files that are kept once made


class Workers:
    """Two threads: a slow request never delays a slider."""

    def __init__(self) -> None:
        self.quick = ThreadPoolExecutor(1, "quick")
        self.slow = ThreadPoolExecutor(1, "slow")

    async def run(self, work: Callable[[], Result], quick: bool = False) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.quick if quick else self.slow, work)


def create_app(material: Material, hosts: frozenset[str] | None = None) -> FastAPI:
    """The server as an ASGI application.

    Args:
        material: of the run.
        hosts: names under which it may be asked, in lower case; None allows addresses of any kind too.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_middleware(Guard, hosts=hosts)
    for kind, answer in {
        HTTPException: _refused,
        RequestValidationError: _invalid,
        InputError: _input,
    }.items():
        app.add_exception_handler(kind, answer)
    workers = Workers()
    _add_files(app, material, workers)
    _add_calls(app, material, workers)
    return app


def _add_files(app: FastAPI, material: Material, workers: Workers) -> None:
    page, made, kept = page_files(), material.files(), dict[str, bytes]()

    @app.get("/")
    async def index() -> Response:
        return Response(page["index.html"], media_type=KINDS[".html"])

    @app.get("/{name}")
    async def part(name: str) -> Response:
        if name not in page:
            raise Refused(404, "there is no such page")
        return Response(page[name], media_type=_kind(name))

    @app.get("/data/{name}")
    async def data(name: str) -> Response:
        if name not in made:
            raise Refused(404, "there is no such file")
        if name not in kept:
            content = await workers.run(made[name])
            if len(kept) >= KEPT:
                kept.pop(next(iter(kept)), None)
            kept[name] = content
        return Response(kept[name], media_type=_kind(name))


def _add_calls(app: FastAPI, material: Material, workers: Workers) -> None:
    subject, can = material.subject, material.subject.can
    values = subject.shape[0] * subject.shape[1] * subject.shape[2]
    data = subject.run.settings.data
    plan = Plan((subject.shape[1], subject.shape[2]), data.fit, subject.shape[0], white=data.white)

    @app.post("/api/decode")
    async def decode(request: Request, y: str | None = None) -> Response:
        most = 4 * can.length * requests.most_pictures(values)
        latents = requests.read_latents(await requests.read_body(request, most), can.length, values)
        if not subject.valid(latents):
            raise Refused(422, f"codes are whole numbers from 0 to {can.codes - 1}")
        classes = requests.read_classes(y, can.classes, len(latents))
        pictures = await workers.run(
            lambda: subject.decode(latents, classes).numpy().tobytes(), len(latents) <= QUICK
        )
        return Response(pictures, media_type=KINDS[".bin"])

    @app.post("/api/sample")
    async def sample(seed: Annotated[int, Query(ge=0, lt=2**53)], y: str | None = None) -> Response:
        if can.prior in ("", "normal"):
            raise Refused(404, "the server draws nothing of this model")
        label = None if y is None else requests.read_classes(y, can.drawn, 1)
        latents = await workers.run(lambda: subject.draw(seed, label).numpy().astype("<f4").tobytes())
        return Response(latents, media_type=KINDS[".bin"])

    @app.post("/api/encode")
    async def encode(request: Request, y: str | None = None) -> Response:
        if not can.encodes:
            raise Refused(404, "this model has no encoder")
        image = requests.read_pixels(await requests.read_body(request, values), subject.shape)
        classes = requests.read_classes(y, can.classes, 1)

        def work() -> dict[str, Any]:
            mean, stddev = subject.encode(image, classes)
            score = subject.score(image, classes).item() if can.scores else None
            return {"mean": mean[0].tolist(), "std": stddev[0].tolist(), "score": score}

        return JSONResponse(await workers.run(work, True))

    @app.post("/api/image")
    async def image(request: Request) -> Response:
        if not can.uploads:
            raise Refused(404, "this model takes no image files")
        body = await requests.read_body(request, requests.MOST_UPLOAD)
        pixels = await workers.run(lambda: requests.read_file(body, plan))
        return Response(pixels, media_type=KINDS[".bin"])


def _kind(name: str) -> str:
    return KINDS.get(name[name.rfind(".") :], "application/octet-stream")


async def _refused(request: Request, error: Any) -> Response:
    return JSONResponse({"error": str(error.detail)}, error.status_code, getattr(error, "headers", None))


async def _invalid(request: Request, error: Any) -> Response:
    return JSONResponse({"error": "the request does not have the form that is wanted here"}, 422)


async def _input(request: Request, error: Any) -> Response:
    return JSONResponse({"error": str(error)}, 422)


class Guard:
    """Lets only requests to known host names pass, and from the page itself; adds headers to every answer.

    A foreign name in Host is another site that has bound its name to this address (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(k.encode(), v.encode()) for k, v in HEADERS.items()]
            await send(message)

        line = self.objection(
            [(key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"]]
        )
        if line is not None:
            await JSONResponse({"error": line}, 403)(scope, receive, answer)
        else:
            await self.app(scope, receive, answer)

    def objection(self, headers: list[tuple[str, str]]) -> str | None:
        """Returns why a request is not answered, or None."""
        named = [value for key, value in headers if key == "host"]
        if len(named) != 1 or not self.knows(named[0]):
            return "this address does not belong to the explorer; open the one that it printed"
        origins = [value for key, value in headers if key == "origin"]
        if any(urlsplit(origin).netloc.lower() != named[0].lower() for origin in origins):
            return "requests are taken from the explorer's own page only"
        return None

    def knows(self, host: str) -> bool:
        """Returns whether a Host header is one of ours: a known name, or any bare address where all are
        allowed."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if self.hosts is not None:
            return name in self.hosts
        return name == "localhost" or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
