"""How long does the importance-weighted bound take, and does bf16 change it?

    python benchmarks/likelihood_speed.py RUN [--images 10000] [--samples 1000]

Both arithmetics see the same images and the same noise; they take turns on blocks of images, so that
whatever else the machine does meets both. Prints one JSON object: seconds, processor seconds and the
bound of each, their difference, and the peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any

import torch

from vaekit import load_run
from vaekit.data.picking import chosen
from vaekit.evaluation.likelihood.bounds import MeanNats
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.models import LatentModel

BLOCK = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    options = parser.parse_args()
    run = load_run(options.run)
    data = run.load_data()
    assert isinstance(run.model, LatentModel)
    test = chosen(data.test, options.images, 0)
    sides: dict[str, Any] = {name: {"seconds": 0.0, "cpu": 0.0, "nats": []} for name in options.precisions}
    for turn, rows in enumerate(torch.arange(len(test)).split(BLOCK)):
        for name in options.precisions if turn % 2 else reversed(options.precisions):
            began, cpu = time.perf_counter(), time.process_time()
            bound = importance_bound(run.model, test.take(rows), options.samples, precision=name, seed=turn)
            sides[name]["seconds"] += time.perf_counter() - began
            sides[name]["cpu"] += time.process_time() - cpu
            sides[name]["nats"].append(bound.per_image)
    bounds = {name: MeanNats.of(torch.cat(side["nats"]), options.samples, 0) for name, side in sides.items()}
    result: dict[str, Any] = {
        name: {
            "seconds": round(side["seconds"], 1),
            "cpu_seconds": round(side["cpu"], 1),
            "nats": round(bounds[name].value, 4),
            "standard_error": bounds[name].standard_error,
        }
        for name, side in sides.items()
    }
    first, *others = bounds.values()
    result["largest_difference_nats"] = max((abs(first.value - other.value) for other in others), default=0.0)
    result["images"], result["samples"] = len(test), options.samples
    result["threads"] = torch.get_num_threads()
    result["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
