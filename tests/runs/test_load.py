"""The run folder: what is written into it, and what is said when it cannot be read."""

from __future__ import annotations

import errno
import json
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import vaekit
from toy import SMALL, no_images, toy_data
from vaekit import core, load_data
from vaekit.config.methods import resolve
from vaekit.config.options import FitSettings, read_config
from vaekit.config.schedule_parts import LinearRate
from vaekit.core import DataError, RunError, SettingError
from vaekit.data import Data
from vaekit.models import AE, VAE
from vaekit.objectives.elbo import ELBO
from vaekit.objectives.nll import Reconstruction
from vaekit.runs import write as runfolder
from vaekit.runs.files import read_tensors, write_tensors
from vaekit.runs.json_records import sealed
from vaekit.runs.load import load_run, settings_of
from vaekit.runs.records import read_run_config
from vaekit.training.fit import History, fit
from vaekit.training.fresh import new_model

OPTIONS: dict[str, Any] = {"epochs": 2, "batch_size": 16, "learning_rate": 4e-3, "seed": 4, **SMALL}


def train(folder: Path, data: Data | None = None, **options: Any) -> History:
    torch.manual_seed(0)
    data = data or toy_data(class_names=["rows", "columns"], fingerprint="f1")
    model = VAE(data.shape, 3, width=8, pixels=data.pixels)
    return fit(model, ELBO(beta=2.0, kl_warmup=0.5), data, out=folder, **OPTIONS | options)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("runs") / "a run with ümläuts"
    train(folder)
    return folder


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    import shutil

    return shutil.copytree(run, tmp_path / "copy")


@pytest.fixture(autouse=True)
def no_points() -> Iterator[None]:
    yield
    core.on_reach = None


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def change(folder: Path, action: Callable[[dict[str, Any]], object]) -> None:
    config = read(folder / "config.json")
    action(config)
    (folder / "config.json").write_text(json.dumps(sealed(config)), encoding="utf-8")


# What is written ---------------------------------------------------------------------------------


def test_the_folder_holds_what_the_design_says(run: Path) -> None:
    assert sorted(os.listdir(run)) == [
        "checkpoints",
        "config.json",
        "metrics.jsonl",
        "model.safetensors",
        "previews.npz",
        "summary.json",
    ]


def test_config(run: Path) -> None:
    config = read(run / "config.json")
    assert list(config) == ["format", "settings", "data", "initial_weights", "versions", "checksum"]
    assert config["settings"]["method"] == "vae"
    assert config["settings"]["network"] == "mlp"  # resolved, not "auto"
    assert config["settings"]["likelihood"] == "gaussian-optimal"
    assert (config["settings"]["beta"], config["settings"]["kl_warmup"]) == (2.0, 0.5)
    assert config["data"] == {
        "source": "toy",
        "path": None,
        "shape": [1, 4, 4],
        "pixels": "8-bit",
        "dynamic": False,
        "class_names": ["rows", "columns"],
        "classes": 2,
        "images": {"train": 40, "validation": 12, "test": 10},
        "fingerprint": "f1",
        "notes": [],
    }
    versions = config["versions"]
    assert (versions["torch"], versions["vaekit"]) == (torch.__version__, vaekit.__version__)
    assert (versions["python"], versions["device"]) == (platform.python_version(), "cpu")


def test_a_config_gives_the_same_settings_again(run: Path) -> None:
    settings = resolve("vae", read_config(str(run / "config.json")))
    assert settings == load_run(run).settings
    assert settings == settings_of(run, read_run_config(run))
    given = {name: value for name, value in OPTIONS.items() if name != "progress"}
    assert settings.fit == FitSettings(**given, schedule=LinearRate(warmup=0))  # a twentieth of six steps
    assert settings.objective.flat() == ELBO(beta=2.0, kl_warmup=0.5).arguments
    assert (settings.model.latent_dim, settings.model.network.width) == (3, 8)


