"""`vaekit`: how words reach a command, and how results, notes and errors reach the terminal.

Standard output has the result, as text or as one JSON object; everything else goes to standard
error. Exit status: 0; 2 for a wrong option, file or value; 1 for a failure; 130 and 143 after
Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from typing import Any

from vaekit import __version__
from vaekit.cli.command_table import ALL, overview
from vaekit.cli.command_table import COMMANDS as COMMANDS
from vaekit.core import InputError, SettingError, VaekitError, VaekitWarning
from vaekit.runtime.launch import launched
from vaekit.wording import listening

NO_NUMBERS = "the numbers are too large or not finite; the training of this run has diverged"
NO_MEMORY = "there is not enough memory for this; give it less: a smaller batch_size=, model or image_size="

# Bytes of addresses: within 600,000 KiB torch 2.13 for CPUs could not be loaded, within 700,000 it was.
LEAST_ROOM = 700 * 2**20

# What torch, its threads and the loader of the system say where memory ends, in lower case.
MEMORY_ENDED = (
    "can't allocate memory", "cannot allocate memory", "failed to map segment", "can't start new thread", "bad_alloc",
    "out of memory", "could not create a memory", "unable to allocate",
    "error return without exception set",  # Python itself, in the middle of an import
)  # fmt: skip

# What went wrong with a file, and what helps.
REMEDIES = {
    errno.ENOSPC: "free some space or name another --out",
    errno.EDQUOT: "free some space or name another --out",
    errno.EACCES: "check its permissions or name another --out",
    errno.EPERM: "check its permissions or name another --out",
    errno.EROFS: "name another --out",
    errno.ENOTDIR: "name another path",
    errno.EISDIR: "name a file",
    errno.ENAMETOOLONG: "name a shorter path",
    errno.EFBIG: "allow larger files (ulimit -f) or name another --out",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "close other programs, or allow more open files",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line.

    Args:
        arguments: the words after `vaekit`; None takes those of the process.

    Returns:
        The exit status.
    """
    _open_streams()
    _use_utf8()
    _wait_politely()
    words = list(sys.argv[1:] if arguments is None else arguments)
    with listening(map(str, words)):
        return _answered(words)


def _answered(words: list[str]) -> int:
    """Runs a command line, and says what went wrong; gives the exit status."""
    try:
        with notes_in_one_line():
            status = _status(words)
            sys.stdout.flush()  # here, where a reader that has left is no error of Python's
            return status
    except BrokenPipeError:  # the reader of our output has left
        _abandon_output()
        return 1
    except (Exception, KeyboardInterrupt) as error:
        found = _line_and_status(error)
        if found is None:
            raise
        return _fail(*found, as_json="--json" in words)


def _line_and_status(error: BaseException) -> tuple[object, int] | None:
    """Says what an error means, with the exit status; None for what is a fault of ours."""
    match error:
        case InputError():
            return error, 2
        case VaekitError():
            return error, 1
        case KeyboardInterrupt():
            return "interrupted", 130
        case MemoryError():
            return NO_MEMORY, 1
        case RuntimeError() | ValueError() | SystemError():
            line = _said_by_torch(error)
            return None if line is None else (line, 1)
        case ImportError() if (line := _said_by_the_loader(error)) is not None:
            return line, 1
        case ModuleNotFoundError(name=str(name)) if name.split(".")[0] != "vaekit":
            return f"this needs the package {name}: pip install 'vaekit[all]'", 1
        case OSError() if "No usable temporary directory" in str(error):
            return "there is nowhere to write temporary files; free some space or name a folder in $TMPDIR", 2
        case OSError(errno=number) if number in REMEDIES:
            if error.filename is None:
                _abandon_output()
            return f"{error.filename or 'writing'}: {error.strerror}; {REMEDIES[number]}.", 2
    return None


def _said_by_the_loader(error: ImportError) -> str | None:
    """The line for a library that the system could not load for want of memory or of handles; None for anything else."""
    said = str(error)
    if os.strerror(errno.EMFILE) in said:
        return f"{said}; {REMEDIES[errno.EMFILE]}"
    return NO_MEMORY if any(words in said.lower() for words in MEMORY_ENDED) else None


def _said_by_torch(error: Exception) -> str | None:
    """The line for what torch and numpy raise where memory ends, or numbers do; None for anything else."""
    if any(words in str(error).lower() for words in MEMORY_ENDED):
        return NO_MEMORY
    return NO_NUMBERS if type(error).__name__.endswith("LinAlgError") else None


