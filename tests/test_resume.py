"""A run never gets lost: whatever stops it, resuming ends at the weights of the run left alone, bit for bit."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from toy import SMALL, toy_data
from vaekit import core, load_data, load_run
from vaekit.config.methods import resolve
from vaekit.config.optimizer_parts import OPTIMIZERS
from vaekit.core import RunError, TrainingNote, VaekitWarning
from vaekit.data import Data, Split
from vaekit.models import VAE
from vaekit.models.build import seeded_model
from vaekit.objectives.elbo import ELBO
from vaekit.runs.checkpoints import load_state
from vaekit.runs.files import read_tensors, write_tensors
from vaekit.runs.json_records import sealed
from vaekit.runs.records import read_metrics, read_summary
from vaekit.training.fit import History, fit
from vaekit.training.resume import resume

OPTIONS: dict[str, Any] = {"epochs": 2, "batch_size": 16, "checkpoint_seconds": 0.0, **SMALL}
STEPS = 6  # of a run with these options


@pytest.fixture
def at_points() -> Iterator[Callable[[Callable[[str], None]], None]]:
    """Installs a function that is called at every point that a run passes."""

    def install(action: Callable[[str], None]) -> None:
        core.on_reach = action

    yield install
    core.on_reach = None


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run left alone."""
    folder = tmp_path_factory.mktemp("runs") / "alone"
    train(folder)
    return folder


def train(folder: Path, **options: Any) -> History:
    """As `vaekit train` does: the model's weights come from the seed."""
    settings = resolve("vae", {"data": "toy", "latent_dim": 3, "width": 8})
    model = seeded_model(settings, {"shape": (1, 4, 4), "pixels": "8-bit"})
    return fit(model, ELBO(), toy_data(), out=folder, **OPTIONS | options)


def go_on(folder: Path, **options: Any) -> History:
    return resume(folder, data=toy_data(), progress="none", **options)


def weights(folder: Path) -> dict[str, bytes]:
    return {k: v.numpy().tobytes() for k, v in read_tensors(folder / "model.safetensors")[0].items()}


def assert_equal(folder: Path, alone: Path) -> None:
    assert weights(folder) == weights(alone)
    assert (folder / "metrics.jsonl").read_bytes() == (alone / "metrics.jsonl").read_bytes()
    ours, theirs = (json.loads((f / "summary.json").read_text(encoding="utf-8")) for f in (folder, alone))
    times = dict.fromkeys(("train_seconds", "processor_seconds", "forecast_seconds"), 0)
    assert ours | times == theirs | times
    assert not list(folder.rglob("*.tmp"))


def newest(folder: Path) -> Path:
    return max(folder.glob("checkpoints/*.safetensors"))


# Killed ------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="kills forks of a warm process")
@pytest.mark.parametrize(
    "cases",
    [
        ("all:defaults", "half:without validation", "half:once"),
        ("all:everything", "twice:everything"),
        (
            "half:components",
            "half:own networks",
            "half:seldom",
            "twice:defaults",
            "half:labels",
            "half:steps",
        ),
    ],
)
def test_killed_at_any_point_it_ends_at_the_same_weights(cases: tuple[str, ...], tmp_path: Path) -> None:
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).with_name("killing.py")), str(tmp_path), *cases]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert [line for result in results.values() for line in result["failures"]] == []
    for result in results.values():  # what was passed is what was meant to be
        passed = {point.replace("step-000000000", "first state") for point in result["points"]}
        stages = ("before writing", "half written", "before renaming", "after renaming")
        files = ("config", "previews", "first state", "model", "summary")
        assert {f"{file}: {stage}" for file in files for stage in stages} < passed
        assert {"step", "validation", "finishing", "published"} < passed
    if "all:everything" in results:
        summary = results["all:everything"]["summary"]
        assert "stopped early" in results["all:everything"]["points"]
        assert summary["weights"]["averaged"]
        assert summary["weights"]["epoch"] < summary["epochs"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="kills forks of a warm process")
def test_killed_while_it_is_trained_longer_it_has_ended_as_before_or_is_resumed(tmp_path: Path) -> None:
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).with_name("killing.py")), str(tmp_path), "longer:steps"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["longer:steps"]
    assert result["failures"] == []
    stages = ("before writing", "half written", "before renaming", "after renaming")
    assert {f"{file}: {stage}" for file in ("config", "summary") for stage in stages} < {*result["points"]}
    assert "begun again" in result["points"]