def test_a_config_trains_to_the_same_weights(tmp_path: Path) -> None:
    """What `vaekit train --config RUN/config.json` does."""
    first = resolve("vae", {"data": "digits", "width": 8, "epochs": 1, "seed": 6, "device": "cpu"})
    for number, settings in enumerate((first, None)):
        path = tmp_path / "0" / "config.json"
        settings = settings or resolve("vae", read_config(str(path)))
        data = load_data(**settings.data.flat())
        model, objective = new_model(settings, data)
        fit(model, objective, data, out=tmp_path / str(number), progress="none", options=settings.fit)
    weights = [read_tensors(tmp_path / name / "model.safetensors")[0] for name in "01"]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    configs = [read(tmp_path / name / "config.json") for name in "01"]
    assert configs[0] == configs[1]


def test_summary(run: Path) -> None:
    summary = read(run / "summary.json")
    assert list(summary) == [
        "method", "likelihood", "data", "parameters", "epochs", "steps", "stopped_early", "train_seconds",
        "device", "precision", "weights", "test", "validation", "notes", "processor_seconds",
    ]  # fmt: skip
    assert summary["method"] == "vae"
    assert summary["weights"]["which"] == "best"
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    (test,) = [line for line in lines if line["split"] == "test"]
    learned = {"explained_variance", "sample_variance"}  # measured afterwards, of up to 256 images
    terms = {key: value for key, value in summary["test"].items() if key not in {"images", *learned}}
    assert terms.items() < test.items()
    assert learned < summary["test"].keys()
    best = min((line for line in lines if line["split"] == "validation"), key=lambda line: line["loss_nats"])
    assert best["epoch"] == summary["weights"]["epoch"]
    assert summary["validation"]["loss_nats"] == best["loss_nats"]
    assert "kl_nats_by_dimension" not in summary["test"]


def test_metrics_have_step_epoch_split_and_units(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    where = [(line["step"], line["epoch"], line["split"]) for line in lines]
    assert where == [
        (3, 1, "train"), (3, 1, "validation"), (6, 2, "train"), (6, 2, "validation"), (6, 2, "test"),
    ]  # fmt: skip
    assert len(lines[1]["kl_nats_by_dimension"]) == 3
    assert sum(lines[1]["kl_nats_by_dimension"]) == pytest.approx(lines[1]["kl_nats"])


def test_weights_and_previews_are_those_of_the_run(run: Path) -> None:
    torch.manual_seed(0)
    model, data = VAE((1, 4, 4), 3, width=8), toy_data()
    fit(model, ELBO(beta=2.0, kl_warmup=0.5), data, **OPTIONS)
    loaded = load_run(run)
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor)
    assert not loaded.model.training
    order = [row.tolist() for row in data.test.images]
    places = [order.index(row.tolist()) for row in loaded.previews.images]
    assert sorted(places) == list(range(10))
    assert data.test.labels is not None
    assert loaded.previews.labels is not None
    assert torch.equal(loaded.previews.labels, data.test.labels[places])
    assert loaded.previews.labels[:4].tolist() == [0, 1, 0, 1]  # classes take turns
    assert loaded.class_names == ["rows", "columns"]
    assert loaded.summary is not None
    assert loaded.summary.as_dict() == read(run / "summary.json")
    assert len(loaded.metrics) == 5


def test_previews_are_64_test_images_with_their_names_or_training_images(tmp_path: Path) -> None:
    images = torch.randint(256, (70, 1, 4, 4), dtype=torch.uint8)
    split = vaekit.Split(images, None, [f"ä/{i}.png" for i in range(70)])
    train(tmp_path / "many", toy_data(test=split), epochs=1)
    previews = load_run(tmp_path / "many").previews
    numbers = [int(name[2:-4]) for name in previews.names or []]
    assert len(set(numbers)) == 64
    assert torch.equal(previews.images, images[numbers])
    assert min(numbers[:10]) < 20 < 50 < max(numbers[:10])  # of the whole split, however few are looked at
    train(tmp_path / "none", toy_data(test=no_images()), epochs=1)
    stored = load_run(tmp_path / "none").previews.images
    assert {bytes(image) for image in stored.numpy()} == {
        bytes(image) for image in toy_data().train.images.numpy()
    }


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("own.npy", (np.random.default_rng(0).random((60, 9, 8)) * 255).astype(np.uint8))
    data = load_data("own.npy")
    train(Path("run"), data, epochs=1)
    config = read(tmp_path / "run" / "config.json")
    assert config["settings"]["data"] == config["data"]["path"] == str(tmp_path / "own.npy")
    assert config["data"]["source"] == "own.npy"
    monkeypatch.chdir(tmp_path / "run")
    assert load_run(tmp_path / "run").load_data().fingerprint == data.fingerprint


