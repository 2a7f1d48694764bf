"""The figures and verdicts of a comparison as Markdown, as docs/comparison.md has them.

python benchmarks/comparison_table.py RUN/comparison.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from vaekit.comparison.claims import short
from vaekit.comparison.page import absent
from vaekit.comparison.rows import ROWS, Spread, label
from vaekit.metrics import METRICS


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", type=Path, help="comparison.json")
    numbers = json.loads(parser.parse_args().numbers.read_text(encoding="utf-8"))
    print("\n".join([*figures(numbers), "", *claims(numbers)]))


def figures(numbers: dict[str, Any]) -> list[str]:
    """One row per figure, one column per method, and training images last."""
    methods = numbers["methods"]
    lines = [f"| | {' | '.join(methods)} | training images |", "|---" * (len(methods) + 2) + "|"]
    for name in ROWS:
        if not any(name in found for found in methods.values()):
            continue
        cells = [cell(found[name]) if name in found else absent(name) for found in methods.values()]
        floor = numbers["training_images"].get(name)
        cells.append("" if floor is None else short(Spread(floor, None, 1)))
        metric = METRICS[name]
        unit = f" ({metric.unit})" if metric.unit else ""
        lines.append(f"| {label(name, numbers['binarised'])}{unit} | {' | '.join(cells)} |")
    return lines


def cell(found: dict[str, Any]) -> str:
    return short(Spread(found["mean"], found["standard_deviation"], found["seeds"]))


def claims(numbers: dict[str, Any]) -> list[str]:
    lines = ["| | claim | verdict | because |", "|---|---|---|---|"]
    for claim in numbers["claims"]:
        because = "; ".join(claim["because"]) or claim["missing"]
        verdict = claim["verdict"] or "not judged"
        lines.append(f"| {claim['section']} | {claim['claim']} | **{verdict}** | {because} |")
    return lines


if __name__ == "__main__":
    main()