def test_a_process_that_dies_and_one_that_resumes_by_name(tmp_path: Path) -> None:
    """On every platform, through the files alone: nothing is shared but the folder."""
    program = """
import os, sys
from vaekit import core, load_data, load_run
from vaekit.config.methods import resolve
from vaekit.objectives import ELBO
from vaekit.training.fresh import new_model
from vaekit.training.fit import fit
from vaekit.training.resume import resume
folder, how, points = sys.argv[1], sys.argv[2], int(sys.argv[3])
def die(point):
    global points
    points -= 1
    if points == 0:
        os._exit(9)
core.on_reach = die
def train(folder):
    settings = resolve("vae", {"data": "digits", "width": 8, "epochs": 1})
    data = load_data("digits")
    fit(*new_model(settings, data), data, out=folder, epochs=1, checkpoint_seconds=0, device="cpu")
if how == "train":
    train(folder)
else:
    resume(folder)
    train(folder + "-alone")
"""

    def run(how: str, points: int) -> int:
        command = [sys.executable, "-c", program, str(tmp_path / "run"), how, str(points)]
        return subprocess.run(command, check=False).returncode

    assert run("train", 43) == 9
    assert not (tmp_path / "run" / "summary.json").exists()
    assert run("resume", 0) == 0
    assert_equal(tmp_path / "run", tmp_path / "run-alone")


# Interrupted -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_told_to_stop_it_saves_that_step_and_goes_on(step: int, alone: Path, tmp_path: Path) -> None:
    asked = iter([None] * (step - 1) + ["SIGTERM"])
    history = train(tmp_path / "run", should_stop=lambda: next(asked), checkpoint_seconds=1e9)
    assert (history.interrupted, history.summary) == ("SIGTERM", None)
    state = load_state(tmp_path / "run" / "checkpoints")
    assert state is not None
    assert state["step"] == step
    resumed = go_on(tmp_path / "run")
    assert resumed.interrupted is None
    assert resumed.metrics == read_metrics(alone)
    assert_equal(tmp_path / "run", alone)


def test_stopped_after_every_step(alone: Path, tmp_path: Path) -> None:
    history = train(tmp_path / "run", should_stop=lambda: "again", checkpoint_seconds=1e9)
    for _ in range(STEPS - 1):
        assert history.interrupted == "again"
        history = go_on(tmp_path / "run", should_stop=lambda: "again")
    assert history.interrupted == "again"
    assert go_on(tmp_path / "run", should_stop=lambda: "again").interrupted is None
    assert_equal(tmp_path / "run", alone)


@pytest.mark.parametrize("place", ["step", "validation", "model: half written", "finishing"])
def test_an_interrupt_anywhere_gives_the_history(
    place: str, alone: Path, tmp_path: Path, at_points: Any
) -> None:
    def interrupt(point: str) -> None:
        if point == place:
            raise KeyboardInterrupt

    at_points(interrupt)
    history = train(tmp_path / "run")
    core.on_reach = None
    assert history.interrupted == "interrupted"
    assert history.metrics == read_metrics(alone)[: len(history.metrics)]
    assert not list((tmp_path / "run").rglob("*.tmp"))
    go_on(tmp_path / "run")
    assert_equal(tmp_path / "run", alone)


# Disk full ---------------------------------------------------------------------------------------


def writes(folder: Path, at_points: Any) -> list[str]:
    """Names of all points of writing in an undisturbed run, with those of appending."""
    points: list[str] = []
    at_points(points.append)
    train(folder)
    core.on_reach = None
    return [point for point in points if point.endswith((": half written", ": before writing"))]


def test_a_full_disk_at_any_write(alone: Path, tmp_path: Path, at_points: Any) -> None:
    places = writes(tmp_path / "undisturbed", at_points)
    assert len(places) > 2 * 2 * STEPS
    for number in range(len(places)):
        folder, left = tmp_path / f"full-{number}", iter(range(number, -1, -1))

        def full(point: str, left: Iterator[int] = left) -> None:
            if point.endswith((": half written", ": before writing")) and next(left) == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        at_points(full)
        with pytest.raises(RunError, match=r"^cannot write .*: No space left on device") as caught:
            train(folder)
        core.on_reach = None
        assert "\n" not in str(caught.value)
        assert places[number].split(":")[0] in str(caught.value)
        assert not list(tmp_path.rglob("*.tmp"))
        if places[number].startswith(("config", "previews")):
            assert not folder.exists()  # nothing half begun
            continue
        for state in folder.glob("checkpoints/*"):
            read_tensors(state)
        go_on(folder)
        assert_equal(folder, alone)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_metrics_on_a_full_disk(alone: Path, tmp_path: Path) -> None:
    """A device that is really full: what the system says reaches the user as one line."""

    def fill() -> None:
        (tmp_path / "run" / "metrics.jsonl").unlink(missing_ok=True)
        (tmp_path / "run" / "metrics.jsonl").symlink_to("/dev/full")

    with pytest.raises(RunError, match=r"metrics.jsonl: No space left on device"):
        train(tmp_path / "run", should_stop=fill, checkpoint_seconds=1e9)
    (tmp_path / "run" / "metrics.jsonl").unlink()
    go_on(tmp_path / "run")
    assert_equal(tmp_path / "run", alone)


