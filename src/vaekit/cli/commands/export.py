"""`vaekit export`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import ExportOptions
from vaekit.cli.output import Result
from vaekit.cli.places import place_of
from vaekit.cli.spelling import counted


def export(options: ExportOptions) -> Result:
    """Writes the networks of a run as ONNX files, or the explorer as a page that needs no server."""
    out = place_of("export", options)
    found = vaekit.export(options.run, out, options.format, data=options.data, label=options.label)
    values = {"run": options.run, "out": str(out)}
    if options.format == "onnx":
        lines = [f"{out / n}: differs from torch by at most {d:.1g}" for n, d in found.differences.items()]
        return Result(values | {"max_difference": found.differences}, lines)
    total = sum(found.sizes.values())
    text = f"{out}: {counted(len(found.sizes), 'file')}, {total / 1e6:.1f} MB; to see it: python -m http.server -d {out}"
    return Result(values | {"files": len(found.sizes), "bytes": total}, text)
