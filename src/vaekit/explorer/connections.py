"""Connections to the explorer: how many there may be, and how long a client may keep one waiting.

uvicorn has no time limit for headers nor for a client that does not read its answer. Whoever waits for its
client gives way, the longest first, when there are too many: half-open connections never keep the page out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from vaekit.explorer.requests import RETRY_SECONDS

try:
    import resource  # now: later there may be no handle left to import it with
except ImportError:  # no such limit there
    resource = None

PER_CLIENT = 64  # connections from one address
MOST_CONNECTIONS = 256
HEADER_SECONDS = 10.0  # for the header of a request to arrive
READING_SECONDS = 10.0  # in which a client must have read
LEAST_READ = 100_000  # bytes of what waits for it, or all
MOST_UNSENT = 100_000_000  # bytes that wait to be read, of all connections
LOOK = 1.0  # seconds between two looks at a connection

LATE = f"the header of a request must arrive within {HEADER_SECONDS:.0f} s"
FULL = "too many connections at once; try again in a moment"


class BoundedConnection(H11Protocol):
    """uvicorn's connection with limits of number and time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.since = self.loop.time()  # it waits for its client
        self.header_since: float | None = self.since
        self.heard = False
        self.unread: tuple[float, int] | None = None  # when it was looked at, and what waited to be sent
        self.look = self.loop.call_later(LOOK, self._look)
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self.look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before, self.heard = self.cycle, True
        super().data_received(data)
        if self.cycle is not before:
            self.since = self.loop.time()
        if self.in_progress:
            self.header_since = None
        elif self.header_since is None:
            self.header_since = self.loop.time()

    def on_response_complete(self) -> None:
        self.since, self.header_since = self.loop.time(), None
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        unsent = {one: one.transport.get_write_buffer_size() for one in self._all()}
        if sum(unsent.values()) > MOST_UNSENT:
            readers = [one for one, size in unsent.items() if size and one is not self]
            (min(readers, key=lambda one: one.since) if readers else self).drop()

    def send_400_response(self, msg: str) -> None:
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:  # an answer is under way already
            self.transport.close()

    @property
    def in_progress(self) -> bool:
        """A request has come whose answer has not been given."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def works(self) -> bool:
        """It does not wait for its client."""
        return self.in_progress and not self.cycle.more_body and not self.flow.write_paused

    def drop(self) -> None:
        """Ends the connection at once."""
        self.connections.discard(self)
        self.transport.abort()

    def _all(self) -> list[BoundedConnection]:
        return [one for one in self.connections if isinstance(one, BoundedConnection)]

    def _make_room(self) -> None:
        every = self._all()
        peers = [one for one in every if _host(one.client) == _host(self.client)]
        for group, most in ((peers, PER_CLIENT), (every, MOST_CONNECTIONS)):
            if len(group) > min(most, handles()) and self in self.connections:
                self._replace_one(group)

    def _replace_one(self, group: Iterable[BoundedConnection]) -> None:
        """Drops who has waited longest for its client; where all work, this one gets an error for its answer."""
        waiting = [one for one in group if one is not self and not one.works]
        if waiting:
            min(waiting, key=lambda one: one.since).drop()
        else:
            self.app = _full

    def _look(self) -> None:
        now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        self.look = self.loop.call_later(LOOK, self._look)
        if not unsent:
            self.unread = None
            if self.header_since is not None and now - self.header_since > HEADER_SECONDS:
                self._too_late()
        elif self.unread is None:
            self.unread = (now, unsent)
        elif now - self.unread[0] > READING_SECONDS:
            if self.unread[1] - unsent < LEAST_READ:
                self.drop()
            self.unread = (now, unsent)

    def _too_late(self) -> None:
        self.header_since = None
        if self.heard and not self.transport.is_closing():
            body = json.dumps({"error": LATE}).encode()
            head = "HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n"
            self.transport.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        self.transport.close()


def handles() -> int:
    """Returns how many connections a quarter of the handles that this process may have is enough for."""
    if resource is None:
        return MOST_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(4, soft // 4)


def _host(client: tuple[str, int] | None) -> str:
    return client[0] if client else ""


async def _full(scope: Any, receive: Any, send: Any) -> None:
    body = json.dumps({"error": FULL}).encode()
    headers = {"content-type": "application/json", "retry-after": str(RETRY_SECONDS), "connection": "close"}
    headers["content-length"] = str(len(body))
    encoded = [(key.encode(), value.encode()) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": 503, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
