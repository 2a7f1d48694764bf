"""Image files of many forms as vaekit, OpenCV and a third decoder read them; every difference gets its cause.

    python benchmarks/decoders.py [--tiff 300] [--seed 0] [--each]

Formats × orientations × depths × alpha, written from known values by tifffile, imagecodecs, Pillow and by hand. The third decoder is
tifffile for TIFF and imagecodecs for the rest, which give what is stored; what the file says of it (orientation, 0 is white,
colours multiplied by alpha) is done here. Needs opencv-python-headless, tifffile and imagecodecs. A cause is only named where the
values written, changed in just this way, are what the decoder gave. Exit status 1 where vaekit gives other values than were written.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2  # pyright: ignore[reportMissingImports]
import imagecodecs  # pyright: ignore[reportMissingImports]
import numpy as np
import tifffile  # pyright: ignore[reportMissingImports]

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests")]

from decoder_files import Case, cases  # pyright: ignore[reportMissingImports]

from made_files import stored_as  # pyright: ignore[reportMissingImports]
from vaekit.data.formats import picture_files as files

CLOSE = 1e-5  # of white; a level of 8 bits where a format is lossy
REFUSED = ("zstd", "lzma", "4-bit", "10-bit", "12-bit", "14-bit", "f2", "f8", "predictor", "2 bands", "tiles")
PLACES = "puts pixels of tiles in other places"
MULTIPLIED = "gives colours multiplied by alpha"
BACK = {6: 8, 8: 6}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiff", type=int, default=300, help="TIFF files, drawn from all combinations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--each", action="store_true", help="a line for each file that somebody reads otherwise"
    )
    options = parser.parse_args()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    causes: Counter[tuple[str, str, str]] = Counter()
    wrong = 0
    for case in cases(options.tiff, options.seed):
        found = {"vaekit": ours(case), "OpenCV": outcome(by_opencv, case), "third": outcome(by_third, case)}
        counts[case.format]["files"] += 1
        for who, said in found.items():
            counts[case.format][
                f"{who} {'equal' if said == 'equal' else 'refused' if said.startswith('refused') else 'other'}"
            ] += 1
            if said != "equal":
                causes[case.format, who, said] += 1
                if options.each:
                    print(f"{case.format} {case.name}: {who}: {said}")
        wrong += found["vaekit"] != "equal" and not found["vaekit"].startswith("refused")
    print_tables(counts, causes)
    raise SystemExit(bool(wrong))


def print_tables(counts: dict[str, Counter[str]], causes: dict[tuple[str, str, str], int]) -> None:
    """Counts by format, and causes."""
    kinds = [f"{who} {how}" for who in ("vaekit", "OpenCV", "third") for how in ("equal", "other", "refused")]
    print(f"| format | files | {' | '.join(kinds)} |\n|{'---|' * (len(kinds) + 2)}")
    for name, count in [*counts.items(), ("all", sum(counts.values(), Counter()))]:
        print(f"| {name} | {count['files']} | {' | '.join(str(count[kind]) for kind in kinds)} |")
    print("\n| format | who | what it does | files |\n|---|---|---|---|")
    for (name, who, cause), count in sorted(causes.items(), key=lambda item: (item[0][1], -item[1])):
        print(f"| {name} | {who} | {cause} | {count} |")


def ours(case: Case) -> str:
    """What vaekit makes of a file, by the rules of a set of one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.bin")
        path.write_bytes(case.content)
        header = files.probe(path)
        if isinstance(header, files.Bad):
            return f"refused: {header.reason}"
        channels = (1 if header.grey else 3) + header.alpha
        done = files.decode(header, files.Plan(header.size, "crop", channels, "unit"))
        if isinstance(done, files.Bad):
            return f"refused: {done.reason}"
    said = verdict(np.moveaxis(done.pixels, 0, 2).astype(np.float64), case)
    return f"{said}; its note says so" if said != "equal" and header.cut else said


def outcome(read: Callable[[Case], np.ndarray], case: Case) -> str:
    """`verdict` of a decoder."""
    try:
        return verdict(read(case), case)
    except Exception:  # of any kind
        return f"refused: {why_refused(case)}"


def why_refused(case: Case) -> str:
    """The part of a file's form that a decoder most likely lacks."""
    for part in REFUSED:
        if part in case.name:
            return part
    return "this form"


