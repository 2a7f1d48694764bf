"""The plan of a comparison: checked before any training, written down, and kept when it is resumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaekit.comparison.budget import Cost, steps_within, time_all
from vaekit.comparison.decided import decide
from vaekit.comparison.wish import Request, prior_options, settings_of, wants_prior
from vaekit.config import options as s
from vaekit.core import RunError, counted
from vaekit.data import Data
from vaekit.runs.files import check_empty, check_writable, next_folder, read_json, write_json, writing
from vaekit.runs.json_records import read_record
from vaekit.runtime.device import choose_device
from vaekit.training.fresh import new_model

PLAN = "plan.json"
Length = dict[str, int]  # {"steps": 800} or {"epochs": 20}


@dataclass(frozen=True)
class Plan:
    """A request, and what it comes to on these data.

    Attributes:
        wish: the request.
        fingerprint: of the data.
        lengths: of each method.
        prior_lengths: of the prior, of each method whose latents get one.
        decided: options that the data decide, by method.
        costs, prior_costs: as they were measured for the budget; empty where equal lengths were asked for.
    """

    wish: Request
    fingerprint: str
    lengths: dict[str, Length]
    prior_lengths: dict[str, Length] = field(default_factory=dict)
    decided: dict[str, dict[str, Any]] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    prior_costs: dict[str, Cost] = field(default_factory=dict)

    def settings(self, method: str, seed: int) -> s.Settings:
        """Settings of a sub-run."""
        return settings_of(self.wish, method, {**self.decided[method], **self.lengths[method], "seed": seed})

    def prior_options(self, method: str, seed: int) -> dict[str, Any]:
        """Options of the prior of a sub-run's latents."""
        return prior_options(self.wish) | self.prior_lengths[method] | {"seed": seed}

    def as_dict(self) -> dict[str, Any]:
        """The content of plan.json."""
        return {"format": s.FORMAT} | dataclasses.asdict(self) | {"wish": self.wish.as_dict()}

    @property
    def names(self) -> list[tuple[str, str, int]]:
        """(folder, method, seed) of every sub-run, in the order in which they are run: seed after seed."""
        return [
            (f"{method}-{seed}", method, seed) for seed in self.wish.seeds for method in self.wish.methods
        ]

    def described(self, method: str) -> str:
        """Returns the length of a method's sub-runs: `812 steps + 400 of its prior`."""
        own = "".join(counted(n, name.removesuffix("s")) for name, n in self.lengths[method].items())
        prior = "".join(f" + {n:,} of its prior" for n in self.prior_lengths.get(method, {}).values())
        return own + prior


@dataclass(frozen=True)
class KeptPlan:
    """plan.json as it lies in a folder: a Plan whose request is not interpreted, only compared."""

    format: int
    wish: Mapping[str, Any]
    fingerprint: str
    lengths: dict[str, Length]
    prior_lengths: dict[str, Length]
    decided: dict[str, dict[str, Any]]
    costs: dict[str, Cost]
    prior_costs: dict[str, Cost]


def make_plan(wish: Request, data: Data, folder: Path) -> Plan:
    """The plan that lies in the folder, or a new one, written there.

    Raises:
        InputError: the folder holds something else, the data changed, an option does not fit a method
            or the data, or the budget is too short for one step.
    """
    if (folder / PLAN).exists():
        return _kept(wish, data, folder)
    check_place(folder)
    for method in wish.methods:
        settings = settings_of(wish, method, {"seed": wish.seeds[0]})
        choose_device(settings.fit.device)
        new_model(settings, data)
    plan = new_plan(wish, data)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PLAN, plan.as_dict(), new=True)
    return plan


def new_plan(wish: Request, data: Data) -> Plan:
    """The plan of a request on these data.

    Raises:
        SettingError: its budget is too short.
    """
    decided = decide(wish, data)
    two = [method for method in wish.methods if wants_prior(method)]
    if wish.budget is not None:
        return timed_plan(wish, data, decided, two)
    lengths = dict.fromkeys(wish.methods, wish.length)
    return Plan(wish, data.fingerprint, lengths, dict.fromkeys(two, wish.length), decided)


def timed_plan(wish: Request, data: Data, decided: dict[str, dict[str, Any]], two: Sequence[str]) -> Plan:
    """The plan for a budget, which methods with a prior (`two`) share with it.

    Raises:
        SettingError: it is too short for one step of each.
    """
    assert wish.budget is not None
    settings = {method: settings_of(wish, method, own) for method, own in decided.items()}
    costs, prior_costs = time_all(wish, settings, data, two)
    lengths, prior_lengths = {}, {}
    for method, cost in costs.items():
        own, prior = steps_within(wish.budget, method, cost, prior_costs.get(method))
        lengths[method] = {"steps": own}
        if method in two:
            prior_lengths[method] = {"steps": prior}
    return Plan(wish, data.fingerprint, lengths, prior_lengths, decided, costs, prior_costs)


def find_folder(wish: Request, source: str) -> Path:
    """The default of `out`: an unfinished comparison of this very request, else the next free name."""

    def mine(folder: Path) -> bool:
        unfinished = (folder / PLAN).exists() and not (folder / "comparison.html").exists()
        return unfinished and read_json(folder / PLAN).get("wish") == wish.as_dict()

    return next_folder(f"compare-{Path(source).stem or 'data'}", mine)


def check_place(folder: Path) -> None:
    """Raises RunError where no comparison can be written, nor one be resumed, before any work is done for it."""
    if not (folder / PLAN).exists():
        check_empty(folder)
    check_writable(folder / PLAN)


def _kept(wish: Request, data: Data, folder: Path) -> Plan:
    """Reads the plan of a comparison that is resumed."""
    path = folder / PLAN
    content = read_json(path)
    s.check_format(content, str(path))
    kept = read_record(KeptPlan, content, path)
    if kept.wish != wish.as_dict():
        differing = [name for name, value in wish.as_dict().items() if kept.wish.get(name) != value]
        raise RunError(
            f"out='{folder}': another comparison is there (its {' and '.join(differing)} differ); "
            "give its options again, or name a new folder."
        )
    if kept.fingerprint != data.fingerprint:
        raise RunError(f"out='{folder}': the images of {data.source} have changed since it began.")
    of_data = {
        each.name: getattr(kept, each.name) for each in dataclasses.fields(Plan) if each.name != "wish"
    }
    return Plan(wish, **of_data)
