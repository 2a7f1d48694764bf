"""The figures and verdicts of a comparison as Markdown, as docs/comparison.md has them.

python benchmarks/comparison_table.py RUN/comparison.json                           # prints them
python benchmarks/comparison_table.py RUN/comparison.json --into docs/comparison.md  # puts them between its marks
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

from vaekit.comparison.claims import short
from vaekit.comparison.page import absent
from vaekit.comparison.rows import ROWS, Spread, Table, label, metric_in, tabulate
from vaekit.core import counted
from vaekit.metrics import METRICS

MARK = "<!-- {}: benchmarks/comparison_table.py -->"  # before and after each part in the document
VERDICTS = {
    "holds": "hold",
    "depends": "depend",
    "does not hold here": "do not hold here",
    None: "were not judged",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", type=Path, help="comparison.json")
    parser.add_argument("--into", type=Path, help="document with the marks, whose parts are replaced")
    options = parser.parse_args()
    numbers = json.loads(options.numbers.read_text(encoding="utf-8"))
    parts = {
        "figures": [*about(numbers), "", *figures(numbers)],
        "claims": [tally(numbers), "", *claims(numbers)],
    }
    if options.into is None:
        print("\n\n".join("\n".join(lines) for lines in parts.values()))
        return
    text = options.into.read_text(encoding="utf-8")
    for name, lines in parts.items():
        text = between(text, MARK.format(name), "\n".join(lines))
    options.into.write_text(text, encoding="utf-8")


def between(text: str, mark: str, content: str) -> str:
    """The text with other content between two marks.

    Raises:
        SystemExit: there are not two of them.
    """
    if text.count(mark) != 2:
        raise SystemExit(
            f"two lines {mark} are needed, before and after the part; there are {text.count(mark)}."
        )
    before, _, after = text.split(mark)
    return f"{before}{mark}\n{content}\n{mark}{after}"


def about(numbers: dict[str, Any]) -> list[str]:
    """What each run had, and what it spent."""
    wish = numbers["wish"]
    seeds, budget = len(wish["seeds"]), wish["budget"]
    length = {name: wish[name] for name in ("epochs", "steps") if wish[name] is not None}
    had = "".join(f"{count:,} {name} each" for name, count in length.items())
    had = f"{budget:g} s of processor time each" if budget else had
    means = []
    for method, runs in numbers["runs"].items():
        spent = [run["figures"]["processor_seconds"] for run in runs.values() if "figures" in run]
        if spent:
            means.append(f"{method} {statistics.fmean(spent):.0f} s")
    return [
        f"{counted(seeds, 'seed')}, {had}; spent: {', '.join(means)}. Means over the seeds ± standard deviation, "
        f"the best mean in bold; {numbers['images']:,} samples, features {numbers['features']}."
        + (f" {numbers['withheld']}" if numbers["withheld"] else "")
    ]


def table_of(numbers: dict[str, Any]) -> Table:
    """The table of the records that the file holds."""
    return tabulate(numbers["runs"], numbers["wish"]["budget"])


def figures(numbers: dict[str, Any]) -> list[str]:
    """One row per figure, one column per method, and training images last; where midpoints are compared without
    any model, the row after them says so."""
    table, floor = table_of(numbers), numbers["training_images"]
    lines = [f"| | {' | '.join(table.methods)} | training images |", "|---" * (len(table.methods) + 2) + "|"]
    for name in ROWS:
        if not any(name in found for found in table.figures.values()):
            continue
        best = table.best(name)
        cells = [cell(table.get(method, name), method in best, absent(name)) for method in table.methods]
        cells.append(short(Spread(floor[name], None, 1)) if name in floor else "")
        metric = metric_in(name, table)
        unit = f" ({metric.unit})" if metric.unit else ""
        lines.append(f"| {label(name, table)}{unit} | {' | '.join(cells)} |")
    for name in (name for name in floor if name.startswith("blend_")):
        cells = [*[""] * len(table.methods), short(Spread(floor[name], None, 1))]
        unit = f" ({METRICS[name].unit})" if METRICS[name].unit else ""
        lines.append(f"| {METRICS[name].label} of test images{unit} | {' | '.join(cells)} |")
    return lines


def cell(found: Spread | None, best: bool, otherwise: str) -> str:
    if found is None:
        return otherwise
    mean, sign, deviation = short(found).partition(" ± ")
    return (f"**{mean}**" if best else mean) + sign + deviation


def tally(numbers: dict[str, Any]) -> str:
    """How many claims hold, depend and do not hold."""
    counts = Counter(claim["verdict"] for claim in numbers["claims"])
    listed = ", ".join(f"{counts[verdict]} {words}" for verdict, words in VERDICTS.items() if counts[verdict])
    return f"**Of {len(numbers['claims'])} claims of the lesson** {listed}:"


def claims(numbers: dict[str, Any]) -> list[str]:
    lines = ["| | claim | verdict | because |", "|---|---|---|---|"]
    for claim in numbers["claims"]:
        because = "; ".join(claim["because"]) or claim["missing"]
        verdict = claim["verdict"] or "not judged"
        lines.append(f"| {claim['section']} | {claim['claim']} | **{verdict}** | {because} |")
    return lines


if __name__ == "__main__":
    main()
