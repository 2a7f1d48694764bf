"""`vaekit export`."""

from __future__ import annotations

from pathlib import Path

from vaekit.cli.command_options import ExportOptions
from vaekit.cli.commands.explore import load_images
from vaekit.cli.output import Result, check_out


def export(options: ExportOptions) -> Result:
    """Writes the networks of a run as ONNX files, or the explorer as a page that needs no server."""
    out = Path(options.out) if options.out is not None else Path(options.run) / options.format
    check_out(out, ("",))
    return {"onnx": _onnx, "web": _web}[options.format](options, out)


def _onnx(options: ExportOptions, out: Path) -> Result:
    from vaekit.explorer.export.onnx_files import write_onnx
    from vaekit.explorer.subject import subject_of
    from vaekit.runs.load import load_run

    run = load_run(options.run, device="cpu")
    data = load_images(run, options.data, options.label)
    images = data.test if data is not None and len(data.test) else run.previews
    subject = subject_of(run)
    differences = write_onnx(subject, images, out)
    values = {"run": options.run, "out": str(out), "max_difference": differences}
    lines = [f"{out / name}: differs from torch by at most {d:.1g}" for name, d in differences.items()]
    return Result(values, "\n".join(lines))


def _web(options: ExportOptions, out: Path) -> Result:
    from vaekit.explorer.export.web import write_page
    from vaekit.explorer.material import Material
    from vaekit.runs.load import load_run

    run = load_run(options.run, device="cpu")
    material = Material(run, load_images(run, options.data, options.label))
    sizes = write_page(material, out)
    total = sum(sizes.values())
    values = {"run": options.run, "out": str(out), "files": len(sizes), "bytes": total}
    text = f"{out}: {len(sizes)} files, {total / 1e6:.1f} MB; to see it: python -m http.server -d {out}"
    return Result(values, text)
