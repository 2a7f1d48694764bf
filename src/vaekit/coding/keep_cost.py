"""Keeps what a file of a run's own pictures cost with the run: in its summary.json and on its page, with a figure."""

from __future__ import annotations

from importlib.util import find_spec

from vaekit.coding.sums import Sums
from vaekit.core import RunError, warn_of
from vaekit.evaluation.keep import not_kept
from vaekit.reports.run import write_again
from vaekit.runs.file_cost import FileCost
from vaekit.runs.kept_files import files_of, keep_file, prior_fingerprint
from vaekit.runs.load import Run, load_run


def cost_of(run: Run, source: str, split: str, trade: float | None, sums: Sums) -> FileCost:
    """The record of a file, from its sums.

    Args:
        source, split: which pictures.
        trade: as in `compress`; None where nothing is lost.
    """
    return FileCost(
        source=source,
        split=split,
        images=sums.images,
        pictures=sums.pictures,
        values=sums.values,
        size=sums.size,
        pixels=sums.pixels,
        model=sums.model,
        inside=sums.inside,
        coders=dict(sums.coders),
        against=sums.against,
        pays_after=sums.pays_after,
        general=sums.general,
        error=sums.error,
        trade=trade,
        prior=None if trade is None else prior_fingerprint(run.model),
    )


def keep_cost(
    run: Run, source: str, split: str, trade: float | None, sums: Sums, *, whole: bool = True
) -> None:
    """Writes what a file cost into a run's summary.json and report.html; where that cannot be, a VaekitWarning says why.

    Args:
        source, split, trade: as in `cost_of`.
        whole: whether one call coded all of it; of parts of an earlier one not all figures are known.
    """
    if not whole or not sums.pictures:
        why = "an earlier call coded some of it" if sums.pictures else "no picture was coded"
        warn_of([f"what {source} costs is not kept in {run.path}: {why}"])
        return
    try:
        if not keep_file(run.path, cost_of(run, source, split, trade, sums)):
            warn_of([f"{run.path} has not ended, so this is not kept; resume it: vaekit resume {run.path}"])
            return
    except RunError as error:
        warn_of([not_kept(run, error)])
        return
    try:
        kept = load_run(run.path, device="cpu")
        if find_spec("matplotlib") is not None:
            from vaekit.plots.bytes_and_error import of_files
            from vaekit.plots.draw import write_figure

            if not isinstance(figure := of_files(files_of(kept)), str):
                write_figure(figure, run.path / "figures" / "bytes_and_error.png")
        write_again(kept)
    except RunError as error:
        warn_of([f"what {source} costs is kept in {run.path}, but not all of its page is drawn: {error}"])
