"""The place of a run's prior, RUN/prior, and how another comes into it: whole, or not at all.

    prior                             the one that is used
    prior.new                         one that is to take its place, while it is fitted
    .prior.vaekit-0123456789abcdef.old    the one before, between two renames and while it is removed

Wherever the change is cut off, the next look finds a whole prior: the one before, or the new one.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from vaekit.config.methods import PRIORS
from vaekit.core import RunError, reach
from vaekit.runs.files import writing
from vaekit.runs.lock import sole_writer
from vaekit.runs.records import has_begun, has_ended, read_run_config
from vaekit.runs.temporaries import remove_temporaries

PRIOR = "prior"  # folder within a run
NEW = "prior.new"
OLD = re.compile(r"\.prior\.vaekit-[0-9a-f]{16}\.old")


def prior_folder(run: Path) -> Path:
    """Returns the folder of a run's prior, whether or not there is one."""
    place = run / PRIOR
    return place if place.exists() else next(iter(_aside(run)), place)


def settle(run: Path) -> None:
    """Ends a change of the prior that was cut off: the new one takes the place if it is whole, else the one before.

    Raises:
        RunError: a folder cannot be renamed or removed.
    """
    place, new = run / PRIOR, run / NEW
    for old in _aside(run):
        with writing(place):
            if not place.exists():
                os.rename(new if has_ended(new) else old, place)
            shutil.rmtree(old, ignore_errors=True)


def make_room(run: Path) -> Path:
    """Makes room for a prior that is to take the place of the one that is there; removes one that was never finished.

    Returns:
        Where to fit it.

    Raises:
        RunError: another process is training the one that is there, or a new one, or something else is in the way.
    """
    if has_begun(run / PRIOR):
        with sole_writer(run / PRIOR):  # or else it is being trained
            pass
    new = run / NEW
    if new.is_dir():
        remove_temporaries(new)
        with suppress(OSError):  # of one that was killed before it had begun
            new.rmdir()
    if new.exists():
        if not has_begun(new) or read_run_config(new).settings.get("method") not in PRIORS:
            raise RunError(
                f"{new}: something else is there, where the new prior is to be fitted; move it away."
            )
        with sole_writer(new), writing(new):
            shutil.rmtree(new)
    return new


def put_in_place(run: Path) -> Path:
    """Puts the new prior in the place of the one that is there.

    Returns:
        Its folder now.

    Raises:
        RunError: it cannot be renamed.
    """
    settle(run)
    place, new = run / PRIOR, run / NEW
    with writing(place):
        old = run / f".{PRIOR}.vaekit-{os.urandom(8).hex()}.old"
        if place.exists():
            os.rename(place, old)
            reach("prior: the one before aside")
        os.rename(new, place)
        reach("prior: the new one in place")
        shutil.rmtree(old, ignore_errors=True)
    return place


def _aside(run: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(run) if OLD.fullmatch(entry.name) and entry.is_dir()]
    except OSError:
        return []
