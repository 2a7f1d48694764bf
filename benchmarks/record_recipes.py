"""Measures recipes and stores the results in them, for `vaekit reproduce` to judge by.

    python benchmarks/record_recipes.py recipes/digits_vae.json --seeds 10 --figures negative_elbo_nats nll_nats

Trains and evaluates as the recipe says, once for each of the seeds 0, 1, ... as `vaekit reproduce` does, and writes into the
file each figure's mean over the seeds with its standard errors, the hardware, the versions, the date and the median of the
seconds: of the clock, or, where torch has one thread, those of the processor, which are the same where nobody else uses it.
Without --figures the figures are those that the file has already.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from vaekit.core import SettingError, near_miss
from vaekit.reproduction.judging import DECIDED
from vaekit.reproduction.recipe_files import read_recipe
from vaekit.reproduction.rerun import Rerun, rerun
from vaekit.runs.json_records import as_json

KEPT = ("vaekit", "python", "torch", "numpy", "platform")
ALWAYS = ("parameters", "steps")  # equal for every seed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipes", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from 0")
    parser.add_argument("--figures", nargs="+", help="keys of METRICS (default: those that the file has)")
    options = parser.parse_args()
    for path in options.recipes:
        with tempfile.TemporaryDirectory() as out:
            record(path, options.seeds, options.figures, Path(out))


def record(path: Path, seeds: int, figures: list[str] | None, out: Path) -> None:
    """Measures one recipe and writes its result into its file."""
    recipe = read_recipe(path)
    keys = figures or ([] if recipe.result is None else [*recipe.result.figures])
    runs, seconds = [], []
    for seed in range(seeds):
        began = time.process_time()
        run = rerun(recipe, seed, out / f"seed-{seed}", "auto", lambda: None, lambda line: None)
        assert isinstance(run, Rerun)
        runs.append(run)
        alone = run.hardware.device == "cpu" and run.hardware.threads == 1
        seconds.append(time.process_time() - began if alone else run.seconds)
        print(
            path.stem,
            seed,
            {key: round(run.figures[key].value, 4) for key in keys if key in run.figures},
            flush=True,
        )
    content = json.loads(path.read_text(encoding="utf-8"))
    content["result"] = result_of(runs, seconds, keys, content.get("result", {}).get("otherwise"))
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    read_recipe(path)


def result_of(
    runs: list[Rerun], seconds: list[float], keys: list[str], otherwise: dict[str, Any] | None
) -> dict[str, Any]:
    """The JSON object of a result: of runs with the seeds 0, 1, ..."""
    found = {key: figure_of(key, runs) for key in dict.fromkeys([*keys, *ALWAYS])}
    first = runs[0]
    values = {
        "figures": found,
        "seeds": [*range(len(runs))],
        "hardware": as_json(first.hardware),
        "versions": {name: first.versions[name] for name in KEPT},
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seconds": rounded(statistics.median(seconds)),
        "data": first.data,
    }
    return values if otherwise is None else values | {"otherwise": otherwise}


def figure_of(key: str, runs: list[Rerun]) -> dict[str, Any]:
    """A figure's mean over the runs, with its errors.

    Raises:
        SettingError: no run has it.
    """
    if key not in runs[0].figures:
        raise SettingError(
            f"no figure {key!r}.{near_miss(key, runs[0].figures)} There are: {', '.join(runs[0].figures)}."
        )
    values = [run.figures[key].value for run in runs]
    if key in DECIDED:
        assert len(set(values)) == 1, f"{key} must be decided by the settings: {values}"
        return {"value": values[0]}
    errors = [run.figures[key].error for run in runs]
    stored: dict[str, Any] = {"value": rounded(statistics.mean(values))}
    if None not in errors:
        stored["standard_error_over_images"] = rounded(statistics.mean(e for e in errors if e is not None))
    if len(values) > 1:
        stored["standard_error_over_seeds"] = rounded(statistics.stdev(values) / math.sqrt(len(values)))
        stored["values"] = [rounded(value, 10) for value in values]
    return stored


def rounded(value: float, digits: int = 6) -> float:
    """So many significant digits."""
    return float(f"{value:.{digits}g}")


if __name__ == "__main__":
    main()
