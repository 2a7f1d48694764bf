"""`sweep`: a run for each combination of some options' values, and which of them is best on validation."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from vaekit.config.methods import METHODS, find_method, resolve
from vaekit.config.options import FORMAT, Settings, check_format
from vaekit.config.run_length import with_layer
from vaekit.core import RunError, SettingError, TrainingError, choose, counted, near_miss
from vaekit.data import Data, load_data
from vaekit.plain_files import utf8
from vaekit.runs.files import check_empty, check_writable, read_json, write_json, writing
from vaekit.runs.frames import MAIN
from vaekit.runs.outputs import write_file
from vaekit.runs.records import Summary, has_begun
from vaekit.training.history import History
from vaekit.training.progress import Progress
from vaekit.training.resume import resume
from vaekit.training.train import train

PLAN, TABLE, PLOT = "sweep.json", "sweep.csv", "sweep.png"
NOT_SWEPT = ("seed", "device", "log")


@dataclass(frozen=True)
class Cell:
    """One combination of values.

    Attributes:
        values: of the options of the grid.
        runs: a folder for each seed.
        validation, test: the figure of each run on these splits; None where it has none.
        failed: why a training failed; "" where none did.
    """

    values: Mapping[str, Any]
    runs: tuple[Path, ...]
    validation: tuple[float | None, ...] = ()
    test: tuple[float | None, ...] = ()
    failed: str = ""

    @property
    def value(self) -> float:
        """The mean over the seeds of the figure on validation, by which cells are sorted; infinite where a run has none."""
        found = [value for value in self.validation if value is not None]
        return mean(found) if found and len(found) == len(self.runs) else float("inf")


@dataclass(frozen=True)
class Sweep:
    """A sweep as far as it came.

    Attributes:
        out: its folder, with a run folder for each cell and seed.
        cells: the best on validation first; in the order of the grid where the sweep was interrupted.
        figure: key of METRICS by which they are sorted: negative_elbo_nats where the method has it.
        interrupted: why it ended early, or None; the same call resumes it.
        table, plot: files; None where it was interrupted, and the plot where matplotlib is missing.
        notes: what keeps cells from being compared, one line each.

    Example:
        >>> vaekit.sweep("vae", "digits", grid={"latent_dim": [2, 3]}, out="runs/sizes", steps=5).best.values.keys()
        dict_keys(['latent_dim'])
    """

    out: Path
    cells: tuple[Cell, ...]
    figure: str = MAIN[0]
    interrupted: str | None = None
    table: Path | None = None
    plot: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Cell:
        """The cell with the lowest figure on validation."""
        return self.cells[0]


def sweep(
    method: str,
    data: object,
    *,
    grid: Mapping[str, Sequence[Any]],
    out: str | Path,
    seeds: int = 1,
    progress: str | bool | Progress = "auto",
    should_stop: Callable[[], str | None] | None = None,
    tell: Callable[[str], object] = lambda line: None,
    **options: Any,
) -> Sweep:
    """Trains a method with every combination of some options' values, and sorts them by −ELBO on validation images.

    All values are checked before anything is trained. What an earlier call with the same arguments has done is not
    repeated; a run that was interrupted is resumed. Test figures are in the table, and nothing is chosen by them.

    Args:
        method: key of METHODS.
        data: a source as in `load_data`, an array, or a data set that is loaded already.
        grid: option -> its values, `{"beta": [1, 4], "latent_dim": [5, 10]}`; not of the data.
        out: folder, new or of this very sweep.
        seeds: runs of each combination, from `seed` of the options on.
        progress, should_stop, tell: as in `train`.
        options: of data, model, objective and training, as in `train`, that all runs share.

    Returns:
        The cells, sorted, and the files; or how far it came.

    Raises:
        SettingError: no such option, a value that does not fit, or data without validation images.
        DataError: data that cannot be used.
        RunError: `out` holds something else, or cannot be written.

    Example:
        >>> found = vaekit.sweep("vae", "digits", grid={"beta": [1, 4]}, out="runs/betas", steps=5)
        >>> len(found.cells)
        2
    """
    named = data.source if isinstance(data, Data) else str(data) if isinstance(data, str | Path) else "array"
    settings = check_grid(method, named, grid, seeds, options)
    folder = Path(out)
    plain = {name: list(map(_plain, values)) for name, values in grid.items()}
    shared = {name: _plain(value) for name, value in options.items()}
    wish = {"method": method, "data": named, "grid": plain, "seeds": seeds, "options": shared}
    _begin(folder, {"format": FORMAT, **wish})
    first = settings.fit.seed
    cells = [
        Cell(values, _runs(folder, number, values, range(first, first + seeds)))
        for number, values in enumerate(combinations(grid), 1)
    ]
    tell(
        f"{counted(len(cells), 'combination')} of {' and '.join(grid)}, {counted(seeds, 'seed')} each, in {folder}"
    )
    done: list[tuple[Cell, list[Summary]]] = []
    for cell in cells:
        ended: list[Summary] = []
        for seed, run in enumerate(cell.runs, first):
            asked = {"progress": progress, "should_stop": should_stop}
            try:
                history = _trained(
                    method, data, run, {**with_layer(options, cell.values), "seed": seed}, asked, tell
                )
            except TrainingError as error:
                cell = replace(cell, failed=str(error))
                continue
            if history.interrupted or history.summary is None:
                return Sweep(folder, tuple(cells), interrupted=history.interrupted or "stopped")
            ended.append(history.summary)
        done.append((cell, ended))
    return _written(folder, done)


def combinations(grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values, the last option changing first."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def check_grid(
    method: str, source: str, grid: Mapping[str, Sequence[Any]], seeds: int, options: Mapping[str, Any]
) -> Settings:
    """The settings that all runs share.

    Raises:
        SettingError: an option that the method does not have or that cannot be swept, no or equal values, or one that does not
            fit, alone or with the others.
    """
    choose(method, METHODS, "method")
    entry = find_method(method)
    own = [name for name in entry.options() if name not in (*entry.data_options.names(), *NOT_SWEPT)]
    if not grid:
        raise SettingError("grid is empty: name an option and its values, beta and 1, 4 say.", "grid")
    for name, values in grid.items():
        if name not in own:
            raise SettingError(f"grid: a {method} has no {name!r} to sweep.{near_miss(name, own)}", "grid")
        if isinstance(values, str) or not len(values):
            raise SettingError(f"grid: {name} needs a list of values, not {values!r}.", "grid")
        if name in options:
            raise SettingError(f"grid: {name} is given beside it too; leave one of them.", "grid")
        if len({str(value) for value in values}) < len(values):
            raise SettingError(f"grid: {name} has a value twice.", "grid")
    if seeds < 1:
        raise SettingError(f"seeds={seeds}: must be at least 1.", "seeds")
    if options.get("validation") == 0:
        raise SettingError("a sweep chooses on validation images; validation=0 keeps none.", "validation")
    for values in combinations(grid):
        resolve(method, options, values, {"data": source}, where="")
    return resolve(method, options, {"data": source}, where="")


def _runs(folder: Path, number: int, values: Mapping[str, Any], seeds: range) -> tuple[Path, ...]:
    words = "-".join(f"{name}-{value}" for name, value in values.items())
    stem = f"{number:02}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', words)[:80]}"
    return tuple(folder / f"{stem}-seed-{seed}" for seed in seeds)


def _plain(value: Any) -> Any:
    """A value as JSON keeps it; of an object its text."""
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    """Writes down what is asked for, or finds that it is what was."""
    path = folder / PLAN
    if not path.exists():
        check_empty(folder)
        check_writable(path)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_json(path, plan, new=True)
        return
    kept = read_json(path)
    check_format(kept, str(path))
    if differing := [name for name in plan if kept.get(name) != plan[name]]:
        raise RunError(
            f"out='{folder}': another sweep is there (its {' and '.join(differing)} differ); name a new folder."
        )


def _trained(
    method: str,
    data: object,
    run: Path,
    options: dict[str, Any],
    asked: dict[str, Any],
    tell: Callable[[str], object],
) -> History:
    """A run that has ended, one that is resumed, or a new one."""
    if not has_begun(run):
        return train(method, data, out=run, tell=tell, **asked, **options)
    given = None if isinstance(data, str | Path) else data if isinstance(data, Data) else load_data(data)
    return resume(run, data=given, **asked)


def _written(folder: Path, done: Sequence[tuple[Cell, Sequence[Summary]]]) -> Sweep:
    """The sorted cells, their table and plot."""
    every = [summary for _, ended in done for summary in ended]
    if any(summary.validation is None for summary in every):
        raise SettingError("a sweep chooses on validation images, and these data have none.", "validation")
    figures = [dict(summary.validation or ()) for summary in every]
    figure = next((name for name in MAIN if figures and all(name in each for each in figures)), MAIN[-1])
    cells = []
    for cell, ended in done:
        splits = [(dict(summary.validation or ()), dict(summary.test or ())) for summary in ended]
        validation, test = (tuple(split[place].get(figure) for split in splits) for place in (0, 1))
        cells.append(replace(cell, validation=validation, test=test))
    cells.sort(key=lambda cell: cell.value)
    kinds = dict.fromkeys(str(summary.likelihood) for summary in every)
    notes = (
        [f"likelihoods differ ({', '.join(kinds)}): their nats are of different things"]
        if len(kinds) > 1
        else []
    )
    found = Sweep(folder, tuple(cells), figure, table=folder / TABLE, notes=tuple(notes))
    write_file(folder / TABLE, utf8(_table(found)))
    try:
        from vaekit.plots.sweep_plot import sweep_plot
    except ImportError:
        return replace(
            found, notes=(*found.notes, "no plot: it needs matplotlib, pip install 'vaekit[plots]'")
        )
    points = [
        (cell.values, [value for value in cell.validation if value is not None]) for cell in found.cells
    ]
    write_file(folder / PLOT, sweep_plot(points, figure))
    return replace(found, plot=folder / PLOT)


def _table(found: Sweep) -> str:
    """The cells as CSV: values, mean of the figure on validation and on test, and each run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(found.cells[0].values)
    writer.writerow([*names, f"validation_{found.figure}", f"test_{found.figure}", "runs", "failed"])
    for cell in found.cells:
        test = [value for value in cell.test if value is not None]
        means = [cell.value if cell.value < float("inf") else "", mean(test) if test else ""]
        folders = " ".join(run.name for run in cell.runs)
        writer.writerow([*cell.values.values(), *means, folders, cell.failed])
    return text.getvalue()
