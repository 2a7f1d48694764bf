"""A model as one file: `save` and `load`.

It is a safetensors file with a checksum, as model.safetensors of a run is, and its header has beside that what the model is
built from: the name of its class and its arguments, those of its fitted prior, and the records of its run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from vaekit.config.configured import strict
from vaekit.config.fields import imported
from vaekit.core import RunError, SettingError
from vaekit.models import Model
from vaekit.models.capabilities import TakesPrior
from vaekit.runs.built import Built, build, built_of
from vaekit.runs.files import read_json, read_tensors, write_tensors, writing
from vaekit.runs.json_records import OPTIONAL, as_json, read_record
from vaekit.runs.load import Run, load_run
from vaekit.runs.origin import for_others, from_records, records_of
from vaekit.runs.records import CONFIG, WEIGHTS, RunConfig, Summary, as_folder, has_begun
from vaekit.runtime.device import choose_device

M = TypeVar("M", bound=Model)
FORMAT = 1
HUBS = "hub:", "hf://", "https://huggingface.co/"  # begin the name of a repository
OF_PRIOR = "prior/"  # begins the names of a fitted prior's tensors; a module's own has no such sign


@dataclass(frozen=True)
class FileRecord:
    """The header of a file.

    Attributes:
        format: of the header.
        model: the model.
        prior: that was fitted to its latents, if one was.
        config, summary: records of the run that the weights are from, without paths.
    """

    format: int
    model: Built
    prior: Built | None = field(default=None, metadata=OPTIONAL)
    config: RunConfig | None = field(default=None, metadata=OPTIONAL)
    summary: Summary | None = field(default=None, metadata=OPTIONAL)


@strict
def save(what: Any, path: str | Path) -> Path:
    """Writes a model into one file, from which `load` gives it back: equal weights, equal answers.

    With it go the prior that was fitted to its latents, and of a run the settings, figures and what is known of its data: but
    no image, and no path of this machine. There is no pickle in it. Own networks are not in it: `load` asks for them again.

    Args:
        what: a model, a run, a history that has one, or the folder of a run.
        path: of the file, say "digits.safetensors". One that is there is replaced.

    Returns:
        The path.

    Raises:
        SettingError: no model, or one with arguments that are no JSON.
        RunError: not a run folder, or the file cannot be written.

    Example:
        >>> path = vaekit.save(model, "digits.safetensors")
        >>> again = vaekit.load(path)
        >>> (again.embed(images) == model.embed(images)).all().item()
        True
    """
    model = model_of(what)
    tensors, record = packed(model)
    with writing(Path(path)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_tensors(Path(path), tensors, as_json(record))
    return Path(path)


def model_of(what: Any) -> Model:
    """The model that is meant by a model, a run, a history or a folder.

    Raises:
        SettingError: none of these.
    """
    if isinstance(what, Model):
        return what
    return (what if isinstance(what, Run) else load_run(as_folder(what))).model


def packed(model: Model) -> tuple[dict[str, Tensor], FileRecord]:
    """The tensors of a model and of its prior, and the header of their file."""
    tensors = dict(model.state_dict())
    prior = model.fitted_prior() if isinstance(model, TakesPrior) else None
    if prior is not None:
        tensors |= {OF_PRIOR + name: tensor for name, tensor in prior.state_dict().items()}
    records = records_of(model)
    config, summary = (None, None) if records is None else for_others(*records)
    return tensors, FileRecord(
        FORMAT, built_of(model), None if prior is None else built_of(prior), config, summary
    )


@strict
def load(
    path: str | Path,
    *,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
    device: str = "cpu",
) -> Model:
    """Loads a model from a file of `save`, the folder of a run or of `save_pretrained`, or a hub.

    Args:
        path: of these, or "hub:OWNER/NAME" (`pip install 'vaekit[hub]'`).
        encoder, decoder: the modules that it was made with, if they were its user's own.
        device: where it goes: auto, cpu, cuda or mps.

    Returns:
        The model in eval mode, of the class that it was saved from.

    Raises:
        SettingError: it has own networks and they are not given, or there is no such device.
        RunError: there is no such file, it is damaged, or not of vaekit; or the hub cannot be reached, or refuses.

    Example:
        >>> vaekit.load("runs/first").sample(4).shape
        torch.Size([4, 1, 8, 8])
    """
    return load_as(Model, path, encoder=encoder, decoder=decoder, device=device)


def load_as(kind: type[M], path: str | Path, **how: Any) -> M:
    """`load`, of a model of one class.

    Args:
        kind: the class, one of a user's own too, which need not be in METHODS.
        path: as in `load`.
        how: arguments of `load`; for a hub also of its mixin.

    Raises:
        SettingError: it is a model of another class.
        RunError: as in `load`.
    """
    hub = next((each for each in HUBS if str(path).startswith(each)), None)
    if hub is not None:
        model = imported("vaekit.hub.push:pull_model")(kind, str(path).removeprefix(hub).rstrip("/"), **how)
    else:
        model = _local(kind, Path(path), **how)
    if not isinstance(model, kind):
        name = type(model).__name__
        raise SettingError(f"{path} holds {name}, not {kind.__name__}: vaekit.load gives whatever it is.")
    return model


def _local(
    kind: type[Model],
    path: Path,
    *,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
    device: str = "cpu",
) -> Model:
    place = choose_device(device)
    if not path.exists():
        name = path.as_posix()
        hint = f"; of a hub: 'hub:{name}'" if re.fullmatch(r"[\w.-]+/[\w-]+", name) else ""
        raise RunError(f"{path}: no such file or folder{hint}.")
    if not path.is_dir():
        return read_model(path, kind, encoder, decoder).to(place)
    if has_begun(path) and "model" in read_json(path / CONFIG):
        return read_folder(path, kind, encoder, decoder).to(place)
    return load_run(path, encoder=encoder, decoder=decoder, device=device).model


def read_folder(
    folder: Path,
    kind: type[Model] = Model,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
) -> Model:
    """The model in a folder of `save_pretrained`: model.safetensors, whose header config.json repeats for people and hubs.

    Raises:
        SettingError, RunError: as `read_model`; or the two files are not of one model.
    """
    content, (tensors, header) = read_json(folder / CONFIG), read_tensors(folder / WEIGHTS)
    if content != header:
        raise RunError(f"{folder / CONFIG} is not of {WEIGHTS} beside it; take both from one place.")
    return _model_in(tensors, header, folder / WEIGHTS, kind, encoder, decoder)


def read_model(
    path: Path,
    kind: type[Model] = Model,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
) -> Model:
    """The model in a file of `save`, on the CPU.

    Raises:
        SettingError: it has own networks and they are not given.
        RunError: the file is missing, damaged, or another.
    """
    return _model_in(*read_tensors(path), path, kind, encoder, decoder)


def _model_in(
    tensors: Mapping[str, Tensor],
    header: Mapping[str, Any],
    path: Path,
    kind: type[Model],
    encoder: nn.Module | None,
    decoder: nn.Module | None,
) -> Model:
    """The model in what was read of a file."""
    if "model" not in header:
        raise RunError(f"{path} holds weights, and not what they are of: load the folder of their run.")
    record = read_record(FileRecord, header, path)
    if record.format > FORMAT:
        raise RunError(f"{path} was written by a newer vaekit; update this one.")
    theirs = {n.removeprefix(OF_PRIOR): t for n, t in tensors.items() if n.startswith(OF_PRIOR)}
    own = {name: tensor for name, tensor in tensors.items() if not name.startswith(OF_PRIOR)}
    networks = {} if encoder is None and decoder is None else {"encoder": encoder, "decoder": decoder}
    model = build(record.model, own, path, kind, networks)
    if record.prior is not None:
        model.fitted = partial(_itself, build(record.prior, theirs, path, Model, {}))
    if record.config is not None:
        model.origin = from_records(model, record.config, record.summary)
    return model


def _itself(prior: Any) -> Any:
    return prior
