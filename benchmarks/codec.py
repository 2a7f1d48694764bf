"""Sizes, speed and portability of the codec for a run.

    python benchmarks/codec.py RUN FOLDER [--data mnist] [--split test] [--with-model] [--lossy] [--variants] [--python PATH ...]
    python benchmarks/codec.py --without-model SOURCE [--image-size N] [--images N]

FOLDER gets the .vk file and what is restored of it; a file that is there is not made again, but its speed is not known then. Prints
bits per value C x H x W (of the pixels' bytes, initial bits among them; of the whole file; with the model), the model's own bound, the
sizes of general coders on the same images, images per second of encoding and decoding and the peak of memory of a new process, and the
number of images that differ when they are decoded in new processes under other settings. --python names further interpreters
(other versions of torch or numpy, with vaekit on their path): the file is decoded by them too, and made again, to compare its bytes.
With --without-model no run is needed: it is what coders without a model make of a source's images, JPEG XL among them where it is
installed (`benchmarks/general_coders.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from general_coders import MISSING, show  # pyright: ignore[reportMissingImports]

import vaekit
from vaekit.coding.jpeg_xl import has_jpeg_xl
from vaekit.coding.originals import originals_of
from vaekit.coding.sums import Beside, general_sizes
from vaekit.runs.load import Run

ROOT = Path(__file__).parents[1]
WITHOUT = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR AVX2 FMA3"
VARIANTS = {  # name -> environment
    "1 thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    "2 threads": {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
    "ATEN_CPU_CAPABILITY=default": {"ATEN_CPU_CAPABILITY": "default"},
    "ATEN_CPU_CAPABILITY=avx2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "ONEDNN_MAX_CPU_ISA=SSE41": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "OPENBLAS_CORETYPE=Prescott": {"OPENBLAS_CORETYPE": "Prescott"},
    "OPENBLAS_CORETYPE=Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "numpy without AVX2 and AVX512": {"NPY_DISABLE_CPU_FEATURES": WITHOUT},
}
BATCHES = (1, 7, 64, 1000)
PEAK = """
def peak():  # of this process alone: what getrusage says is no less than what its parent had
    return 1024 * int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""
