"""`decompress`: the pictures of a .vk file, to the last pixel; of a damaged file those of every part that is whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.coding.coders import coder_for
from vaekit.coding.container import Container, Entry, Lost, opened
from vaekit.coding.portion import MODEL, Coder, Group, coder_number, read_part
from vaekit.coding.restoring import ENDINGS, Place, restored_into
from vaekit.core import DataError, SettingError, reason
from vaekit.runs.outputs import check_out
from vaekit.runtime.pulse import ProgressCallback, pulse, report

if TYPE_CHECKING:  # a file with its model inside is restored where there is no torch
    from vaekit.runs.load import Run


@dataclass(frozen=True)
class Decompressed:
    """Pictures that `decompress` restored.

    Attributes:
        out: the folder or file that they are in.
        source: what was compressed.
        images: number of examples that were restored.
        total: number of examples that were asked for; of a file without its index all that it says it has.
        lost: what could not be restored, and why.
        notes: what else is odd: damage that cost nothing, files that could not have their name, a loss that was meant.
        stopped: why the work was stopped, or None.

    Example:
        >>> made = vaekit.compress("runs/binary", split="test", out="test.vk", beside=0, progress="none")
        >>> back = vaekit.decompress("test.vk", out="again.npz", model="runs/binary", progress="none")
        >>> back.images == back.total, back.lost
        (True, [])
    """

    out: Path
    source: str
    images: int
    total: int
    lost: list[Lost] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopped: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON has it."""
        lost = [
            {"part": one.part, "first": one.first, "count": one.count, "why": one.why} for one in self.lost
        ]
        return {
            "out": str(self.out), "source": self.source, "images": self.images, "total": self.total, "lost": lost,
            "notes": list(self.notes), "stopped": self.stopped,
        }  # fmt: skip


class Stopped(Exception):
    """Ends the work before its end; nothing is left behind."""


def decompress(
    file: str | Path,
    *,
    out: str | Path,
    model: Run | str | Path | None = None,
    part: int | None = None,
    progress: str = "auto",
    tell: ProgressCallback | None = None,
    should_stop: Callable[[], str | None] | None = None,
) -> Decompressed:
    """Restores the pictures of a file: `decompress("photos.vk", out="photos")`.

    Args:
        file: that `vaekit.compress` wrote.
        out: a new folder, where pictures go under their names, as PNG, and files that were kept as they were; or a .npz with
            `images`, and `labels` and `names` where there are any.
        model: the run that it was made with, or its folder, where the model is not inside.
        part: number of the one part to restore, from 0; None restores all.
        progress: "auto" shows how far it is and the time left, on standard error; "none" nothing.
        tell: called with the progress instead.
        should_stop: asked after each part; a reason ends the work, and nothing is left behind.

    Returns:
        What was restored, and what of a damaged file was lost.

    Raises:
        SettingError: no such file or part, or an `out` that cannot hold the pictures.
        DataError: no .vk file, or one of which nothing can be restored.
        RunError: it needs a run that was not given, or `out` cannot be written.

    Example:
        >>> made = vaekit.compress("runs/binary", split="test", out="test.vk", beside=0, with_model=True, progress="none")
        >>> vaekit.decompress("test.vk", out="restored.npz", progress="none").images
        313
    """
    out = Path(out)
    check_out(out, ENDINGS, file)
    with opened(file) as container, pulse(progress, tell) as told:
        entries, source = chosen(container, part), str(container.head["source"])
        try:
            with restored_into(out, container.head) as place:
                work = Work(container, model, place, told, should_stop)
                work.restore(entries)
                lost = work.all_lost(entries, part)
                if not work.images and lost:
                    raise DataError(f"{file}: nothing of it can be restored: {lost[0]}.")
        except Stopped as stop:
            return Decompressed(out, source, 0, container.head["images"], stopped=str(stop))
        notes = [*container.notes, *work.notes(place)]
        return Decompressed(out, source, work.images, work.total(entries, part), lost, notes)


