"""`remove`: a run and what was made of it, without what is not its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from vaekit.core import RunError
from vaekit.runs.files import writing
from vaekit.runs.lock import sole_writer
from vaekit.runs.records import CONFIG, METRICS, PREVIEWS, SUMMARY, WEIGHTS, has_begun, read_run_config
from vaekit.runs.temporaries import is_temporary
from vaekit.runs.usual_names import patterns

# What this package writes into the folder of a run where no other name was given.
OWN = (
    *(WEIGHTS, SUMMARY, METRICS, PREVIEWS, "report.html", "features.safetensors"),
    *patterns(),
    *("checkpoints/step-*.safetensors", "checkpoints/step-*.damaged", "figures/*.png", "figures-*/*.png"),
    *("onnx/encoder.onnx", "onnx/decoder.onnx", "tensorboard/events.out.tfevents.*"),
    *(
        f"prior/{name}"
        for name in (
            WEIGHTS,
            SUMMARY,
            METRICS,
            PREVIEWS,
            CONFIG,
            "samples.*",
            "figures/*.png",
            "figures-*/*.png",
        )
    ),
    *("prior/checkpoints/step-*.safetensors", "prior/checkpoints/step-*.damaged"),
)


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
    under their usual names. Whatever else is in its folder stays.

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
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            continue
        drawn = (
            path.with_suffix(".png") if path.suffix == ".svg" and path.with_suffix(".png").exists() else path
        )
        name = drawn.relative_to(folder).as_posix()
        if is_temporary(path.name) or any(_matches(name, pattern) for pattern in OWN):
            yield path


def _matches(name: str, pattern: str) -> bool:
    """Returns whether a name within the folder is of a pattern; a star stands for no slash."""
    return name.count("/") == pattern.count("/") and fnmatch(name, pattern)


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