# Damaged -----------------------------------------------------------------------------------------


def interrupted(folder: Path, step: int = 4) -> Path:
    asked = iter([None] * (step - 1) + ["stop"])
    train(folder, should_stop=lambda: next(asked))
    return folder


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    shutil.copy(path.parent.parent / "model.safetensors", path)


@pytest.mark.parametrize("damage", [shorten, empty, foreign])
def test_a_damaged_state_is_set_aside_for_the_one_before(
    damage: Callable[[Path], None], alone: Path, tmp_path: Path
) -> None:
    run = interrupted(tmp_path / "run")
    before, last = sorted(run.glob("checkpoints/*"))
    damage(last)
    with pytest.warns(VaekitWarning, match=rf"{last.name} is .*resuming from {before.name}") as warned:
        go_on(run)
    assert len([one for one in warned if one.category is not TrainingNote]) == 1
    assert last.with_suffix(".damaged").exists()
    assert len(list(run.glob("checkpoints/*.safetensors"))) == 1
    assert_equal(run, alone)


def test_no_whole_state_is_an_error_that_names_the_newest(tmp_path: Path) -> None:
    run = interrupted(tmp_path / "run")
    last = newest(run)
    for path in run.glob("checkpoints/*"):
        shorten(path)
    with pytest.raises(RunError, match=rf"{last.name} is damaged"):
        go_on(run)
    assert newest(run) == last  # nothing was touched


def test_no_states_at_all_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    run = interrupted(tmp_path / "run")
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(RunError, match=r"no states to resume from; train anew: vaekit train vae config="):
        go_on(run)


def test_metrics_longer_than_the_state_are_cut_and_shorter_ones_an_error(alone: Path, tmp_path: Path) -> None:
    run = interrupted(tmp_path / "run")
    metrics = run / "metrics.jsonl"
    whole = metrics.read_bytes()
    metrics.write_bytes(whole[:-20])
    with pytest.raises(RunError, match=r"metrics.jsonl is shorter than it was"):
        go_on(run)
    metrics.write_bytes(whole + b'{"step": 99, "split": "tr')
    go_on(run)
    assert_equal(run, alone)


# What must be the same, and what may differ ------------------------------------------------------


def test_time_between_states_changes_nothing(alone: Path, tmp_path: Path) -> None:
    for seconds in (1e9, 0.003):
        train(tmp_path / str(seconds), checkpoint_seconds=seconds)
        assert_equal(tmp_path / str(seconds), alone)


def test_a_finished_run_is_left_as_it_is(alone: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in alone.rglob("*")}
    history = go_on(alone)
    assert history.summary == read_summary(alone)
    assert history.metrics[-1].split == "test"
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in alone.rglob("*")} == before


def test_other_images_are_refused(tmp_path: Path) -> None:
    run = interrupted(tmp_path / "run")
    with pytest.raises(RunError, match="have changed since this run began"):
        resume(run, data=toy_data(fingerprint="other"), progress="none")


def test_an_array_in_memory_is_asked_for_again(tmp_path: Path) -> None:
    run = interrupted(tmp_path / "run")
    with pytest.raises(RunError, match="array in memory; pass the array again"):
        resume(run, progress="none")


def test_other_versions_are_said(tmp_path: Path, alone: Path) -> None:
    run = interrupted(tmp_path / "run")
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    config["versions"]["torch"] = "1.0"
    (run / "config.json").write_text(json.dumps(sealed(config)), encoding="utf-8")
    with pytest.warns(VaekitWarning, match=rf"torch 1.0 -> {re.escape(torch.__version__)}.*bit for bit"):
        go_on(run)
    assert_equal(run, alone)


