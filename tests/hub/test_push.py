"""A model that is pushed to a hub and loaded from it is the same; what goes wrong on the way is one line."""

from __future__ import annotations

import errno
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from loopback import TOKEN, Hub
from vaekit import RunError, SettingError, VaekitWarning

pytestmark = [
    pytest.mark.filterwarnings("ignore:the figures in the card"),
    pytest.mark.filterwarnings(
        "ignore:Use 'content=:DeprecationWarning"
    ),  # of huggingface_hub, when it sends by LFS
    pytest.mark.filterwarnings(
        "ignore:Implicitly cleaning up:ResourceWarning"
    ),  # its folder, when it is refused
]
SENT = {"README.md", "config.json", "model.safetensors", "samples.png"}


def same_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(
        torch.equal(mine[name], theirs[name]) and mine[name].dtype == theirs[name].dtype for name in mine
    )


@pytest.mark.parametrize("large", [(), (".safetensors", ".png")], ids=["in the commit", "by LFS"])
def test_there_and_back(
    hub: Hub, vae_run: Path, large: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte what a folder would get, and number for number what the run says; as small files and as large ones."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_PROGRESS_BARS", True)
    hub.large = large
    run = vaekit.load_run(vae_run)
    done = vaekit.push(vae_run, "me/digits", private=True, message="first")
    assert hub.repositories["me/digits"].private and hub.repositories["me/digits"].commits == ["first"]
    assert done.url.startswith(f"{hub.url}/me/digits/commit/")
    files = hub.files("me/digits")
    assert set(files) == SENT
    assert any("lfs/objects/batch" in line for line in hub.asked) == bool(large)
    folder = run.save_pretrained(vae_run.parent / "me/digits")
    assert {name: (folder / name).read_bytes() for name in SENT - {"README.md"}} == {
        name: files[name] for name in SENT - {"README.md"}
    }
    loaded = vaekit.VAE.from_pretrained("me/digits")
    images = run.load_data().test.images[:20]
    assert same_weights(loaded, run.model) and loaded.arguments == run.model.arguments
    assert torch.equal(loaded.embed(images), run.model.embed(images))
    assert torch.equal(loaded.sample(5, seed=3), run.model.sample(5, seed=3))
    assert torch.equal(loaded.reconstruct(images), run.model.reconstruct(images))


def test_by_every_door_it_is_one_model(hub: Hub, vae_run: Path) -> None:
    run = vaekit.load_run(vae_run)
    run.push_to_hub("me/a", commit_message="of a run")
    run.model.push_to_hub("me/b", commit_message="of a model")
    vaekit.load("hub:me/a").push_to_hub("me/c", commit_message="of one that came from there")
    weights = {name: hub.files(name)["model.safetensors"] for name in ("me/a", "me/b", "me/c")}
    assert len(set(weights.values())) == 1, "the records of the run are there whichever way"
    for name in ("hub:me/c", "hf://me/c", "https://huggingface.co/me/c"):
        assert same_weights(vaekit.VAE.load(name), run.model)


def test_the_hubs_own_functions_read_it(hub: Hub, vae_run: Path) -> None:
    from huggingface_hub import HfApi, ModelCard

    vaekit.push(vae_run, "me/digits")
    card = ModelCard.load("me/digits")
    assert card.data.library_name == "vaekit" and "vae" in card.data.tags  # type: ignore[attr-defined]
    assert card.data.pipeline_tag == "unconditional-image-generation"  # type: ignore[attr-defined]
    assert {file.rfilename for file in HfApi().model_info("me/digits").siblings or []} == SENT


def test_a_second_push_takes_the_place_of_the_first(hub: Hub, vae_run: Path, ae_run: Path) -> None:
    vaekit.push(vae_run, "me/digits")
    vaekit.push(ae_run, "me/digits")
    assert isinstance(vaekit.load("hub:me/digits"), vaekit.AE)


def test_a_class_asks_for_its_own(hub: Hub, ae_run: Path) -> None:
    vaekit.push(ae_run, "me/digits")
    with pytest.raises(SettingError, match="hub:me/digits holds AE, not VAE"):
        vaekit.VAE.from_pretrained("me/digits")


