"""What clients may do to the server over a real socket: none keeps the page from another, none makes a traceback."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vaekit.explorer import connections, requests, server
from vaekit.explorer.material import Material
from vaekit.explorer.serve import OneLine, server_of
from vaekit.runs.load import load_run

SOON = 2.0  # seconds in which a page that is usable answers, on a busy machine


class Talk:
    """One connection to a server."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def send(self, content: bytes) -> Talk:
        self.socket.sendall(content)
        return self

    def rest(self) -> bytes:
        """Everything until the server closes."""
        parts = []
        while True:
            try:
                part = self.socket.recv(1 << 16)
            except ConnectionResetError:
                break
            if not part:
                break
            parts.append(part)
        return b"".join(parts)


def request(method: str, path: str, body: bytes = b"", host: str = "127.0.0.1", more: str = "") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def answered(port: int, content: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    with Talk(port) as talk:
        head, _, body = talk.send(content).rest().partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


def latents(count: int) -> bytes:
    return np.zeros((count, 3), "<f4").tobytes()


def decode(count: int) -> bytes:
    return request("POST", "/api/decode", latents(count))


@pytest.fixture(scope="module")
def material(_trained: Path) -> Material:
    found = Material(load_run(_trained / "vae", device="cpu"), None)
    assert found.subject.can.length == 3
    found.files()
    return found


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing is said on the terminal, and no traceback kept anywhere."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    assert "Traceback" not in capfd.readouterr().err


@pytest.fixture
def serving() -> Iterator[Callable[[Any], int]]:
    """Serves an application until the test ends; the port."""
    with ExitStack() as stack:

        def serve(app: Any) -> int:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
            running = server_of(app)
            thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(setattr, running, "force_exit", True)
            stack.callback(setattr, running, "should_exit", True)
            return listening.getsockname()[1]

        yield serve


@pytest.fixture
def port(serving: Callable[[Any], int], material: Material) -> int:
    return serving(server.create_app(material, frozenset({"127.0.0.1"})))


def page_is_usable(port: int) -> None:
    for content in (request("GET", "/"), request("GET", "/data/about.json"), decode(1)):
        start = time.monotonic()
        status, _, _ = answered(port, content)
        assert status == 200 and time.monotonic() - start < SOON


def slowed(material: Material, monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[int]:
    """Lets every decoded part of more than eight pictures take a while; the sizes of those that were made."""
    made, own = [], material.subject.decode

    def decode(z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        if len(z) > server.QUICK:
            time.sleep(seconds)
            made.append(len(z))
        return own(z, y)

    monkeypatch.setattr(material.subject, "decode", decode)
    return made


def test_half_open_connections_give_way(port: int, quiet: None) -> None:
    with ExitStack() as stack:
        for beginning in (b"", b"G", b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n"):
            for _ in range(connections.PER_CLIENT):
                stack.enter_context(Talk(port)).send(beginning)
        upload = request("POST", "/api/image", bytes(1000))[:-900]
        for _ in range(connections.PER_CLIENT):
            stack.enter_context(Talk(port)).send(upload)
        page_is_usable(port)


def test_few_handles_are_few_connections(port: int, quiet: None, monkeypatch) -> None:
    assert connections.handles() >= 4
    monkeypatch.setattr(connections, "handles", lambda: 4)
    with ExitStack() as stack:
        half = [stack.enter_context(Talk(port)).send(b"GET /") for _ in range(20)]
        page_is_usable(port)
        assert sum(talk.rest() == b"" for talk in half[:16]) == 16


def dribble(talk: Talk) -> None:
    for _ in range(100):
        talk.send(b"x")
        time.sleep(0.03)


def test_headers_have_their_time(port: int, quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    monkeypatch.setattr(connections, "LOOK", 0.05)
    whole = request("GET", "/none").replace(b"connection: close\r\n", b"")
    for before in (b"", whole, b"POST /none HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9999\r\n\r\n"):
        start = time.monotonic()
        with Talk(port) as talk:
            talk.send(before)
            with pytest.raises(OSError, match=r"reset|pipe"):
                dribble(talk)
        assert 0.2 < time.monotonic() - start < SOON
    with Talk(port) as talk:  # of one that says nothing any more
        found = talk.send(b"GET /").rest()
    assert b" 408 " in found and json.loads(found.partition(b"\r\n\r\n")[2]) == {"error": connections.LATE}


def big(size: int) -> Any:
    """An application whose every answer has so many bytes."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(size)})

    return app


def test_who_does_not_read_is_dropped(serving, quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READING_SECONDS", 0.3)
    monkeypatch.setattr(connections, "LOOK", 0.05)
    size = 20_000_000
    port = serving(big(size))
    with Talk(port) as silent, Talk(port) as slow:
        silent.send(request("GET", "/"))
        slow.send(request("GET", "/"))
        got = 0
        while got < size:  # one that reads, slowly, gets all
            part = slow.socket.recv(1 << 20)
            assert part, got
            got += len(part)
            time.sleep(0.02)
        time.sleep(0.2)
        assert len(silent.rest()) < size


def test_what_waits_to_be_read_is_bounded(serving, quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_UNSENT", 50_000_000)
    port = serving(big(20_000_000))
    with ExitStack() as stack:
        silent = [stack.enter_context(Talk(port)).send(request("GET", "/")) for _ in range(8)]
        time.sleep(0.5)
        whole = [len(talk.rest()) > 20_000_000 for talk in silent]
        assert 1 <= sum(whole) <= 4
        assert answered(port, request("GET", "/"))[0] == 200


def test_50_heavy_decodes_leave_the_page_usable(port: int, quiet: None, material, monkeypatch) -> None:
    slowed(material, monkeypatch, 0.03)
    page_is_usable(port)
    with ThreadPoolExecutor(50) as pool:
        heavy = [pool.submit(answered, port, decode(512)) for _ in range(50)]
        time.sleep(0.1)
        page_is_usable(port)
        found = [future.result() for future in heavy]
    statuses = [status for status, _, _ in found]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 9  # one that is worked on, eight that wait
    for status, headers, body in found:
        if status == 503:
            assert int(headers["retry-after"]) > 0
            assert "\n" not in json.loads(body)["error"]
        else:
            assert len(body) == 512 * 64


def test_work_for_a_client_that_has_gone_is_not_done(port: int, quiet: None, material, monkeypatch) -> None:
    made = slowed(material, monkeypatch, 0.1)
    for _ in range(3):  # each time as many as may wait
        with ExitStack() as stack:
            for _ in range(9):
                stack.enter_context(Talk(port)).send(decode(512))
            time.sleep(0.15)
        time.sleep(0.05)  # in which the server sees it
    start = time.monotonic()
    assert answered(port, decode(9))[0] == 200
    assert time.monotonic() - start < SOON  # all of it would take 3 * 9 * 8 * 0.1 s
    assert len(made) < 3 * 8


def test_a_client_that_goes_while_it_sends_is_no_news(port: int, quiet: None) -> None:
    for path in ("/api/image", "/api/decode", "/api/encode", "/api/sample?seed=1", "/none"):
        whole = request("POST", path, bytes(60))
        for cut in (20, len(whole) - 60, len(whole) - 30, len(whole)):
            for how in (None, socket.SHUT_WR, socket.SHUT_RDWR):
                with Talk(port) as talk:
                    talk.send(whole[:cut])
                    if how is not None:
                        talk.socket.shutdown(how)
    page_is_usable(port)
    time.sleep(0.2)


def test_an_upload_without_end_holds_up_nobody(serving, quiet: None, material, monkeypatch) -> None:
    monkeypatch.setattr(server, "UPLOAD_SECONDS", 0.2)
    never, own = threading.Event(), requests.read_file
    monkeypatch.setattr(
        requests, "read_file", lambda body, plan: never.wait(20) if body == b"slow" else own(body, plan)
    )
    port = serving(server.create_app(material))
    for _ in range(2):
        status, _, body = answered(port, request("POST", "/api/image", b"slow"))
        assert status == 503 and "longer than 0.2 s" in json.loads(body)["error"]
        page_is_usable(port)
    status, headers, _ = answered(port, request("POST", "/api/image", b"slow"))  # two threads are enough
    assert status == 503 and "retry-after" in headers
    never.set()
    time.sleep(0.05)
    assert answered(port, request("POST", "/api/image", b"no image"))[0] == 422


def test_bodies_that_arrive_are_bounded_together(port: int, quiet: None, monkeypatch) -> None:
    monkeypatch.setattr(requests, "MOST_ARRIVING", 5_000_000)
    whole = request("POST", "/api/image", bytes(3_000_000))
    with Talk(port) as first:
        first.send(whole[:-1])
        time.sleep(0.1)
        status, headers, _ = answered(port, whole)
        assert status == 503 and "retry-after" in headers
    time.sleep(0.1)
    assert answered(port, whole)[0] == 422
    assert requests._arriving == [0]


@pytest.mark.parametrize("length", ["20000001", "9" * 17, "9" * 400, "0x10", "-1", "1 2", "٣"])
def test_a_length_that_is_none_or_too_much(port: int, quiet: None, length: str) -> None:
    head = f"POST /api/image HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    assert answered(port, head.encode())[0] in (400, 413)


HOSTS = {
    "evil.example@127.0.0.1": False, "127.0.0.1@evil.example": False, "localhost/evil": False, "a:b@localhost": False,
    "127.0.0.1:80/": False, "127.0.0.1?x": False, "127.0.0.1#x": False, "127.0.0.1\\x": False, "[::1": False,
    "127.0.0.1:abc": False, "127.0.0.1:1:2": False, "": False, "[]": False, "[::1]x": False, "127.0.0.1 x": False,
    "evil.example": False, "127.0.0.1.evil.example": False, "localhost.": False, "//127.0.0.1": False,
    "127.0.0.1": True, "127.0.0.1:8765": True, "localhost:1": True, "LOCALHOST": True, "[::1]:8765": True, "[::1]": True,
}  # fmt: skip


@pytest.mark.parametrize("hosts", [None, frozenset({"127.0.0.1", "::1", "localhost"})])
def test_a_host_is_a_name_and_a_port(hosts: frozenset[str] | None) -> None:
    guard = server.Guard(None, hosts)  # type: ignore[arg-type]
    assert {host: guard.knows(host) for host in HOSTS} == HOSTS


@pytest.mark.parametrize(
    "origin", ["http://[::1", "http://a@127.0.0.1", "http://127.0.0.1/x", "null", "//127.0.0.1"]
)
def test_an_origin_is_the_page_itself(port: int, quiet: None, origin: str) -> None:
    status, _, _ = answered(port, request("GET", "/", more=f"origin: {origin}\r\n"))
    assert status == 403
    assert answered(port, request("GET", "/", more="origin: http://127.0.0.1\r\n"))[0] == 200


def test_what_is_no_http_is_refused(port: int, quiet: None) -> None:
    for junk in (
        b"\x16\x03\x01\x02\x00\x01\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
    ):
        assert answered(port, junk)[0] in (400, 403)
    chunked = b"POST %s HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n"
    for path in (b"/none", b"/api/image"):  # the first is answered before its body is found to be wrong
        with Talk(port) as talk:
            talk.send(chunked % path)
            time.sleep(0.1)
            assert talk.send(b"no number\r\n").rest().split()[1] in (b"400", b"405")
    page_is_usable(port)


def test_an_error_of_the_server_is_one_line(port: int, material, monkeypatch, caplog, capfd) -> None:
    monkeypatch.setattr(material.subject, "decode", lambda z, y=None: 1 / 0)
    status, _, body = answered(port, decode(1))
    assert status == 500 and "ZeroDivisionError" in json.loads(body)["error"]
    said = capfd.readouterr().err + caplog.text
    assert "POST /api/decode: ZeroDivisionError: division by zero" in said and "Traceback" not in said


def test_a_log_with_a_traceback_becomes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log, handler = logging.Logger("a"), logging.StreamHandler(sys.stderr)
    log.addHandler(handler)
    log.addFilter(OneLine())
    try:
        raise OSError(24, "Too many open files")
    except OSError as error:
        for _ in range(3):
            log.error("socket.accept() out of %s\nsocket: <x>", "system resource", exc_info=error)
    log.error("")
    assert capsys.readouterr().err == (
        "socket.accept() out of system resource: OSError: [Errno 24] Too many open files\n\n"
    )
