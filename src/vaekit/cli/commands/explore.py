"""`vaekit explore`."""

from __future__ import annotations

import errno
import socket
import threading
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING

from vaekit.cli.command_options import ExploreOptions
from vaekit.cli.output import Result, note, say
from vaekit.core import DataError, RunError, SettingError

if TYPE_CHECKING:
    from vaekit.data import Data
    from vaekit.explorer.material import Material
    from vaekit.runs.load import Run

LOOPBACK = ("127.0.0.1", "::1", "localhost")

EVERYWHERE = ("0.0.0.0", "::")


def explore(options: ExploreOptions) -> Result:
    """Serves the page of a run until Ctrl-C."""
    if not 0 <= options.port <= 65535:
        raise SettingError(f"--port must be from 0 to 65535, not {options.port}.")
    from vaekit.explorer.material import Material
    from vaekit.explorer.server import create_app
    from vaekit.runs.load import load_run

    with listen(options.host, options.port) as listening:
        run = load_run(options.run, device=options.device)
        material = Material(run, load_images(run, options.data, options.label))
        say(f"looking at {what(material)}")
        app = create_app(material, known_hosts(options.host))
        url = address(options.host, listening.getsockname()[1])
        if options.host not in LOOPBACK:
            note(f"--host {options.host}: anyone who reaches this machine can use the page.")
        serve(app, listening, url, not options.no_browser)
    return Result({"run": options.run, "url": url}, "ended")


def load_images(run: Run, source: str | None, label: str | None) -> Data | None:
    """The images to show: those asked for, the run's own, or None (its previews) where they are gone."""
    if source is not None:
        data = run.load_data(source, label)
        for line in data.notes:
            note(line)
        return data
    try:
        return run.load_data(label=label)
    except (DataError, RunError) as error:
        note(f"{error} Its {len(run.previews)} preview images are shown; others with --data.")
        return None


def what(material: Material) -> str:
    """Computes what the page opens with, and says what it is."""
    files = material.files()
    return f"{len(material.split):,} images" if len(files) > 1 else "what the model draws; it has no encoder"


def known_hosts(host: str) -> frozenset[str] | None:
    """Names under which the page may be asked for; None where it listens on every address."""
    return None if host in EVERYWHERE else frozenset({*LOOPBACK, host.lower()})


def address(host: str, port: int) -> str:
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
            why = "is in use" if number == errno.EADDRINUSE else "is not for everyone's use"
            raise SettingError(f"--port {port} {why}; name another, or 0 for any free one.") from None
        raise SettingError(
            f"--host {host}: not an address of this machine; leave it away or name one."
        ) from None


def serve(app: object, listening: socket.socket, url: str, browser: bool) -> None:
    """Answers until Ctrl-C."""
    import uvicorn

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level="warning",
        lifespan="off",
        server_header=False,
        date_header=False,
        limit_concurrency=64,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=16_384,
    )
    say(f"{url}  (Ctrl-C ends it)")
    if browser:
        threading.Timer(0.3, webbrowser.open, [url]).start()
    with suppress(KeyboardInterrupt):  # uvicorn has ended in good order and hands the signal on
        uvicorn.Server(config).run(sockets=[listening])