def test_a_named_set_keeps_its_name_even_beside_a_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").write_bytes(b"")
    data = load_data("digits").replace(path=str(tmp_path))
    data = data.replace(options=data.options | {"data_dir": "sets"})
    settings = runfolder.settings_for("vae", VAE(data.shape, 2, width=8), ELBO(), data, FitSettings())
    described = runfolder.describe_run(
        settings, data, VAE(data.shape, 2, width=8), ELBO(), torch.device("cpu")
    )
    assert described.settings["data"] == "digits"
    assert described.settings["data_dir"] == str(tmp_path / "sets")


# Nothing half begun ------------------------------------------------------------------------------


def test_an_existing_run_and_other_things_are_left_alone(copy: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match=r"out=.*copy': a run is there; resume it \(vaekit resume"):
        train(copy)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_bytes(b"")
    (tmp_path / "file").write_bytes(b"")
    for name in ("photos", "file"):
        with pytest.raises(RunError, match=rf"out=.*{name}': something else is there; name a new folder"):
            train(tmp_path / name)
    assert os.listdir(tmp_path / "photos") == ["one.png"]


def test_an_empty_folder_and_new_parents_are_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new/parents/run"):
        assert train(tmp_path / name, epochs=1).out == tmp_path / name
        assert load_run(tmp_path / name).summary.epochs == 1  # type: ignore[union-attr]


def test_a_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError, match=r"cannot write .*run: Not a directory"):
        train(tmp_path / "file" / "run")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(RunError, match=r"cannot write .*run: Permission denied"):
        train(tmp_path / "locked" / "run")


@pytest.mark.parametrize("stage", ["config: half written", "previews: before renaming"])
@pytest.mark.parametrize("there", [True, False])
def test_a_failed_beginning_leaves_nothing(stage: str, there: bool, tmp_path: Path) -> None:
    def fail(point: str) -> None:
        if point == stage:
            raise OSError(errno.EROFS, "Read-only file system")

    if there:
        (tmp_path / "run").mkdir()
    core.on_reach = fail
    with pytest.raises(RunError, match=r"Read-only file system"):
        train(tmp_path / "run")
    assert list(tmp_path.rglob("*")) == ([tmp_path / "run"] if there else [])
    core.on_reach = None
    train(tmp_path / "run", epochs=1)


def test_two_that_begin_in_one_folder(tmp_path: Path) -> None:
    """The second comes while the first writes its config: it gives way and leaves the first whole."""
    outcomes = []

    def second(point: str) -> None:
        if point == "config: before renaming":
            core.on_reach = None
            train(tmp_path / "run", epochs=1)
            outcomes.append(read(tmp_path / "run" / "summary.json"))

    core.on_reach = second
    # both are of one process here, and would take one temporary file
    getpid, numbers = os.getpid, iter([1, *range(2, 1000)])
    os.getpid = lambda: next(numbers)  # type: ignore[assignment]
    try:
        with pytest.raises(RunError, match=r"config.json is there already"):
            train(tmp_path / "run", epochs=2)
    finally:
        os.getpid = getpid
    assert read(tmp_path / "run" / "summary.json") == outcomes[0]
    assert read(tmp_path / "run" / "config.json")["settings"]["epochs"] == 1
    assert not list(tmp_path.rglob("*.tmp"))


