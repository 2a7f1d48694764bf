"""`compress`: pictures as one file, by a trained run: restored to the last pixel, on any machine."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from vaekit import __version__
from vaekit.coding.classical import CALLED
from vaekit.coding.coders import coder_bytes, coder_of
from vaekit.coding.container import VERSION
from vaekit.coding.growing import growing
from vaekit.coding.keep_cost import keep_cost
from vaekit.coding.originals import Originals, originals_of
from vaekit.coding.part_by_part import Work
from vaekit.coding.sums import Sums, sums_of
from vaekit.core import SettingError
from vaekit.evaluation.keep import can_keep
from vaekit.runs.ask import run_of
from vaekit.runs.load import Run
from vaekit.runs.outputs import check_out, write_file
from vaekit.runtime.pulse import ProgressCallback, pulse

ENDING = ".vk"
WEIGHT_BITS, INSIDE_BITS = (
    12,
    10,
)  # after the point of a weight: two fewer where weights cost bytes of the file
PART, PART_VALUES = 10_000, 2**23  # examples of a part, and values of its pictures, at most


@dataclass(frozen=True)
class Compressed:
    """A file that `compress` wrote.

    Attributes:
        out: the file.
        source: what is in it.
        sums: what its bytes are for; None where the work was stopped.
        names: of the examples, or their numbers, as far as this call coded them.
        bits: information of each of them, (n,) float64; of files that are kept as they are, their share.
        notes: what is odd, or to be known: that binary pixels are a view of grey ones, say.
        done, total: examples that are in finished parts, and all.
        stopped: why the work was stopped, or None; the same call resumes it.

    Example:
        >>> made = vaekit.compress("runs/binary", split="test", out="test.vk", beside=0, progress="none")
        >>> made.bits.shape  # information of each example
        (313,)
    """

    out: Path
    source: str
    sums: Sums | None
    names: list[str] = field(default_factory=list)
    bits: np.ndarray = field(default_factory=lambda: np.zeros(0))
    notes: list[str] = field(default_factory=list)
    done: int = 0
    total: int = 0
    stopped: str | None = None

    def oddest(self, count: int) -> list[tuple[str, float]]:
        """Names and bytes of the examples that take most: those that the model expects least.

        Args:
            count: number of examples.
        """
        order = np.argsort(-self.bits, kind="stable")[:count]
        return [(self.names[i], float(self.bits[i]) / 8) for i in order.tolist()]

    def table(self) -> str:
        """CSV with one row per example, that of the most bytes first: name, bytes."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["name", "bytes"])
        writer.writerows((name, f"{size:.2f}") for name, size in self.oddest(len(self.names)))
        return text.getvalue()

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON has it, with the bytes of each example."""
        values: dict[str, Any] = {
            "out": str(self.out),
            "source": self.source,
            "done": self.done,
            "total": self.total,
        }
        if self.sums is not None:
            values |= self.sums.as_dict()
            values["example_bytes"] = [round(float(bits) / 8, 2) for bits in self.bits]
        return values | {"stopped": self.stopped, "notes": list(self.notes)}


def compress(
    run: Run | str | Path,
    data: object = None,
    *,
    out: str | Path,
    split: str = "all",
    label: str | None = None,
    with_model: bool = False,
    lossy: bool = False,
    trade: float = 0.0,
    part: int | None = None,
    beside: int = 1000,
    sizes: str | Path | None = None,
    keep: bool = False,
    progress: str = "auto",
    tell: ProgressCallback | None = None,
    should_stop: Callable[[], str | None] | None = None,
) -> Compressed:
    """Compresses pictures by a run: `compress("runs/vae-mnist-1", "photos", out="photos.vk")`.

    Pictures of the run's size and colours are coded by its model; image files of any other form are kept as they are, in the
    same file and order. A run of binary pixels codes the binary view of grey ones. `vaekit.decompress` restores them.

    Args:
        run: a run, or its folder: a VAE whose likelihood gives masses on binary or 8-bit pixels, or for `lossy` a VQ-VAE.
        data: a source as in `Run.load_data`; None takes the run's own.
        out: the .vk file, which is there whole or not at all. What an interrupted call had finished is in a file of that
            name and `.unfinished`, and the same call resumes it.
        split: train, validation, test or all.
        label: class of images without labels, for a conditional run.
        with_model: put the model inside, so that nothing else is needed to restore the pictures; where general coders need
            fewer bytes for all of them than the model, it is not needed and left out.
        lossy: code a VQ-VAE's codes under its prior; the pictures that come back are its reconstructions.
        trade: of `lossy`: 1 per cent fewer bits may cost `trade` per cent more squared error; 0 takes the encoder's own
            codes, more searches for others, which takes far longer.
        part: examples of each part, which is restored without the others (10,000, fewer of large pictures).
        beside: pictures on which general coders are measured too, those that lose nothing, or for `lossy` WebP, JPEG and
            JPEG XL at several qualities (on fewer large pictures); 0 leaves them out.
        sizes: a .csv file to write too: the bytes of each example, most first.
        keep: write what the file cost into the run's summary.json and report.html; of a run's own data only. Where they
            cannot be written, a VaekitWarning says why.
        progress: "auto" shows how far it is and the time left, on standard error; "none" nothing.
        tell: called with the progress instead.
        should_stop: asked after each part; a reason ends the work there.

    Returns:
        What was written, and what its bytes are for.

    Raises:
        SettingError: a run that codes nothing, a name or a number that is wrong.
        DataError: a source that cannot be used.
        RunError: `out` cannot be written; finished parts are kept.

    Example:
        >>> made = vaekit.compress("runs/binary", split="test", out="test.vk", beside=0, progress="none")
        >>> made.done, made.out.name
        (313, 'test.vk')
    """
    out, sizes = _checked(data, Path(out), sizes, part, beside, trade)
    if keep and data is not None:
        raise SettingError("keep=True keeps what a file of a run's own data costs; leave data= away.", "keep")
    run = run_of(run, "cpu")
    keep = keep and can_keep(run)
    weight_bits = INSIDE_BITS if with_model else WEIGHT_BITS
    coder = coder_of(run, lossy, weight_bits, trade)
    if not with_model and not getattr(coder, "remade", True):
        raise SettingError(
            f"{run.path}: without a prior of its codes no other machine makes the same model; give with_model=True, or "
            f"fit one: vaekit prior {run.path}",
            "with_model",
        )
    size = part or max(1, min(PART, PART_VALUES // prod(run.model.shape)))
    model = coder_bytes(coder)
    with originals_of(run, data, split, label) as source, pulse(progress, tell) as told:
        head = head_of(run, coder, source, with_model, weight_bits)
        identity = f"{source.identity} {size}"
        work = Work(coder, source, size, beside, told, should_stop)
        with growing(out, head, identity, model if with_model else None) as file:
            stopped = work.write(file)
            if stopped is not None:
                return Compressed(out, source.name, None, done=file.done, total=source.total, stopped=stopped)
            inside = with_model and work.took_model
            if inside != with_model:
                file.leave_out_model(head_of(run, coder, source, inside, weight_bits))
            whole = file.finish()
        compared = work.compared(run.model.pixels), work.compared_lossy(run.model.pixels)
    sums = sums_of(
        work.parts, run.model.shape, whole, len(model), inside, compared[0], work.error, coder_names(), compared[1]
    )  # fmt: skip
    notes = [*source.notes, *view_notes(run, sums)]
    if work.earlier:
        notes.append(
            f"{work.earlier:,} of {source.total:,} images were coded by an earlier call: initial bits, error and bytes of each "
            "image are those of the others"
        )
    if inside != with_model:
        notes.append(
            "no picture needs the model, which would have needed more bytes than other coders: it is left out"
        )
    found = Compressed(out, source.name, sums, work.names, work.bits, notes, source.total, source.total)
    if sizes is not None:
        write_file(Path(sizes), found.table().encode("utf-8", "surrogatepass"))
    if keep:
        keep_cost(run, source.name, split, None if coder.lossless else trade, sums, whole=not work.earlier)
    return found


def _checked(
    data: object, out: Path, sizes: str | Path | None, part: int | None, beside: int, trade: float
) -> tuple[Path, Path | None]:
    """Checks what was asked for before any work is done."""
    check_out(out, (ENDING,), data)
    if sizes is not None:
        check_out(Path(sizes), (".csv",), data)
    if part is not None and not 1 <= part <= 2**24:
        raise SettingError(f"part={part}: must be from 1 to 16,777,216 examples.", "part")
    if beside < 0:
        raise SettingError(f"beside={beside}: must be 0 or more.", "beside")
    if not 0 <= trade < float("inf"):
        raise SettingError(f"trade={trade}: must be 0 or more.", "trade")
    return out, None if sizes is None else Path(sizes)


def head_of(run: Run, coder: Any, source: Originals, inside: bool, weight_bits: int) -> dict[str, Any]:
    """Returns what a file says of itself; `weight_bits` as in `coder_of`."""
    return {
        "version": VERSION,
        "vaekit": __version__,
        "source": source.name.encode("utf-8", "replace").decode("utf-8"),
        "images": source.total,
        "shape": list(run.model.shape),
        "pixels": run.model.pixels,
        "lossless": coder.lossless,
        "classes": source.classes,
        "splits": source.splits,
        "model": {
            "hash": coder.hash(),
            "coder": coder.name,
            "known": coder.known().hex(),
            "inside": inside,
            "run": run.path.resolve().name,
            "weight_bits": weight_bits,
        },
    }


def coder_names() -> dict[int, str]:
    """Name of each coder of pictures by its number."""
    return dict(CALLED)


def view_notes(run: Run, sums: Sums) -> list[str]:
    """Lines on pixels that are not restored as they were."""
    notes = []
    if run.settings.data.binarize != "none":
        notes.append(
            f"{run.path} is of binary pixels (binarize={run.settings.data.binarize!r}): what is coded, and restored, is its "
            "black-and-white view of the images, not their grey levels"
        )
    if kept := sums.images - sums.pictures:
        notes.append(
            f"{kept:,} of {sums.images:,} images are of another size or kind than the run's, and are kept as the files "
            "they are"
        )
    return notes