DECODE = (
    PEAK
    + """
import json, sys, time
import numpy as np
import vaekit
from vaekit.coding.integers import Program
file, out, model, batch = sys.argv[1:5]
whole = Program.run
if int(batch):
    def run(self, inputs):
        size, count = int(batch), len(next(iter(inputs.values())))
        parts = [whole(self, {k: v[i : i + size] for k, v in inputs.items()}) for i in range(0, count, size)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    Program.run = run
began = time.perf_counter()
found = vaekit.decompress(file, out=out, model=model or None, progress="none")
took = time.perf_counter() - began
print(json.dumps([found.images, len(found.lost), took, peak()]))
"""
)
ENCODE = (
    PEAK
    + """
import json, sys, time
import vaekit
run, data, split, out, inside, lossy = sys.argv[1:7]
began = time.perf_counter()
found = vaekit.compress(
    run, data or None, split=split, out=out, with_model=inside == "True", lossy=lossy == "True", beside=0, progress="none"
)
took = time.perf_counter() - began
print(json.dumps(found.as_dict() | {"took": took, "memory": peak()}))
"""
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--without-model", metavar="SOURCE")
    parser.add_argument("--image-size", type=int, help="with --without-model: images are brought to it")
    parser.add_argument(
        "--images", type=int, help="with --without-model: so many, spread evenly over the source"
    )
    parser.add_argument("--data", default="")
    parser.add_argument("--split", default="test")
    parser.add_argument("--with-model", action="store_true")
    parser.add_argument("--lossy", action="store_true")
    parser.add_argument("--no-beside", action="store_true")
    parser.add_argument("--variants", action="store_true")
    parser.add_argument("--python", nargs="*", default=[])
    options = parser.parse_args()
    if options.without_model:
        show(*of_source(options.without_model, options.image_size, options.images))
        return
    if options.run is None or options.folder is None:
        parser.error("RUN and FOLDER are needed, or --without-model SOURCE")
    options.folder.mkdir(parents=True, exist_ok=True)
    run = vaekit.load_run(options.run)
    originals = gathered(run, options)
    values = int(np.prod(originals.shape[1:]))
    file = encoded(options, len(originals), values)
    model = "" if options.with_model else str(options.run)
    restored = decoded(options, file, "as it is", model, originals, values)
    print(f"pixels restored in a new process: {restored}")
    if not options.no_beside:
        beside = Beside(len(originals), values, 0.0, general_sizes(originals, run.model.pixels))
        for name, size in beside.sizes.items():
            print(
                f"{name:14} {beside.per_value(size):.4f} bits per value, {size / len(originals):.1f} bytes per image"
            )
        if not has_jpeg_xl():
            print(MISSING)
    if options.variants:
        for batch in BATCHES:
            decoded(options, file, f"batches of {batch}", model, originals, values, batch=batch)
        for name, environment in VARIANTS.items():
            decoded(options, file, name, model, originals, values, environment)
    for python in options.python:
        decoded(options, file, python, model, originals, values, python=python)
        print(f"{python}: {encoded_again(options, file, python)}", flush=True)


def of_source(source: str, size: int | None, count: int | None) -> tuple[np.ndarray, str]:
    """Levels of a source's images, (N, C, H, W), of all splits, and what its pixels are."""
    data = vaekit.load_data(source, image_size=size)
    levels = np.concatenate([np.asarray(split.images) for split in data.splits.values() if len(split)])
    chosen = np.linspace(0, len(levels) - 1, min(count or len(levels), len(levels))).astype(int)
    return levels[chosen], data.pixels


def gathered(run: Run, options: argparse.Namespace) -> np.ndarray:
    """The levels of all pictures of the run's form, as they are coded."""
    with originals_of(run, options.data or None, options.split) as source:
        return np.concatenate([group.levels for group in source.groups(0, 10_000)])


def encoded(options: argparse.Namespace, images: int, values: int) -> Path:
    """The file, made in a new process if it is not there; prints its sums."""
    name = options.run.name + ("-lossy" if options.lossy else "") + ("-inside" if options.with_model else "")
    file, about = options.folder / f"{name}.vk", options.folder / f"{name}.json"
    if not file.exists():
        done = encode(options, file, sys.executable)
        about.write_text(done.stdout.splitlines()[-1], encoding="utf-8")
    sums = json.loads(about.read_text(encoding="utf-8"))
    total = images * values
    print(
        f"{file}: {sums['images']:,} images, {sums['pictures']:,} pictures of {values:,} values; coders {sums['coders']}"
    )
    print(
        f"pixels {sums['pixel_bytes']:,} bytes: {sums['bits_per_value']:.4f} bits per value, {sums['initial_bits']:,} initial bits in them"
    )
    own = sum(sums["example_bytes"]) * 8 / total
    print(
        f"information by the masses {own:.4f} bits per value; the stream has {100 * (sums['bits_per_value'] / own - 1):.2f} % more"
    )
    print(
        f"names and labels {sums['fact_bytes']:,}, frame {sums['frame_bytes']:,}, model {sums['model_bytes']:,} bytes"
    )
    print(f"whole file {sums['bytes']:,} bytes: {8 * sums['bytes'] / total:.4f} bits per value")
    without = sums["bytes"] - (sums["model_bytes"] if sums["model_inside"] else 0)
    print(
        f"without the model {8 * without / total:.4f}, with it {8 * (without + sums['model_bytes']) / total:.4f} bits per value"
    )
    if "mean_squared_error" in sums:
        print(
            f"lossy: {sums['pixel_bytes'] / images:.1f} bytes per image at a mean squared error of {sums['mean_squared_error']:.5f}"
        )
    speed = images / sums["took"]
    print(
        f"encoding, loading included: {speed:,.0f} images per second; peak of memory {sums['memory'] / 1e6:,.0f} MB"
    )
    return file


def encode(options: argparse.Namespace, file: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Makes a file in a new process."""
    words = [
        str(options.run),
        options.data,
        options.split,
        str(file),
        str(options.with_model),
        str(options.lossy),
    ]
    return subprocess.run(
        [python, "-c", ENCODE, *words], capture_output=True, text=True, check=True, env=environment({})
    )  # fmt: skip


def encoded_again(options: argparse.Namespace, file: Path, python: str) -> str:
    """Whether another interpreter makes the same file: in words, with its versions."""
    asked = "import torch, numpy; print('torch', torch.__version__, 'numpy', numpy.__version__)"
    versions = subprocess.run(
        [python, "-c", asked], capture_output=True, text=True, check=True
    ).stdout.strip()
    again = file.with_suffix(".again.vk")
    again.unlink(missing_ok=True)
    encode(options, again, python)
    same = again.read_bytes() == file.read_bytes()
    return f"{versions} makes {'the same bytes' if same else 'OTHER BYTES'} when it encodes"


def decoded(
    options: argparse.Namespace, file: Path, name: str, model: str, originals: np.ndarray, values: int,
    given: dict[str, str] | None = None, batch: int = 0, python: str = sys.executable,
) -> str:  # fmt: skip
    """Decodes the file in a new process; prints how many images differ from what was coded, and from the first decoding."""
    out = options.folder / "back.npz"
    out.unlink(missing_ok=True)
    words = [python, "-c", DECODE, str(file), str(out), model, str(batch)]
    began = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, env=environment(given or {}))
    if done.returncode:
        print(f"{name}: {done.stderr.strip().splitlines()[-1]}")
        return "none"
    images, lost, took, memory = json.loads(done.stdout.splitlines()[-1])
    with np.load(out) as arrays:
        back = np.concatenate([arrays[key] for key in arrays if key.endswith("images")])
    back = back.reshape(len(back), -1) if back.ndim < 4 else back.transpose(0, 3, 1, 2).reshape(len(back), -1)
    wanted = originals.reshape(len(originals), -1) * np.uint8(255 if originals.max() <= 1 else 1)
    reference = options.folder / "reference.npy"
    if options.lossy:
        if name == "as it is":
            np.save(reference, back)
        wanted = np.load(reference)
    differ = int((back != wanted).any(1).sum()) if back.shape == wanted.shape else -1
    print(
        f"{name}: {differ} of {images:,} images differ, {lost} parts lost; {images / took:,.0f} images per second "
        f"({time.perf_counter() - began:.0f} s in all), peak of memory {memory / 1e6:,.0f} MB",
        flush=True,
    )
    return f"{images - max(differ, 0):,} of {len(originals):,}"


def environment(given: dict[str, str]) -> dict[str, str]:
    """The environment of a new process, with vaekit on its path."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), **given}


if __name__ == "__main__":
    main()
