"""What a hub, or the way to it, refuses: each is one line, with what helps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vaekit
from loopback import Hub
from vaekit import RunError, SettingError

pytestmark = [
    pytest.mark.filterwarnings("ignore:the figures in the card"),
    pytest.mark.filterwarnings(
        "ignore:Implicitly cleaning up:ResourceWarning"
    ),  # of the mixin, when it is refused
]


@pytest.mark.parametrize(
    ("part", "status", "words"),
    [
        ("repos/create", 401, "the hub says 401: you may not write there; log in"),
        ("repos/create", 403, "the hub says 403: you may not write there"),
        ("preupload", 404, "no such owner, branch or repository"),
        ("/commit/", 403, "the hub says 403"),
        ("/commit/", 409, "somebody else has changed it"),
        ("/commit/", 412, "the hub says 412: it does not take the request"),
        ("repos/create", 429, "too many requests"),
        ("repos/create", 500, "a fault of its own"),
        ("preupload", 503, "a fault of its own"),
    ],
)
def test_a_push_that_is_refused(hub: Hub, vae_run: Path, part: str, status: int, words: str) -> None:
    hub.refuse[part] = status
    with pytest.raises(RunError) as found:
        vaekit.push(vae_run, "me/digits")
    assert words in str(found.value) and str(found.value).startswith("cannot push me/digits: ")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "there is none of that name, or it is private"),
        (403, "the hub says 403: you may not read it; log in"),
        (404, "there is none of that name"),
        (429, "too many requests"),
        (500, "a fault of its own"),
        (503, "a fault of its own"),
    ],
)
def test_a_load_that_is_refused(hub: Hub, vae_run: Path, status: int, words: str) -> None:
    vaekit.push(vae_run, "me/digits")
    hub.refuse["/resolve/"] = status
    with pytest.raises(RunError) as found:
        vaekit.load("hub:me/digits")
    assert words in str(found.value) and "\n" not in str(found.value)


def test_what_is_not_there(hub: Hub, vae_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match="cannot load me/none: there is none of that name, or it is private"):
        vaekit.load("hub:me/none")
    vaekit.push(vae_run, "me/digits", private=True)
    with pytest.raises(RunError, match="it has no such revision"):
        vaekit.VAE.from_pretrained("me/digits", revision="v9")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(RunError, match="or it is private; check the name, or log in"):
        vaekit.load("hub:me/digits")
    with pytest.raises(RunError, match=r"may not write|no token"):
        vaekit.push(vae_run, "me/digits")


def test_no_network(hub: Hub, vae_run: Path) -> None:
    hub.close()
    with pytest.raises(RunError, match=r"cannot push me/digits: .* cannot be reached; check the network"):
        vaekit.push(vae_run, "me/digits")
    with pytest.raises(
        RunError, match=r"cannot load me/digits: .* cannot be reached, and it is not in the cache"
    ):
        vaekit.load("hub:me/digits")


def test_offline_by_wish(hub: Hub, vae_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RunError, match="offline by HF_HUB_OFFLINE"):
        vaekit.push(vae_run, "me/digits")
    with pytest.raises(RunError, match="not in the cache"):
        vaekit.load("hub:me/digits")
    assert not [line for line in hub.asked if "digits" in line]


@pytest.mark.parametrize(
    "name", ["", "a b/c", "a/b/c", "../x", "a//b", "-a/b", "me/" + "x" * 97, "me/a..b", "me/a.git", 7]
)
def test_names_that_are_none(hub: Hub, vae_run: Path, name: Any) -> None:
    with pytest.raises(SettingError, match="is no name on a hub"):
        vaekit.push(vae_run, name)
    assert not hub.asked
    if name and name != 7:  # nothing is the present folder
        with pytest.raises(SettingError, match="is no name on a hub"):
            vaekit.VAE.from_pretrained(name)


def test_options_that_are_none(hub: Hub, vae_run: Path) -> None:
    run = vaekit.load_run(vae_run)
    with pytest.raises(SettingError, match=r"unknown option 'privat'. Did you mean private\?"):
        run.push_to_hub("me/digits", privat=True)
    with pytest.raises(SettingError, match=r"unknown option 'revison'. Did you mean revision\?"):
        vaekit.VAE.from_pretrained("me/digits", revison="main")
    with pytest.raises(SettingError, match="privat"):
        vaekit.push(vae_run, "me/digits", privat=True)  # type: ignore[call-arg]


def test_without_the_package_one_line_says_what_to_install(vae_run: Path) -> None:
    code = (
        "import sys\nsys.modules['huggingface_hub'] = None\nimport vaekit\n"
        f"run = vaekit.load_run({str(vae_run)!r})\nmodel = vaekit.load(run.save({str(vae_run / 'one')!r}))\n"
        f"for work in (lambda: run.push_to_hub('me/x'), lambda: vaekit.load('hub:me/x'), lambda: model.save_pretrained('y')):\n"
        "    try:\n        work()\n    except vaekit.SettingError as error:\n        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        done.stdout.splitlines() == ["a hub needs the package huggingface_hub: pip install 'vaekit[hub]'"] * 3
    )
