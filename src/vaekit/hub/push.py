"""`push`, and what models ask of a hub. Imports huggingface_hub only where it is used."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from vaekit.config.configured import strict
from vaekit.config.fields import imported
from vaekit.core import RunError, SettingError, near_miss, warn_of
from vaekit.hub.refusals import check_installed, check_name, in_one_line
from vaekit.models import Model
from vaekit.runs.files import read_json, writing
from vaekit.runs.one_file import model_of
from vaekit.runs.origin import records_of
from vaekit.runs.records import CONFIG, WEIGHTS, has_begun
from vaekit.runs.temporaries import temporary
from vaekit.runtime.device import choose_device

M = TypeVar("M", bound=Model)
PUBLISHED, CARD = "vaekit.hub.published:Published", "README.md"
OURS = {
    "self",
    "cls",
    "repo_id",
    "pretrained_model_name_or_path",
    "config",
    "model_card_kwargs",
    "model_kwargs",
}


@dataclass(frozen=True)
class Pushed:
    """A model on a hub.

    Attributes:
        repo_id: name of its repository.
        url: address of the commit.

    Example:
        >>> done = vaekit.push("runs/first", "me/digits")  # doctest: +SKIP
        >>> done.url  # doctest: +SKIP
        'https://huggingface.co/me/digits/commit/0123456789abcdef0123456789abcdef01234567'
    """

    repo_id: str
    url: str


@strict
def push(
    run: Any,
    repo_id: str,
    *,
    private: bool | None = None,
    branch: str | None = None,
    message: str = "Push a model of vaekit",
    token: str | None = None,
) -> Pushed:
    """Puts the model of a run on the Hugging Face hub, with a card that is written from the run.

    Sent are model.safetensors, config.json, README.md and samples.png: settings, figures, what is known of the data, and samples
    of the model. No image of the data is sent, and no path of this machine. Of a run that was evaluated the figures in the card
    have their errors.

    Args:
        run: its folder, a run, a history, or a model.
        repo_id: "OWNER/NAME"; made where it is missing.
        private: whether a new repository can be seen by others; None leaves it to the owner's settings.
        branch: None is main.
        message: of the commit.
        token: with the right to write; None takes that of `hf auth login` or HF_TOKEN.

    Returns:
        Where it is.

    Raises:
        SettingError: a name that is none on a hub, or huggingface_hub is missing.
        RunError: not a run folder, or a damaged one; or the hub cannot be reached, or refuses.

    Example:
        >>> vaekit.push("runs/first", "me/digits", private=True).repo_id  # doctest: +SKIP
        'me/digits'
    """
    asked = {"private": private, "branch": branch, "commit_message": message, "token": token}
    return Pushed(repo_id, push_model(run, repo_id, **asked))


def push_model(what: Any, repo_id: str, **options: Any) -> str:
    """Puts a model on the hub; returns the address of the commit.

    Args:
        what: a model, a run, a history or a folder.
        repo_id: of the repository.
        options: of the mixin's `push_to_hub`.

    Raises:
        SettingError, RunError: as `push`; or an option that the mixin does not have.
    """
    check_installed()
    check_name(repo_id)
    published = imported(PUBLISHED)
    _check_options(published.push_to_hub, options)
    model = model_of(what)
    records = records_of(model)
    if records is not None and records[1] is not None and not records[1].evaluation:
        warn_of([f"the figures in the card of {repo_id} have no errors: evaluate the run and push it again"])
    with in_one_line(repo_id, pushing=True):
        return str(published.of(model, repo_id).push_to_hub(repo_id, **options))


def pull_model(
    kind: type[M],
    repo_id: str,
    *,
    encoder: Any = None,
    decoder: Any = None,
    device: str = "cpu",
    **options: Any,
) -> M:
    """A model from the hub.

    Args:
        kind: a class of a user's own that may be there, or Model.
        repo_id: of the repository.
        encoder, decoder: own networks.
        device: where it goes.
        options: of the mixin's `from_pretrained`.

    Raises:
        SettingError, RunError: as `vaekit.load`.
    """
    check_installed()
    check_name(repo_id)
    published, place = imported(PUBLISHED), choose_device(device)
    _check_options(published.from_pretrained, options)
    how = {"kind": kind, "encoder": encoder, "decoder": decoder}
    with in_one_line(repo_id):
        return published.from_pretrained(repo_id, **how, **options).model.to(place)


def write_folder(what: Any, folder: str | Path) -> Path:
    """Writes what is sent to a hub into a folder.

    Raises:
        SettingError: huggingface_hub is missing.
        RunError: a run is in the folder, or it cannot be written.
    """
    check_installed()
    place = Path(folder)
    if has_begun(place) and "model" not in read_json(place / CONFIG):
        raise RunError(f"{place}: the {CONFIG} of something else is there; name another folder.")
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
        with temporary(place / WEIGHTS, folder=True) as whole:  # all are written whole before any is replaced
            imported(PUBLISHED).of(model_of(what), str(place)).save_pretrained(whole)
            for path in sorted(whole.iterdir(), key=lambda path: path.name == CONFIG):  # the record last
                if path.name != CARD or not (place / CARD).exists():  # somebody may have edited it
                    path.replace(place / path.name)
    return place


def _check_options(method: Any, options: dict[str, Any]) -> None:
    """Raises SettingError for an option that a method of the mixin does not have, with the near miss."""
    known = [name for name in inspect.signature(method).parameters if name not in OURS]
    for name in options:
        if name not in known:
            choices = ", ".join(known)
            raise SettingError(
                f"unknown option {name!r}.{near_miss(name, known)} The hub's: {choices}.", name
            )