def _status(words: list[str]) -> int:
    try:
        return _dispatch(words)
    except SystemExit as exit:  # after a help text
        return int(exit.code or 0)


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["help"] and words[1:2] and words[1] not in ALL:
        words = [*words[1:], "--help"]
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview(everything="".join(words[1:2]) in ALL))
        return 0
    if words[0] in ("-V", "--version"):
        print("\n".join(versions()))
        return 0
    if words[0] == "completion":
        if not words[1:]:
            raise SettingError("vaekit completion needs the name of a shell. Choices: bash, zsh.")
        its = {name: command.options for name, command in COMMANDS.items()}
        print(_resolve("completion:completion")("".join(words[1:2]), its))
        return 0
    name = words[0]
    if name not in COMMANDS:
        raise SettingError(
            f"unknown command {name!r}.{_resolve('meant:command_meant')(name)} See vaekit --help."
        )
    command = COMMANDS[name]
    given = _resolve(f"reading:{command.read}")(f"vaekit {name}", command, words[1:])
    _check_room()
    _resolve("reading:check_run")(given[-1])
    _resolve("reading:speak_of_run")(given[-1])
    before = _resolve("places:contents")(name, given[-1]) if launched().leads else {}
    result = _resolve(f"commands.{command.run}")(*given)
    if not launched().leads:
        return result.status
    if line := _resolve("places:replaced")(before):
        _resolve("output:say")(line)
    if given[-1].json:
        print(json.dumps(result.values, allow_nan=False))
    else:
        _resolve("output:show")(result.text)
    return result.status


def _check_room() -> None:
    """Says that memory is too little where torch, as it is loaded, would end the process without a word of ours.

    Raises:
        MemoryError: the system lets this process have less than loading takes (`ulimit -v`).
    """
    if sys.platform == "win32" or "torch" in sys.modules:
        return
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < LEAST_ROOM:
        raise MemoryError


def versions() -> list[str]:
    """Ours, and of what results and speed depend on; nothing is imported for it."""
    found = []
    for name in ("torch", "numpy", "safetensors", "Pillow", "matplotlib"):
        with suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    system = f"{platform.system()} {platform.machine()}"
    return [f"vaekit {__version__}", f"Python {platform.python_version()}, {', '.join(found)}, {system}"]


@contextmanager
def notes_in_one_line() -> Iterator[None]:
    """Within the block a VaekitWarning is one line on standard error, once."""
    said = set()

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if not issubclass(category, VaekitWarning):
            return usual(message, category, *where, **more)
        if str(message) not in said and launched().leads:
            _resolve("output:aside")(f"vaekit: note: {_typed(message)}")
        said.add(str(message))
        return None

    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.simplefilter("always", VaekitWarning)
        warnings.showwarning = show
        yield


def _resolve(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(f"vaekit.cli.{module}"), name)


def _fail(message: object, status: int, as_json: bool) -> int:
    """Says what went wrong in one line on standard error, and as one JSON object on standard output where that was asked for."""
    line = _typed(message)
    _resolve("output:aside")(f"vaekit: error: {line}")
    if as_json and launched().leads:
        with suppress(OSError, ValueError):
            print(json.dumps({"error": line, "status": status}), flush=True)
    return status


def _typed(message: object) -> str:
    """In one line, with flags; what spells them is loaded only where there is something to say."""
    from vaekit.cli.spelling import as_typed

    return as_typed(message, message.option if isinstance(message, SettingError) else None)


def _wait_politely() -> None:
    """Threads of torch that wait for one another spin only briefly, then sleep; read when torch is loaded.

    On a busy machine, spinning as long as OpenMP does made training fifteen times slower; sleeping at once
    would halve the speed on a quiet one (docs/log.md).
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "20000")


def _open_streams() -> None:
    """Gives closed streams (`>&-`) a place to go: a file opened later would have their number, and be written into."""
    if sys.stdout is not None and sys.stderr is not None and sys.stdin is not None:
        return
    handle = os.open(os.devnull, os.O_RDWR)
    while handle <= 2:  # the numbers that are free come first
        handle = os.dup(handle)
    os.close(handle)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115


def _abandon_output() -> None:
    """Lets what is left of the output go nowhere: Python would try to write it again at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _use_utf8() -> None:
    """Names of files may hold any character, whatever the terminal's encoding."""
    unknown = "replace" if os.name == "nt" else "surrogateescape"  # gives back the bytes of a POSIX name
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=unknown)