def test_the_default_path_is_the_first_free_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def reserved(source: str) -> Path:
        with runfolder.reserved_run_path("vae", source) as folder:
            (folder / "config.json").touch()
        return folder

    for name in ("vae-digits-1", "vae-digits-3", "ae-digits-2"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    names = [reserved(source).as_posix() for source in ("digits", "digits", "some/where/photos.npz")]
    assert names == ["runs/vae-digits-2", "runs/vae-digits-4", "runs/vae-photos-1"]


def test_a_reserved_folder_is_there_at_once_and_goes_if_no_run_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        runfolder.reserved_run_path("vae", "digits") as first,
        runfolder.reserved_run_path("vae", "digits") as second,
    ):
        assert [first.name, second.name] == ["vae-digits-1", "vae-digits-2"]
        assert list(first.iterdir()) == []
    assert list((tmp_path / "runs").iterdir()) == []
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    Path("runs").touch()
    with (
        pytest.raises(RunError, match=r"cannot write .*vae-digits-1: Not a directory"),
        runfolder.reserved_run_path("vae", "digits"),
    ):
        pass


def test_methods_are_found_by_class(tmp_path: Path) -> None:
    assert runfolder.method_name(AE((1, 4, 4), 2), Reconstruction()) == "ae"

    class Own(ELBO):
        pass

    with pytest.raises(SettingError, match=r"VAE with Own is no method; .*METHODS"):
        fit(VAE((1, 4, 4), 2), Own(), toy_data(), out=tmp_path / "run", **OPTIONS)
    assert not (tmp_path / "run").exists()


# Loading -----------------------------------------------------------------------------------------


