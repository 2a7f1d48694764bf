"""Models that code pictures, by one interface (`vaekit.coding.portion.Coder`): from a run, or from the bytes in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaekit.coding.bits_back import decode, encode
from vaekit.coding.exact import ExactModel
from vaekit.coding.latent_steps import one_layer
from vaekit.coding.packing import arrays_from_bytes, arrays_to_bytes
from vaekit.coding.portion import Coded, Coder
from vaekit.coding.stored_tables import tables_for
from vaekit.config.likelihood_parts import LIKELIHOODS
from vaekit.core import DataError, InputError, RunError, SettingError, foreign

if TYPE_CHECKING:
    from vaekit.runs.load import Run

MOST_MODEL = 2**30  # bytes that the arrays of a model may take
KNOWN = 8  # latents whose decoded numbers are known


@dataclass(frozen=True)
class BitsBack:
    """A VAE with one layer of latents, by bits-back coding (Townsend et al. 2019).

    Attributes:
        model: in exact arithmetic.
    """

    model: ExactModel
    name: str = "bits-back"
    lossless: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        """Returns the shape of a picture."""
        return tuple(self.model.shape)

    @property
    def classes(self) -> int:
        """Returns the number of classes that it is conditioned on."""
        return self.model.classes

    @property
    def carries(self) -> bool:
        """Returns whether bytes that are kept anyway may serve as initial bits: not where labels are known only by them."""
        return not self.classes

    def code(self, levels: np.ndarray, labels: np.ndarray | None, message: bytes = b"") -> Coded:
        """Codes pictures, (n, *shape), with their classes (n,) where the model is conditioned on them.

        Args:
            message: bytes that are kept anyway and serve as initial bits; `restore_with` gives them back.
        """
        found = encode(self.model, levels, labels if self.classes else None, message)
        return Coded(found.content, found.bits, found.initial_bits)

    def restore(self, content: bytes, count: int, labels: np.ndarray | None) -> np.ndarray:
        """Restores pictures, (count, *shape) uint8.

        Raises:
            DataError: the stream is damaged.
        """
        return self.restore_with(content, count, labels)[0]

    def restore_with(self, content: bytes, count: int, labels: np.ndarray | None) -> tuple[np.ndarray, bytes]:
        """As `restore`, and the message."""
        levels, message = decode(self.model, content, count, labels if self.classes else None)
        return levels.reshape(count, *self.shape), message

    def known(self) -> bytes:
        """Returns the hash of what eight fixed latents, between -2 and 2, decode to."""
        rows, columns = np.arange(KNOWN)[:, None], np.arange(self.model.latent_dim)[None]
        z = (rows * 7919 + columns * 104_729) % 16_384 - 8_192
        inputs = {"z": z}
        if self.classes:
            inputs["y"] = self.model.one_hot(np.arange(KNOWN) % self.classes)
        raw = self.model.decoder.run(inputs)["raw"]
        return hashlib.sha256(np.ascontiguousarray(raw, "<i8").tobytes()).digest()

    def hash(self) -> str:
        """Returns the hash of the model."""
        return self.model.hash()

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns description and arrays of the model."""
        return self.model.to_arrays()


def coder_of(run: Run, lossy: bool = False, weight_bits: int = 12, trade: float = 0.0) -> Any:
    """The coder of a run.

    Args:
        weight_bits: bits after the point of a weight in exact arithmetic.
        trade: of a lossy one, as in `vaekit.coding.lossy.LossyCoder`.

    Raises:
        SettingError: its model codes nothing in that way; names what would.
    """
    from vaekit.models.capabilities import Quantizes

    if lossy:
        from vaekit.coding.lossy import LossyCoder

        return LossyCoder(run, trade, weight_bits=weight_bits)
    if isinstance(run.model, Quantizes):
        raise SettingError(
            f"{run.path}: a {run.settings.method} codes pictures with a loss; give lossy=True, or train a vae on 8-bit "
            f"pixels with {' or '.join(masses())}, or on binary ones.",
            "lossy",
        )
    from vaekit.coding.exact_vae import exact_model

    with _of_run(run):
        model = exact_model(run.model, weight_bits)
        one_layer(model)  # which says where its likelihood has no masses
        return BitsBack(model)