def test_a_model_made_in_python_goes_on_from_its_state_and_not_from_other_weights(
    tmp_path: Path, at_points: Any
) -> None:
    """The state of step 0 has the weights that the user's model had; without it there is no way back."""

    def model() -> VAE:
        torch.manual_seed(1234)
        return VAE((1, 4, 4), 3, width=8)

    def interrupt(point: str) -> None:
        if point == places[0]:
            raise KeyboardInterrupt

    at_points(interrupt)
    places = [""]
    fit(model(), ELBO(), toy_data(), out=tmp_path / "alone", **OPTIONS)
    places = ["step-000000000: after renaming"]
    fit(model(), ELBO(), toy_data(), out=tmp_path / "after", **OPTIONS)
    places = ["step-000000000: before writing"]
    fit(model(), ELBO(), toy_data(), out=tmp_path / "before", **OPTIONS)
    core.on_reach = None
    go_on(tmp_path / "after")
    assert_equal(tmp_path / "after", tmp_path / "alone")
    with pytest.raises(
        RunError, match="no state yet, and its model did not begin with the weights of its seed"
    ):
        go_on(tmp_path / "before")


def test_a_file_named_by_a_relative_path_is_found_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    images = (np.random.default_rng(0).random((60, 9, 8)) * 255).astype(np.uint8)
    np.savez("own.npz", images=images, labels=np.arange(60) % 3)
    data = load_data("own.npz", layout="NHW", validation=0.2)
    options: dict[str, Any] = OPTIONS | {"epochs": 1}
    for name, stop in (("alone", None), ("stopped", "stop")):
        torch.manual_seed(2)
        model = VAE(data.shape, 2, width=8, pixels=data.pixels)
        fit(model, ELBO(), data, out=tmp_path / name, should_stop=lambda stop=stop: stop, **options)
    monkeypatch.chdir(tmp_path / "there")
    resume(Path("../stopped"), progress="none")
    assert_equal(tmp_path / "stopped", tmp_path / "alone")


def test_every_optimizer_goes_on_from_its_state(tmp_path: Path) -> None:
    for name in OPTIMIZERS:
        run, options = tmp_path / name, {"optimizer": name, "learning_rate": 1e-3, "weight_decay": 0.01}
        asked = iter([None, None, None, "stop"])
        train(tmp_path / f"{name} alone", **options)
        train(run, should_stop=lambda asked=asked: next(asked), **options)
        go_on(run)
        assert_equal(run, tmp_path / f"{name} alone")


def test_a_run_from_when_muon_took_every_matrix_is_resumed_so(tmp_path: Path) -> None:
    """Its config.json does not have the option; the rest of it is that of a run with the option, to the bit."""
    for name, options in (("alone", {}), ("old", {"should_stop": iter([None, None, None, "stop"]).__next__})):
        train(tmp_path / name, optimizer="muon", learning_rate=1e-2, every_matrix=True, **options)
    train(tmp_path / "hidden", optimizer="muon", learning_rate=1e-2)
    path = tmp_path / "old" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    assert config["settings"].pop("every_matrix") is True
    del config["checksum"]  # of before there was one
    path.write_text(json.dumps(config), encoding="utf-8")
    go_on(tmp_path / "old")
    assert weights(tmp_path / "old") == weights(tmp_path / "alone")
    assert weights(tmp_path / "hidden") != weights(tmp_path / "alone")


def test_a_run_from_before_there_were_units_is_resumed_in_its_own(tmp_path: Path) -> None:
    """Its files have no units: values stay as they are to the end, averaged weights and best ones too."""
    rows = torch.randn(60, 3, generator=torch.Generator().manual_seed(0)) + 5
    data = Data("rows", Split(rows[:40]), Split(rows[40:50]), Split(rows[50:]), "real")
    model = VAE((3,), 2, "mlp", pixels="real", width=4, init="random")
    stops = iter([None, None, None, "asked"])
    fit(model, ELBO(), data, out=tmp_path / "r", average=0.9, should_stop=lambda: next(stops), **OPTIONS)
    for path in (tmp_path / "r").rglob("*.safetensors"):
        tensors, header = read_tensors(path)
        kept = {name: tensor for name, tensor in tensors.items() if "units." not in name}
        assert len(kept) < len(tensors)
        write_tensors(path, kept, without_units(header))
    resume(tmp_path / "r", data=data, progress="none")
    again = load_run(tmp_path / "r").model
    assert again.units is not None and not again.units.given
    assert torch.equal(again.check_images(rows), rows)


def without_units(packed: Any) -> Any:
    """A header in which no tensor of units is named."""
    if isinstance(packed, dict):
        if "items" in packed and isinstance(packed["items"], list):
            items = [
                [key, without_units(value)] for key, value in packed["items"] if "units." not in str(key)
            ]
            return packed | {"items": items}
        return {key: without_units(value) for key, value in packed.items()}
    return [without_units(value) for value in packed] if isinstance(packed, list) else packed