def test_a_missing_folder_names_those_beside_it(copy: Path) -> None:
    with pytest.raises(RunError, match=r"other: no such run folder\. In .* there are: copy\."):
        load_run(copy.parent / "other")
    with pytest.raises(RunError, match=r"nowhere.other: no such run folder\.$"):
        load_run(copy.parent / "nowhere" / "other")


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run folder: it has no config\.json"):
        load_run(tmp_path)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match=r"config\.json cannot be read as JSON"):
        load_run(tmp_path)
    for text in ("[]", "{}", '{"settings": {}, "data": {}}', '{"settings": [], "data": 1}'):
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
        with pytest.raises(
            RunError, match=r"config\.json(: [a-z.]+)? (must hold a JSON object|= .* must be|is missing)"
        ):
            load_run(tmp_path)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda c: c.update(format=99), r"format 99 is newer than this vaekit reads"),
        (lambda c: c.update(format=99, settings="other"), r"format 99 is newer"),
        (lambda c: c["settings"].update(epoch=3), r"unknown option 'epoch'\. Did you mean epochs\?"),
        (lambda c: c["settings"].update(method="vea"), r"unknown method 'vea'\. Did you mean vae\?"),
        (lambda c: c["settings"].pop("method"), r"no method"),
        (lambda c: c["settings"].update(epochs="many"), r"epochs must be a whole number or None, not 'many'"),
        (lambda c: c["settings"].update(schedule="cosin"), r"Did you mean cosine"),
    ],
)
def test_a_config_of_another_version(
    copy: Path, action: Callable[[dict[str, Any]], object], message: str
) -> None:
    change(copy, action)
    with pytest.raises(RunError, match=message) as caught:
        load_run(copy)
    assert str(copy / "config.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_and_foreign_weights(copy: Path) -> None:
    path = copy / "model.safetensors"
    whole = path.read_bytes()
    tensors, about = read_tensors(path)
    path.write_bytes(whole[:-1])
    with pytest.raises(RunError, match=r"model\.safetensors is damaged"):
        load_run(copy)
    save_file(tensors, path)
    with pytest.raises(RunError, match=r"model\.safetensors was not written by vaekit"):
        load_run(copy)
    name = next(iter(tensors))
    others: dict[str, dict[str, Tensor]] = {
        "missing": {key: value for key, value in tensors.items() if key != name},
        "more": tensors | {"other": torch.ones(2)},
        "wider": tensors | {name: torch.ones(3, 3)},
    }
    for other in others.values():
        write_tensors(path, other, about)
        with pytest.raises(RunError, match=r"does not hold the weights of this run's model") as caught:
            load_run(copy)
        assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(RunError, match=r"has no weights yet; resume it: vaekit resume"):
        load_run(copy)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 torn", b"\x93NUMPY"])
def test_missing_or_damaged_previews(copy: Path, content: bytes | None) -> None:
    path = copy / "previews.npz"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(RunError, match=r"previews\.npz cannot be read"):
        load_run(copy)


def test_truncated_previews(copy: Path) -> None:
    whole = (copy / "previews.npz").read_bytes()
    for length in range(1, len(whole), 37):
        (copy / "previews.npz").write_bytes(whole[:length])
        with pytest.raises(RunError, match=r"previews\.npz cannot be read"):
            load_run(copy)


def test_nothing_is_unpickled(copy: Path) -> None:
    np.savez(copy / "previews.npz", images=np.array([{"a": 1}], dtype=object))
    with pytest.raises(RunError, match=r"previews\.npz cannot be read"):
        load_run(copy)


def test_metrics_with_a_torn_end_are_read_and_damaged_ones_said(copy: Path) -> None:
    path = copy / "metrics.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"step": 7, "spl')
    assert len(load_run(copy).metrics) == 5
    path.write_bytes(bytes(20) + b"\n" + whole)
    with pytest.raises(RunError, match=r"metrics\.jsonl is damaged"):
        load_run(copy)
    path.unlink()
    assert load_run(copy).metrics == []


def test_an_unfinished_run_can_be_looked_at(tmp_path: Path) -> None:
    asked = iter([None, None, None, "stop"])
    history = train(tmp_path / "run", should_stop=lambda: next(asked))
    loaded = load_run(tmp_path / "run")
    assert loaded.summary is None
    assert loaded.metrics == history.metrics
    _, about = read_tensors(tmp_path / "run" / "model.safetensors")
    assert about == {"which": "best", "epoch": 1, "averaged": False}


def test_own_networks_are_asked_for_again(tmp_path: Path) -> None:
    class Decoder(nn.Linear):
        def forward(self, z: Tensor, condition: None) -> Tensor:  # type: ignore[override]
            return super().forward(z).unflatten(1, (1, 4, 4))

    class Encoder(nn.Linear):
        def forward(self, x: Tensor, condition: None) -> Tensor:  # type: ignore[override]
            return super().forward(x.flatten(1))

    def own() -> dict[str, nn.Module]:
        return {"encoder": Encoder(16, 4), "decoder": Decoder(2, 16)}

    model = VAE((1, 4, 4), 2, **own())  # type: ignore[arg-type]
    fit(model, ELBO(), toy_data(), out=tmp_path / "run", **OPTIONS)
    with pytest.raises(SettingError, match="pass its encoder and decoder again"):
        load_run(tmp_path / "run")
    loaded = load_run(tmp_path / "run", **own())  # type: ignore[arg-type]
    assert torch.equal(loaded.model.encoder.weight, model.encoder.weight)  # type: ignore[union-attr]


def test_data_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for name, shape in (("own", (60, 9, 8)), ("others", (50, 9, 8)), ("larger", (50, 9, 9))):
        np.save(f"{name}.npy", (generator.random(shape) * 255).astype(np.uint8))
    train(tmp_path / "run", load_data("own.npy"), epochs=1)
    run = load_run(tmp_path / "run")
    assert len(run.load_data().train) == len(load_data("own.npy").train)
    assert sum(map(len, run.load_data("others.npy").splits.values())) == 50
    with pytest.raises(DataError, match=r"larger\.npy: images are 1x9x9, those of .*run are 1x9x8"):
        run.load_data("larger.npy")
    (tmp_path / "others.npy").replace(tmp_path / "own.npy")
    with pytest.raises(RunError, match=r"own\.npy have changed since this run began"):
        run.load_data()
    (tmp_path / "own.npy").unlink()
    with pytest.raises(DataError, match=r"own\.npy"):
        run.load_data()


def test_data_that_were_an_array_in_memory(run: Path) -> None:
    with pytest.raises(RunError, match="trained on an array in memory; pass the array again"):
        load_run(run).load_data()


@pytest.mark.parametrize("codes", [64, 16384])
def test_fixed_codes_need_no_tensor_of_their_number(codes: int, tmp_path: Path) -> None:
    """A narrow model with more codes than any of its tensors has entries."""
    options: dict[str, Any] = {"quantizer": "fsq", "codes": codes, "network": "patches(width=4)"}
    data = load_data(np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8))
    vaekit.train("vqvae", data, out=tmp_path / "run", steps=2, progress=False, **options)
    assert load_run(tmp_path / "run").model.arguments["codes"] == codes