def by_opencv(case: Case) -> np.ndarray:
    """Values in [0, 1]; all channels and depths, which leaves orientation to the caller, as its documentation says."""
    read = cv2.imdecode(np.frombuffer(case.content, np.uint8), cv2.IMREAD_UNCHANGED)
    if read is None:
        raise ValueError("nothing")
    read = np.atleast_3d(read)
    if read.shape[2] > 2:
        read = read[:, :, [2, 1, 0, *range(3, read.shape[2])]]
    if case.format not in ("TIFF",):
        read = stored_as(read, BACK.get(case.orientation, case.orientation))
    return scaled(read, case)


def by_third(case: Case) -> np.ndarray:
    """Values in [0, 1] from what tifffile or imagecodecs give."""
    if case.format == "TIFF":
        with tifffile.TiffFile(case.file()) as file:
            page = file.pages[0]
            stored = np.asarray(page.asarray())
            stored = np.moveaxis(stored, 0, 2) if page.planarconfig == 2 and stored.ndim == 3 else stored
    else:
        decode = getattr(imagecodecs, f"{case.codec}_decode")
        stored = np.asarray(decode(case.content))
    values = scaled(np.atleast_3d(stored), case)
    values = 1 - values if case.inverted else values
    if case.associated:
        alpha = values[:, :, -1:]
        values = np.concatenate([values[:, :, :-1] / np.where(alpha > 0, alpha, 1), alpha], 2)
    return stored_as(values, BACK.get(case.orientation, case.orientation))


def scaled(values: np.ndarray, case: Case) -> np.ndarray:
    """Values as parts of white: that of the file where the type can hold it, else that of the type."""
    if values.dtype.kind == "f":
        return values.astype(np.float64)
    if values.dtype == bool:
        return values.astype(np.float64)
    most = float(np.iinfo(values.dtype).max)
    return values.astype(np.float64) / (min(case.top, most) if values.max() <= case.top else most)


def verdict(read: np.ndarray, case: Case) -> str:
    """ "equal", or what was done to the values that were written."""
    close = case.close or CLOSE
    if same(read, case.upright, case, close):
        return "equal"
    for count in range(4):
        for steps in itertools.combinations(CHANGES, count):
            try:
                changed = case.upright
                for step in steps:
                    changed = CHANGES[step](changed, case)
            except ValueError:
                continue
            coarse = any(MULTIPLIED in step for step in steps)
            near = max(close, 1.01 / min(case.top, 255)) if coarse else close
            if same(read, changed, case, near):
                return ", ".join(steps)
            if case.tiled and misplaced(read, changed, near):
                return ", ".join([*steps, PLACES])
    if case.planar and _takes_first_plane(read, case):
        return "takes the first plane for pixels, and for the rest what was in memory"
    return f"other values, {'x'.join(map(str, read.shape))}, up to {np.nanmax(read):.3g}"


def _takes_first_plane(read: np.ndarray, case: Case) -> bool:
    """Returns whether the first pixels stored are the values of one channel, one after another."""
    written = _multiplied(case.upright, case) if case.associated else case.upright
    before, wanted = (stored_as(values, case.orientation) for values in (read, written))
    for flipped in (before, before[:, ::-1], before[::-1], before[::-1, ::-1]):
        if np.allclose(flipped[0, :3].ravel()[:9], wanted[0, :9, 0], atol=1e-3):
            return True
    return False


def misplaced(read: np.ndarray, wanted: np.ndarray, close: float) -> bool:
    """Returns whether nearly all pixels that were read are among those that were wanted."""
    if read.shape != wanted.shape or not np.isfinite(read).all():
        return False
    pixels, known = (values.reshape(-1, values.shape[2]) for values in (read, wanted))
    nearest = np.abs(pixels[:, None] - known[None]).max(2).min(1)
    return float((nearest <= close).mean()) > 0.9


def same(read: np.ndarray, wanted: np.ndarray, case: Case, close: float) -> bool:
    """Equal but for rounding; colours under full transparency, and grey as three equal channels, are no difference."""
    if read.shape[:2] != wanted.shape[:2]:
        return False
    read, wanted = as_rgba(read), as_rgba(wanted)
    visible = wanted[:, :, 3:] > 0 if case.alpha else np.ones_like(wanted[:, :, 3:], bool)
    return bool(np.allclose(np.where(visible, read, 0)[:, :, :3], np.where(visible, wanted, 0)[:, :, :3], rtol=0, atol=close)
                and np.allclose(read[:, :, 3], wanted[:, :, 3], rtol=0, atol=close))  # fmt: skip