def masses() -> list[str]:
    """Likelihoods that give masses of 8-bit pixels, as they are asked for."""
    return [
        f"likelihood={name!r}"
        for name, part in LIKELIHOODS.items()
        if part.kind == "mass" and "8-bit" in part.pixels
    ]


@contextmanager
def _of_run(run: Run) -> Iterator[None]:
    """Puts the run before what is wrong with it."""
    try:
        yield
    except InputError as error:
        raise SettingError(f"{run.path}: {error}", getattr(error, "option", None)) from None


def coder_bytes(coder: Any) -> bytes:
    """The model of a coder as it stands in a file, with the tables of the entropy coder beside it."""
    about, arrays = coder.to_arrays()
    held = {f"model.{name}": array for name, array in arrays.items()}
    held |= {f"table.{name}": knots for name, knots in tables_of(coder.name, about).items()}
    return arrays_to_bytes({"coder": coder.name, "model": about}, held)


def tables_of(name: str, about: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Knots of the tables that another program needs beside the model, int64.

    Args:
        name: of the coder.
        about: description of its model.
    """
    return tables_for(str(about["likelihood"]["name"])) if name == "bits-back" else {}


def coder_from_bytes(content: bytes, hashed: str) -> Any:
    """The coder of a model inside a file.

    Args:
        hashed: hash that the file names.

    Raises:
        DataError: it is damaged, or another one.
    """
    with foreign("the model inside is damaged"):
        about, arrays = arrays_from_bytes(content, MOST_MODEL)
        name, held = str(about["coder"]), {"model": {}, "table": {}}
        for whole, array in arrays.items():
            group, _, rest = whole.partition(".")
            held[group][rest] = array
        coder = _built(name, about["model"], held["model"])
        tables = tables_of(name, about["model"])
        if tables.keys() != held["table"].keys() or not all(
            np.array_equal(knots, held["table"][key]) for key, knots in tables.items()
        ):
            raise DataError("its tables are not those of this version.")
        if coder.hash() != hashed:
            raise DataError("the model inside is not the one that the file names (SHA-256).")
    return coder


def _built(name: str, about: Any, arrays: dict[str, np.ndarray]) -> Any:
    if name == "bits-back":
        return BitsBack(ExactModel.from_arrays(about, arrays, "the model inside"))
    if name == "codes":
        from vaekit.coding.exact_codes import ExactCodes

        return ExactCodes.from_arrays(about, arrays, "the model inside")
    raise ValueError(f"a coder {name!r:.40}, which this version does not know")


def coder_for(head: Any, inside: bytes | None, run: Any, where: Path) -> Coder:
    """The coder that a file needs: the model inside, or the one of a run.

    Args:
        head: what the file says of itself.
        inside: the model inside, or None.
        run: a run or its folder, or None.

    Raises:
        RunError: the run is another one, or none is given where one is needed.
        DataError: the model inside is damaged, or this machine computes other numbers.
    """
    needed = head["model"]
    if inside is not None:
        coder = coder_from_bytes(inside, needed["hash"])
    elif run is None:
        raise RunError(
            f"{where}: its pictures need the model of the run {needed.get('run', '')!s:.80} (SHA-256 "
            f"{needed['hash'][:12]}), which is not inside; give model='RUN'."
        )
    else:
        coder = _of_given(head, run, where)
    if coder.known().hex() != needed.get("known"):
        raise DataError(
            f"{where}: the model does not decode to the known answer here; nothing was restored, since pixels would be wrong."
        )
    return coder


def _of_given(head: Any, run: Any, where: Path) -> Any:
    try:
        from vaekit.runs.ask import run_of
    except ImportError as error:
        raise RunError(
            f"{where}: reading the run {run} needs {error.name or 'torch'}, which cannot be imported here; a file that was made "
            "with with_model=True needs no run."
        ) from None
    found, needed = run_of(run, "cpu"), head["model"]
    bits = needed.get("weight_bits", 12)
    if type(bits) is not int or not 1 <= bits <= 24:
        raise DataError(f"{where}: its head names weights of {bits!r:.20} bits.")
    coder = coder_of(found, needed["coder"] == "codes", bits)
    if coder.hash() != needed["hash"]:
        raise RunError(
            f"{where}: {found.path} is not the run that it was made with (SHA-256 {coder.hash()[:12]}, needed "
            f"{needed['hash'][:12]}, {needed.get('run', '')!s:.80})."
        )
    return coder
