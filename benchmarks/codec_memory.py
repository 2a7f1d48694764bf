"""Does the codec's memory grow with the set? Peaks of new processes that compress and restore sets of several sizes.

    python benchmarks/codec_memory.py RUN FOLDER [--data mnist] [--counts 1000 5000 20000 60000] [--part N]

The sets are the first images of a source, as many as it says, as an .npz in FOLDER. Prints for each the most memory that `compress` and
`decompress` had resident, which Linux alone tells, less the images where they are held whole: `compress` loads an .npz, `decompress`
writes one part by part and holds none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from codec import environment  # pyright: ignore[reportMissingImports]

import vaekit

# of this process alone: what getrusage says is no less than what its parent had
PEAK = "1024 * int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
COMPRESS = f"""
import json, sys, vaekit
run, data, out, part = sys.argv[1:5]
made = vaekit.compress(run, data, out=out, with_model=True, beside=0, part=int(part) or None, progress="none")
print(json.dumps([made.total, made.sums.coders, {PEAK}]))
"""
DECOMPRESS = f"""
import json, sys, vaekit
found = vaekit.decompress(sys.argv[1], out=sys.argv[2], progress="none")
print(json.dumps([found.images, len(found.lost), {PEAK}]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 5000, 20_000, 60_000])
    parser.add_argument("--part", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    data = vaekit.load_run(options.run).load_data(options.data)
    images = np.concatenate([np.asarray(part.images) for part in data.splits.values() if len(part)])[:, 0]
    print(
        f"images of {images[0].nbytes:,} bytes\n\n| images | compress, MB | decompress, MB | coders |\n|---|---|---|---|"
    )
    for count in options.counts:
        source, file, back = (options.folder / f"{count}{end}" for end in (".npz", ".vk", ".back.npz"))
        np.savez(source, images=images[:count])
        total, coders, compressing = asked(COMPRESS, options.run, source, file, options.part)
        restored, lost, restoring = asked(DECOMPRESS, file, back)
        assert total == restored == min(count, len(images)) and not lost
        held = images[:count].nbytes
        print(
            f"| {count:,} | {(compressing - held) / 1e6:.0f} | {restoring / 1e6:.0f} | {coders} |", flush=True
        )
        for path in (source, file, back):
            path.unlink()


def asked(program: str, *words: object) -> list:
    """What a program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        capture_output=True, text=True, check=True, env=environment({}),
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
