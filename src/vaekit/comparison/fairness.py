"""Whether the methods of a comparison had the same time: as it was spent, not as it was meant."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

NAME = "processor_seconds"
TENTH = 1.1  # largest over smallest mean time of a method, at most, where methods are judged
Runs = Mapping[str, Mapping[int, Mapping[str, Any]]]  # method -> seed -> what was measured, or why it failed


def seconds_spent(records: Runs) -> dict[str, list[float]]:
    """Processor seconds of the runs that ended, by method; without methods of which none did."""
    found = {
        method: [run["figures"][NAME] for run in runs.values() if NAME in run.get("figures", {})]
        for method, runs in records.items()
    }
    return {method: seconds for method, seconds in found.items() if seconds}


def withheld(budget: float | None, records: Runs) -> str:
    """Why nothing is judged: the means of the time that methods spent differ by more than a tenth.

    Args:
        budget: seconds that each run was to have; None where equal lengths were asked for.

    Returns:
        A sentence with the figures and the remedy, or "".
    """
    if budget is None:
        return ""
    means = {method: fmean(seconds) for method, seconds in seconds_spent(records).items()}
    if not means or max(means.values()) <= TENTH * min(means.values()):
        return ""
    least, most = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    more = means[most] / means[least] - 1
    return (
        f"Of {budget:g} s of processor time {least} spent {means[least]:.3g} s and {most} {means[most]:.3g} s, "
        f"{more:.0%} more, which is over a tenth: nothing is judged and no figure is called best. Compare again with "
        "a longer budget, on a machine that does nothing else, or by equal epochs instead of equal time."
    )


def spent_in_words(records: Runs) -> str:
    """`spent 9.8 to 10.3 s`, over all runs that ended; "" where none did."""
    seconds = [one for each in seconds_spent(records).values() for one in each]
    if not seconds:
        return ""
    low, high = f"{min(seconds):.3g}", f"{max(seconds):.3g}"
    return f"spent {low} s" if low == high else f"spent {low} to {high} s"
