"""`vaekit compress` and `vaekit decompress`."""

from __future__ import annotations

from pathlib import Path

import vaekit
from vaekit.cli.command_options import CompressOptions, DecompressOptions
from vaekit.cli.output import Result, say
from vaekit.cli.places import place_of, restored_place
from vaekit.cli.signals import status_after, stopping
from vaekit.cli.spelling import counted


def compress(options: CompressOptions) -> Result:
    """Puts pictures into one file, by a run's model: its size, what its bytes are for, and what others would need."""
    out = place_of("compress", options)
    with stopping() as reason:
        found = vaekit.compress(
            options.run,
            options.data,
            out=out,
            split=options.split,
            label=options.label,
            with_model=options.with_model,
            lossy=options.lossy,
            trade=options.trade,
            part=options.part,
            beside=options.beside,
            sizes=options.sizes,
            keep=options.data is None,
            should_stop=reason,
        )
    if found.sums is None:
        text = f"stopped after {found.done:,} of {counted(found.total, 'image')}; the same command resumes it"
        return Result(found.as_dict(), text, status_after(found.stopped or ""))
    for note in found.notes:
        say(note)
    odd = ", ".join(f"{name} ({size:,.0f} bytes)" for name, size in found.oddest(5))
    lines = [f"{counted(found.total, 'image')} of {found.source} in {out}", *found.sums.lines()]
    return Result(found.as_dict(), [*lines, *([f"most bytes: {odd}"] if odd else [])])


def decompress(options: DecompressOptions) -> Result:
    """Restores the pictures of a file; the status is 1 where some of a damaged one are lost."""
    out = restored_place(options.file) if options.out is None else Path(options.out)
    with stopping() as reason:
        found = vaekit.decompress(
            options.file, out=out, model=options.model, part=options.part, should_stop=reason
        )
    for note in found.notes:
        say(note)
    if found.stopped is not None:
        return Result(found.as_dict(), "stopped; nothing was written", status_after(found.stopped))
    lines = [f"{counted(found.images, 'image')} of {found.source} in {out}"]
    lines += [f"lost: {lost}" for lost in found.lost]
    return Result(found.as_dict(), lines, 1 if found.lost else 0)
