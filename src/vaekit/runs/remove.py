"""`remove`: a run and what was made of it, without what is not its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from vaekit.core import RunError
from vaekit.runs.files import writing
from vaekit.runs.lock import sole_writer
from vaekit.runs.prior_place import NEW, PRIOR
from vaekit.runs.records import CONFIG, METRICS, PREVIEWS, SUMMARY, WEIGHTS, has_begun, read_run_config
from vaekit.runs.temporaries import is_temporary
from vaekit.runs.usual_names import REPORT, is_result, is_usual

# What this package writes into the folder of a run, and into that of its prior, whatever is asked.
OWN = (
    *(WEIGHTS, SUMMARY, METRICS, PREVIEWS, REPORT, "features.safetensors"),
    *("checkpoints/step-*.safetensors", "checkpoints/step-*.damaged", "tensorboard/events.out.tfevents.*"),
)
FOLDERS = {"figures": "*.png", "onnx": "??coder.onnx"}  # stem of a result's folder -> files in it


@dataclass(frozen=True)
class Removed:
    """The work of `remove`.

    Attributes:
        run: the folder.
        files: how many were removed.
        size: of them together, bytes.
        left: files in the folder that are none of the run's, which stay with the folders that they are in.

    Example:
        >>> history = vaekit.train("ae", "digits", steps=2, out="runs/brief", progress=False)
        >>> vaekit.remove("runs/brief").left
        ()
    """

    run: Path
    files: int
    size: int
    left: tuple[Path, ...] = ()


def remove(run: str | Path) -> Removed:
    """Removes a run: its record, weights and states, its prior, and figures, samples and tables that were made of it
    under their usual names. Whatever else is in its folder stays; but in a folder of figures every .png is one of them, and a
    name that ends as usual ones of paths do, codes-mine-0123abcd.npz, counts as one too.

    Args:
        run: its folder.

    Returns:
        What was removed, and what stays.

    Raises:
        RunError: no run, one that another process is training, or files that may not be removed.

    Example:
        >>> history = vaekit.train("vae", "digits", steps=2, out="runs/brief", progress=False)
        >>> removed = vaekit.remove("runs/brief")
        >>> removed.left, history.out.exists()
        ((), False)
    """
    folder = Path(run)
    if folder.is_symlink():
        raise RunError(
            f"{folder} is a link: remove the run itself, {folder.resolve()}, or the link with the system's own rm."
        )
    if not has_begun(folder):
        read_run_config(folder)  # says what is there
    count = size = 0
    with sole_writer(folder), writing(folder):
        for path in [
            *_own(folder),
            folder / CONFIG,
        ]:  # the record last: a run that is half gone can be removed again
            size += path.lstat().st_size
            path.unlink()
            count += 1
        for inner in sorted(
            (path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()), reverse=True
        ):
            _remove_if_empty(inner)
    _remove_if_empty(folder)
    left = (
        tuple(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
        if folder.exists()
        else ()
    )
    return Removed(folder, count, size, left)


def _own(folder: Path) -> Iterator[Path]:
    """The files of a run in its folder, but for its record; a link is not followed.

    An .svg is a figure of ours where a .png of its name is beside it; so it comes before that.
    """
    from vaekit.data import SOURCES

    named = tuple(SOURCES)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            continue
        drawn = (
            path.with_suffix(".png") if path.suffix == ".svg" and path.with_suffix(".png").exists() else path
        )
        name = drawn.relative_to(folder).as_posix()
        if is_temporary(path.name) or _is_own(name, named):
            yield path


def _is_own(name: str, named: tuple[str, ...]) -> bool:
    """Returns whether a name within a run's folder is of a file that this package writes there.

    Args:
        named: data sets that have a name.
    """
    inner = next((name.removeprefix(f"{p}/") for p in (PRIOR, NEW) if name.startswith(f"{p}/")), name)
    if inner != name and inner == CONFIG:
        return True
    folder, _, file = inner.partition("/")
    made = (is_usual(folder, stem, named) and _matches(file, files) for stem, files in FOLDERS.items())
    return any(_matches(inner, pattern) for pattern in OWN) or is_result(inner, named) or any(made)


def _matches(name: str, pattern: str) -> bool:
    """Returns whether a name within the folder is of a pattern; a star stands for no slash."""
    return name.count("/") == pattern.count("/") and fnmatch(name, pattern)


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
