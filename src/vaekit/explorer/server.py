"""The explorer's server: the page, what it loads, and decoding and encoding for it."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from torch import Tensor

from vaekit.core import InputError
from vaekit.data.formats.picture_files import Plan
from vaekit.explorer import requests
from vaekit.explorer.lanes import Job, Lane
from vaekit.explorer.material import Material
from vaekit.explorer.requests import Refused
from vaekit.explorer.site import KINDS, page_files
from vaekit.explorer.subject import Subject

LOG = logging.getLogger("uvicorn.error")

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
PART = 64  # pictures decoded before a look at whether they are still wanted
WORK_SECONDS = 60  # for the pictures of one request
UPLOAD_SECONDS = 20  # for an image file
KEPT = 24  # files that are kept once made
HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{0,5})?")


class Lanes:
    """Threads: a slow request never delays a slider, nor a file of the page, nor another's upload."""

    def __init__(self) -> None:
        self.files = Lane("files", 16)
        self.quick = Lane("quick", 16, WORK_SECONDS)
        self.slow = Lane("slow", 8, WORK_SECONDS)
        self.uploads = Lane("uploads", 4, UPLOAD_SECONDS)


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
        ClientDisconnect: _nobody,
    }.items():
        app.add_exception_handler(kind, answer)
    lanes = Lanes()
    _add_files(app, material, lanes.files)
    _add_calls(app, material, lanes)
    return app


def _add_files(app: FastAPI, material: Material, lane: Lane) -> None:
    page, made, kept = page_files(), material.files(), dict[str, bytes]()
    making = dict[str, asyncio.Task[bytes]]()  # asked for by several, made once

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
        content = kept.get(name)
        if content is None:
            if name not in making:
                making[name] = asyncio.create_task(lane.run(lambda job: made[name]()))
                making[name].add_done_callback(lambda task: making.pop(name) and task.exception())
            content = await asyncio.shield(making[name])
            if len(kept) >= KEPT:
                kept.pop(next(iter(kept)), None)
            kept[name] = content
        return Response(content, media_type=_kind(name))


def _add_calls(app: FastAPI, material: Material, lanes: Lanes) -> None:
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
        lane = lanes.quick if len(latents) <= QUICK else lanes.slow
        pictures = await lane.run(lambda job: _decode(subject, latents, classes, job), request)
        return Response(pictures, media_type=KINDS[".bin"])

    @app.post("/api/sample")
    async def sample(
        request: Request, seed: Annotated[int, Query(ge=0, lt=2**53)], y: str | None = None
    ) -> Response:
        if can.prior in ("", "normal"):
            raise Refused(404, "the server draws nothing of this model")
        label = None if y is None else requests.read_classes(y, can.drawn, 1)
        latents = await lanes.slow.run(
            lambda job: subject.draw(seed, label).numpy().astype("<f4").tobytes(), request
        )
        return Response(latents, media_type=KINDS[".bin"])

    @app.post("/api/encode")
    async def encode(request: Request, y: str | None = None) -> Response:
        if not can.encodes:
            raise Refused(404, "this model has no encoder")
        image = requests.read_pixels(await requests.read_body(request, values), subject.shape)
        classes = requests.read_classes(y, can.classes, 1)

        def work(job: Job[dict[str, Any]]) -> dict[str, Any]:
            mean, stddev = subject.encode(image, classes)
            score = subject.score(image, classes).item() if can.scores else None
            return {"mean": mean[0].tolist(), "std": stddev[0].tolist(), "score": score}

        return JSONResponse(await lanes.quick.run(work, request))

    @app.post("/api/image")
    async def image(request: Request) -> Response:
        if not can.uploads:
            raise Refused(404, "this model takes no image files")
        body = await requests.read_body(request, requests.MOST_UPLOAD)
        pixels = await lanes.uploads.run(lambda job: requests.read_file(body, plan), request)
        return Response(pixels, media_type=KINDS[".bin"])


def _decode(subject: Subject, latents: Tensor, classes: Tensor | None, job: Job[bytes]) -> bytes:
    """Levels of pictures, of as many as were made until nobody wanted them any more."""
    pictures = bytearray()
    for first in range(0, len(latents), PART):
        if job.left:
            break
        part = slice(first, first + PART)
        pictures += (
            subject.decode(latents[part], None if classes is None else classes[part]).numpy().tobytes()
        )
    return bytes(pictures)


def _kind(name: str) -> str:
    return KINDS.get(name[name.rfind(".") :], "application/octet-stream")


async def _refused(request: Request, error: Any) -> Response:
    return JSONResponse({"error": str(error.detail)}, error.status_code, getattr(error, "headers", None))


async def _invalid(request: Request, error: Any) -> Response:
    return JSONResponse({"error": "the request does not have the form that is wanted here"}, 422)


async def _input(request: Request, error: Any) -> Response:
    return JSONResponse({"error": str(error)}, 422)


async def _nobody(request: Request, error: Any) -> Response:
    return Response(status_code=400)  # to a client that has gone


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

        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] += [(k.encode(), v.encode()) for k, v in HEADERS.items()]
            await send(message)

        line = self.objection(
            [(key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"]]
        )
        if line is not None:
            await JSONResponse({"error": line}, 403)(scope, receive, answer)
            return
        try:
            await self.app(scope, receive, answer)
        except Exception as error:  # whatever it is, the page gets a line, and so does the terminal
            LOG.error(
                "%s %s: %s", scope["method"], plain(scope["path"]), plain(f"{type(error).__name__}: {error}")
            )
            if not begun:
                line = f"the server could not do this ({type(error).__name__})"
                await JSONResponse({"error": line}, 500)(scope, receive, answer)

    def objection(self, headers: list[tuple[str, str]]) -> str | None:
        """Returns why a request is not answered, or None."""
        named = [value for key, value in headers if key == "host"]
        if len(named) != 1 or not self.knows(named[0]):
            return "this address does not belong to the explorer; open the one that it printed"
        origins = [value for key, value in headers if key == "origin"]
        own = {f"{scheme}://{named[0].lower()}" for scheme in ("http", "https")}
        if any(origin.lower() not in own for origin in origins):
            return "requests are taken from the explorer's own page only"
        return None

    def knows(self, host: str) -> bool:
        """Returns whether a Host header is one of ours: a known name, or any bare address where all are
        allowed; a name and a port, nothing before or behind them."""
        found = HOST.fullmatch(host.lower())
        if found is None:
            return False
        name = found["six"] or found["name"]
        if self.hosts is not None:
            return name in self.hosts
        return name == "localhost" or _is_address(name)


def plain(text: str) -> str:
    """A text of others on one line of a terminal, without characters that it would obey."""
    return "".join(c if c.isprintable() else " " for c in text)[:200]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