def chosen(container: Container, part: int | None) -> list[Entry]:
    """The parts that are asked for.

    Raises:
        SettingError: no such part.
    """
    entries = container.entries()
    if part is None:
        return entries
    if not 0 <= part < len(entries):
        raise SettingError(f"part={part}: {container.path} has parts 0 to {len(entries) - 1}.", "part")
    return [entries[part]]


class Work:
    """Restores the parts of a file, one after another.

    Attributes:
        images: examples that were restored.
        lost: what was not.
    """

    def __init__(
        self, container: Container, model: Any, place: Place, told: ProgressCallback | None,
        should_stop: Callable[[], str | None] | None,
    ) -> None:  # fmt: skip
        self.images, self.lost = 0, list[Lost]()
        self._container, self._model, self._place = container, model, place
        self._told, self._should_stop = told, should_stop
        self._coder: Coder | None = None
        self._why = ""
        self._spans: list[tuple[int, int]] = []

    def restore(self, entries: list[Entry]) -> None:
        """Restores parts; what is damaged is noted.

        Raises:
            Stopped: as `should_stop` wants it.
        """
        shape = tuple(self._container.head["shape"])
        for entry in entries:
            try:
                payload = self._container.payload(entry)
                coder = self._coder_for(payload)
                first, group = read_part(payload, shape, coder, entry.count)
                reached = self._spans[-1][1] if self._spans else 0
                if entry.first not in (-1, first) or not reached <= first <= self._all - len(group):
                    raise DataError("its examples are not those of its place.")
            except DataError as error:
                self.lost.append(
                    Lost(entry.number, entry.first, entry.count, reason(error).removesuffix("."))
                )
            else:
                self._add(first, group)
            report(self._told, "restoring", min(self.images, self._all), self._all)
            why = self._should_stop() if self._should_stop is not None else None
            if why:
                raise Stopped(why)

    @property
    def _all(self) -> int:
        return self._container.head["images"]

    def _add(self, first: int, group: Group) -> None:
        self._place.add(first, group)
        self._spans.append((first, first + len(group)))
        self.images += len(group)

    def _coder_for(self, payload: bytes) -> Coder | None:
        """The model, once a part needs it.

        Raises:
            RunError: it needs a run that was not given.
            DataError: the model inside is damaged, and no run is given.
        """
        if coder_number(payload) != MODEL or self._coder is not None:
            return self._coder
        if self._why:
            raise DataError(self._why)
        head, inside = self._container.head, None
        if head["model"] is None:
            raise DataError("it needs a model, and the file names none")
        if self._model is None:
            try:
                inside = self._container.model()
                if inside is None and head["model"].get("inside"):
                    raise DataError("it is gone.")
                self._coder = coder_for(head, inside, None, self._container.path)
            except DataError as error:
                self._why = f"the model inside is damaged ({reason(error).removesuffix('.')}); give the run as model='RUN'"
                raise DataError(self._why) from None
        else:
            self._coder = coder_for(head, None, self._model, self._container.path)
        return self._coder

    def total(self, entries: list[Entry], part: int | None) -> int:
        """The number of examples that were asked for."""
        if part is None:
            return self._all
        return max(sum(entry.count for entry in entries), self.images)

    def all_lost(self, entries: list[Entry], part: int | None) -> list[Lost]:
        """Everything that was lost, the examples included that no part is left of."""
        if part is not None:
            return self.lost
        known = [(entry.first, entry.first + entry.count) for entry in entries if entry.count >= 0]
        gaps, reached = [], 0
        for first, end in sorted([*self._spans, *known]):
            if first > reached:
                gaps.append(Lost(None, reached, first - reached, "nothing is left of it"))
            reached = max(reached, end)
        if reached < self._all:
            gaps.append(Lost(None, reached, self._all - reached, "nothing is left of it"))
        return [*self.lost, *gaps]

    def notes(self, place: Place) -> list[str]:
        """Lines on what else is to be known."""
        notes = []
        if place.renamed:
            notes.append(
                f"{place.renamed:,} files have other names than theirs, which no file can have here or which were taken"
            )
        if not self._container.head.get("lossless", True):
            notes.append("the pictures were coded with a loss: they are the model's, not the originals")
        return notes