def test_the_prior_goes_with_it(hub: Hub, ae_run: Path) -> None:
    """An autoencoder samples from the mixture that was fitted to its latents; the sheet of samples is there then too."""
    vaekit.push(ae_run, "me/bare")
    vaekit.prior(ae_run, components=3, epochs=1, progress=False)
    vaekit.push(ae_run, "me/full")
    assert set(hub.files("me/bare")) == SENT - {"samples.png"} and set(hub.files("me/full")) == SENT
    drawn = vaekit.load("hub:me/full").sample(6, seed=1)
    assert torch.equal(drawn, vaekit.load_run(ae_run).model.sample(6, seed=1))


def test_a_conditional_model_keeps_its_classes(hub: Hub, cvae_run: Path) -> None:
    vaekit.push(cvae_run, "me/c")
    model, own = vaekit.VAE.from_pretrained("me/c"), vaekit.load_run(cvae_run).model
    assert torch.equal(model.sample(2, [3, 4], seed=0), own.sample(2, [3, 4], seed=0))
    assert "Classes: 0 0, 1 1," in hub.files("me/c")["README.md"].decode()


def test_nothing_of_this_machine_is_sent(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No path, no name of a file of the data, no image of them."""
    home = tmp_path / "secretive person"
    photos = home / "private place" / "cats"
    rng = np.random.default_rng(0)
    for kind in ("tabby", "black"):
        (photos / kind).mkdir(parents=True)
        for number in range(30):
            levels = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(levels).save(photos / kind / f"IMG_{number}_{kind}_of_mine.png")
    (photos / "tabby" / "IMG_broken_of_mine.png").write_bytes(b"no picture")
    monkeypatch.chdir(home)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VaekitWarning)
        sizes = {"latent_dim": 2, "width": 8, "network": "mlp", "steps": 2, "progress": False}
        history = vaekit.train("vae", "private place/cats", out="runs/of_mine", **sizes)
        vaekit.evaluate(history.out, samples=5, keep=True, progress=False)
        vaekit.push(history, "me/cats")
    for name, content in hub.files("me/cats").items():
        for word in ("secretive", "private place", "of_mine", str(tmp_path), "person"):
            assert word.encode() not in content, f"{name} has {word!r}"
    assert "cats" in hub.files("me/cats")["README.md"].decode()
    assert vaekit.load("hub:me/cats").shape == (3, 8, 8)


def damaged(name: str, change: Callable[[bytes], bytes | None]) -> Callable[[dict[str, bytes]], None]:
    def work(files: dict[str, bytes]) -> None:
        after = change(files.pop(name))
        if after is not None:
            files[name] = after

    return work


DAMAGE = {
    "no weights": (damaged("model.safetensors", lambda b: None), "a file is missing there"),
    "no config": (damaged("config.json", lambda b: None), "a file is missing there"),
    "a bit of the weights": (damaged("model.safetensors", lambda b: b[:-9] + bytes([b[-9] ^ 1]) + b[-8:]), "is damaged"),
    "weights cut short": (damaged("model.safetensors", lambda b: b[: len(b) // 2]), "is damaged"),
    "weights that are none": (damaged("model.safetensors", lambda b: b"hello"), "is damaged"),
    "no weights in their file": (damaged("model.safetensors", lambda b: b""), "is damaged"),
    "a config of letters": (damaged("config.json", lambda b: b"{"), "or the file is damaged"),
    "a config that is a list": (damaged("config.json", lambda b: b"[1]"), "cannot load me/digits"),
    "a config of another": (damaged("config.json", lambda b: b.replace(b'"latent_dim": 3', b'"latent_dim": 4')), "is not of"),
    "another library's": (damaged("config.json", lambda b: b'{"architectures": ["Bert"]}'), "is no model of vaekit"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_one_line(hub: Hub, vae_run: Path, case: str) -> None:
    change, words = DAMAGE[case]
    vaekit.push(vae_run, "me/digits")
    change(hub.files("me/digits"))
    with pytest.raises(RunError) as found:
        vaekit.load("hub:me/digits")
    assert words in str(found.value) and "\n" not in str(found.value) and "me/digits" in str(found.value)


def test_weights_of_another_library_are_not_fetched(hub: Hub, vae_run: Path) -> None:
    vaekit.push(vae_run, "me/digits")
    hub.files("me/digits")["config.json"] = b"{}"
    with pytest.raises(RunError, match="me/digits is no model of vaekit"):
        vaekit.load("hub:me/digits")
    assert not [line for line in hub.asked if "safetensors" in line]


def test_what_was_damaged_is_fetched_again(hub: Hub, vae_run: Path) -> None:
    vaekit.push(vae_run, "me/digits")
    whole = hub.files("me/digits")["model.safetensors"]
    place = vaekit.load("hub:me/digits") and next((vae_run.parent / "cache").rglob("model.safetensors"))
    place.write_bytes(whole[:100])
    with pytest.raises(RunError, match="force_download=True fetches it again"):
        vaekit.load("hub:me/digits")
    vaekit.VAE.from_pretrained("me/digits", force_download=True)


def test_without_a_network_what_was_loaded_before_is_loaded(hub: Hub, vae_run: Path) -> None:
    vaekit.push(vae_run, "me/digits")
    vaekit.load("hub:me/digits")
    hub.close()
    assert vaekit.load("hub:me/digits").shape == (1, 8, 8)
    assert vaekit.VAE.from_pretrained("me/digits", local_files_only=True).shape == (1, 8, 8)


def test_an_edited_folder_keeps_its_card(hub: Hub, vae_run: Path, tmp_path: Path) -> None:
    folder = vaekit.load_run(vae_run).save_pretrained(tmp_path / "sent")
    (folder / "README.md").write_text("my own words", encoding="utf-8")
    vaekit.load_run(vae_run).save_pretrained(folder)
    assert (folder / "README.md").read_text(encoding="utf-8") == "my own words"


def test_on_a_full_disk_a_folder_stays_as_it_was(
    hub: Hub, vae_run: Path, ae_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights and config.json of different models would load no more."""
    from vaekit.hub import published

    folder = vaekit.load_run(vae_run).save_pretrained(tmp_path / "sent")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(published, "write_json", full)
    with pytest.raises(RunError, match="No space left on device"):
        vaekit.load_run(ae_run).save_pretrained(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert vaekit.load(folder).shape == (1, 8, 8)


def test_a_run_is_not_written_over(hub: Hub, vae_run: Path) -> None:
    sent = vaekit.load_run(vae_run).save_pretrained(vae_run.parent / "sent")
    with pytest.raises(RunError, match=r"sent holds a model and no run; in Python, vaekit\.load"):
        vaekit.load_run(sent)
    with pytest.raises(RunError, match="holds a model and no run"):
        vaekit.check(sent)
    before = (vae_run / "config.json").read_bytes()
    with pytest.raises(RunError, match="name another folder"):
        vaekit.load_run(vae_run).save_pretrained(vae_run)
    assert (vae_run / "config.json").read_bytes() == before


def test_other_weights_have_no_record(hub: Hub, vae_run: Path) -> None:
    """Figures of a run are not those of a model that was trained further."""
    model = vaekit.load_run(vae_run).model
    with torch.no_grad():
        next(model.parameters()).add_(1.0)
    model.push_to_hub("me/other")
    assert "No run is known of these weights" in hub.files("me/other")["README.md"].decode()
    assert "summary" not in json.loads(hub.files("me/other")["config.json"])


def test_the_command(hub: Hub, vae_run: Path, terminal) -> None:
    said = terminal("push", vae_run, "me/digits", "--private", "--json")
    assert said.status == 0 and json.loads(said.out)["url"].startswith(f"{hub.url}/me/digits/commit/")
    assert hub.repositories["me/digits"].private
    missing = terminal("push", vae_run, "me/digits", "--branch", "draft")
    assert missing.status == 2 and missing.errors[-1].startswith("vaekit: error: cannot push me/digits: ")
    assert terminal("push", vae_run, "no good name").status == 2
    assert (
        terminal("push", "nowhere", "me/digits").errors[-1]
        == "vaekit: error: nowhere: no such run folder. In . there are: vae."
    )


def test_a_token_is_never_said(hub: Hub, vae_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(RunError, match="the hub says 401: you may not write there; log in") as found:
        vaekit.push(vae_run, "me/digits")
    assert "hf_wrong" not in str(found.value)
    vaekit.push(vae_run, "me/digits", token=TOKEN)


def test_the_record_is_replaced_last(vae_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced, usual = [], Path.replace

    def noted(path: Path, target: Path) -> Path:
        replaced.append(Path(target).name)
        return usual(path, target)

    monkeypatch.setattr(Path, "replace", noted)
    vaekit.load_run(vae_run).save_pretrained(tmp_path / "digits")
    assert {name for name in replaced if name in SENT} == SENT and replaced[-1] == "config.json"