def as_rgba(values: np.ndarray) -> np.ndarray:
    """Four channels of one to four."""
    bands = values.shape[2]
    colours = np.repeat(values[:, :, :1], 3, 2) if bands < 3 else values[:, :, :3]
    alpha = values[:, :, -1:] if bands in (2, 4) else np.ones_like(values[:, :, :1])
    return np.concatenate([colours, alpha], 2)


def _need(wanted: bool) -> None:
    if not wanted:
        raise ValueError


def _unturned(values: np.ndarray, case: Case) -> np.ndarray:
    _need(case.orientation > 1)
    return stored_as(values, case.orientation)


def _turned_again(values: np.ndarray, case: Case) -> np.ndarray:
    _need(case.orientation > 1)
    return stored_as(values, BACK.get(case.orientation, case.orientation))


def _inverted(values: np.ndarray, case: Case) -> np.ndarray:
    _need(case.inverted)
    return 1 - values


def _opaque(values: np.ndarray, case: Case) -> np.ndarray:
    _need(case.alpha)
    return values[:, :, :-1]


def _multiplied(values: np.ndarray, case: Case) -> np.ndarray:
    _need(case.alpha and values.shape[2] in (2, 4))
    return np.concatenate([values[:, :, :-1] * values[:, :, -1:], values[:, :, -1:]], 2)


def _multiplied_as_bytes(values: np.ndarray, case: Case) -> np.ndarray:
    """Where 255 stands for full alpha, though the greatest value of a signed byte is 127."""
    _need(case.alpha and case.top == 127 and values.shape[2] in (2, 4))
    return np.concatenate([values[:, :, :-1] * values[:, :, -1:] * 127 / 255, values[:, :, -1:]], 2)


def _cut(values: np.ndarray, case: Case) -> np.ndarray:
    _need(case.top > 255 and case.top < 2**63)
    return np.floor(np.round(values * case.top) / ((case.top + 1) / 256)) / 255


def _cut_signed(values: np.ndarray, case: Case) -> np.ndarray:
    _need(case.top == 2**15 - 1)
    return np.floor(np.round(values * case.top) / 256) / 127


def _rounded(values: np.ndarray, case: Case) -> np.ndarray:
    _need(case.top > 255 or case.floats)
    return np.round(values * 255) / 255


def _shifted(values: np.ndarray, case: Case) -> np.ndarray:
    _need(255 < case.top < 65535)
    return np.round(values * case.top) * (65536 / (case.top + 1)) / 65535


def _tilewise(values: np.ndarray, case: Case) -> np.ndarray:
    """Mirrored left to right within each tile (16 pixels wide) in place of the whole."""
    _need(case.tiled and case.orientation in (2, 3, 6, 7))
    stored = stored_as(values, case.orientation)
    mirrored = np.concatenate(
        [stored[:, left : left + 16][:, ::-1] for left in range(0, stored.shape[1], 16)], 1
    )
    whole = mirrored[::-1] if case.orientation in (3, 7) else mirrored
    return whole.swapaxes(0, 1) if case.orientation > 4 else whole


def _below_0(values: np.ndarray, case: Case) -> np.ndarray:
    _need(case.inverted and case.top == 127)
    return (-1 - np.round((1 - values) * 127)) / 127


CHANGES: dict[str, Callable[[np.ndarray, Case], np.ndarray]] = {
    "does not turn": _unturned,
    "turns twice": _turned_again,
    "turns each tile by itself": _tilewise,
    "does not invert where 0 is white": _inverted,
    "inverts x to -1 - x": _below_0,
    MULTIPLIED: _multiplied,
    f"{MULTIPLIED} as unsigned bytes": _multiplied_as_bytes,
    "leaves alpha out": _opaque,
    "cuts to 8 bits": _cut,
    "cuts to 8 bits, signed": _cut_signed,
    "rounds to 8 bits": _rounded,
    "shifts to 16 bits": _shifted,
}


if __name__ == "__main__":
    main()
