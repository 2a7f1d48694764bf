"""Serves the page of a run on this machine until Ctrl-C."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import warnings
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vaekit.config.configured import strict
from vaekit.core import SettingError, VaekitWarning, counted
from vaekit.explorer.material import Material
from vaekit.runs.ask import data_to_show, run_of
from vaekit.runs.load import Run

if TYPE_CHECKING:
    import uvicorn

LOOPBACK = ("127.0.0.1", "::1", "localhost")

EVERYWHERE = ("0.0.0.0", "::")


@strict
def explore(
    run: Run | str | Path,
    data: object = None,
    *,
    label: str | None = None,
    port: int = 8765,
    host: str = "127.0.0.1",
    no_browser: bool = False,
    device: str = "auto",
    tell: Callable[[str], None] = print,
) -> str:
    """Opens the latent space of a run in the browser, and serves it until Ctrl-C.

    Args:
        run: from `load_run`, or its folder.
        data: a source of images to show; the run's own by default, or if that is gone its previews.
        label: class of images without labels, for a conditional run.
        port, host: where the page is served; port 0 takes any free one.
        no_browser: only print the address.
        device: where a folder's model is computed.
        tell: called with a line about what is served, and one with the address.

    Returns:
        The address, when it has ended.

    Raises:
        SettingError: a port or host that cannot be listened on, or a model that has nothing to explore.

    Example:
        >>> vaekit.explore("runs/first", port=0)  # until Ctrl-C  # doctest: +SKIP
    """
    if not 0 <= port <= 65535:
        raise SettingError(f"port={port}: must be from 0 to 65535.")
    from vaekit.explorer.server import create_app

    with listen(host, port) as listening:
        run = run_of(run, device)
        material = Material(run, data_to_show(run, data, label))
        tell(f"looking at {what(material)}")
        app = create_app(material, known_hosts(host))
        url = address(host, listening.getsockname()[1])
        if host not in LOOPBACK:
            line = f"host='{host}': anyone who reaches this machine can use the page."
            warnings.warn(line, VaekitWarning, stacklevel=2)
        tell(f"{url}  (Ctrl-C ends it)")
        serve(app, listening, url, not no_browser)
    return url


def what(material: Material) -> str:
    """Computes what the page opens with, and says what it is."""
    files = material.files()
    return (
        counted(len(material.split), "image") if len(files) > 1 else "what the model draws; it has no encoder"
    )


def known_hosts(host: str) -> frozenset[str] | None:
    """Names under which the page may be asked for; None where it listens on every address."""
    return None if host in EVERYWHERE else frozenset({*LOOPBACK, host.lower()})


def address(host: str, port: int) -> str:
    """The page's address, for a browser on this machine."""
    shown = "127.0.0.1" if host in EVERYWHERE else host
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        SettingError: the port is taken, or the host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=128)
        # accepted sockets inherit it; without it an answer in two parts waits 40 ms for its acknowledgement
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in (errno.EADDRINUSE, errno.EACCES):
            why = "it is in use" if number == errno.EADDRINUSE else "it is not for everyone's use"
            raise SettingError(f"port={port}: {why}; name another, or 0 for any free one.") from None
        raise SettingError(
            f"host='{host}': not an address of this machine; leave it away or name one."
        ) from None


def server_of(app: object) -> uvicorn.Server:
    """A server of an application, with the limits of `connections`."""
    import uvicorn

    from vaekit.explorer.connections import BoundedConnection

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=BoundedConnection,
        ws="none",
        backlog=128,
        log_level="error",  # clients that speak no HTTP are not the user's concern
        lifespan="off",
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=16_384,
    )
    return uvicorn.Server(config)


class OneLine(logging.Filter):
    """Makes one line of a traceback, which would tell a user nothing; the same line is not said again and again."""

    last = ""

    def filter(self, record: logging.LogRecord) -> bool:
        line = next(iter(record.getMessage().splitlines()), "")
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line = f"{line.rstrip(':')}: {type(error).__name__}: {' '.join(str(error).split())}"
        record.msg, record.args, record.exc_info, record.exc_text = line, (), None, None
        said, self.last = line == self.last, line
        return not said


def serve(app: object, listening: socket.socket, url: str, browser: bool) -> None:
    """Answers until Ctrl-C."""
    server = server_of(app)
    for name in ("asyncio", "uvicorn.error"):  # no handles left for another connection, say
        logging.getLogger(name).addFilter(OneLine())
    if browser:
        threading.Timer(0.3, webbrowser.open, [url]).start()
    with suppress(KeyboardInterrupt):  # uvicorn has ended in good order and hands the signal on
        server.run(sockets=[listening])
