"""Objects in a notebook or at a prompt: a line of what they are, and in a page their numbers and a few pictures."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from vaekit.core import a_kind, printable
from vaekit.images.png import data_uri
from vaekit.images.sheet import contact_sheet
from vaekit.metrics import PLAIN, Under, metric_of
from vaekit.synonyms import meant

SHOWN, SIDE, LONG = 16, 64, 60  # thumbnails, dots of their longer side at most, characters of a fact
# No answers to "what has it?"
OF_DISPLAY = ("elsewhere", "facts", "key_figures", "measured_under", "thumbnails")
CELL = "padding:1px 12px 1px 0;text-align:left"


class Displayed:
    """Base of objects that are shown in short: `repr` is one line, and a notebook shows a table and thumbnails.

    A dataclass of this base needs `repr=False`. Asked for what it has not, it says what it has.

    Attributes:
        elsewhere: where that is which people look for here, by the names that they type.
    """

    elsewhere: ClassVar[Mapping[str, str]] = {}

    def facts(self) -> dict[str, Any]:
        """Returns what it is, in a few words or numbers each."""
        return {}

    def key_figures(self) -> Mapping[str, float]:
        """Returns its main numbers, by keys of METRICS."""
        return {}

    def measured_under(self) -> Under:
        """Returns the conditions of its numbers."""
        return PLAIN

    def thumbnails(self) -> Tensor | None:
        """Returns a few pictures, (N, C, H, W) in [0, 1] or uint8; None without any."""
        return None

    def __getattr__(self, name: str) -> Any:
        if hasattr(super(), "__getattr__"):  # of a module, which keeps its parts elsewhere
            return super().__getattr__(name)  # type: ignore[misc]
        if name.startswith("_") or hasattr(type(self), name):  # a protocol, or a property that failed
            return object.__getattribute__(self, name)
        raise AttributeError(f"{a_kind(self)} has no {name}; {self._instead(name)}.", name=name)

    def _instead(self, name: str) -> str:
        """Names what has what somebody asked for, or what there is."""
        if name in self.elsewhere:
            return self.elsewhere[name]
        has = [each for each in dir(self) if not each.startswith("_") and each not in OF_DISPLAY]
        close = meant(name, has)
        return f"it has {close or ', '.join(has)}"

    def __repr__(self) -> str:
        figures = {key: metric_of(key).text(value) for key, value in self.key_figures().items()}
        told = [f"{name}={clipped(value)}" for name, value in self.facts().items() if value is not None]
        told += [f"{key}={text}" for key, text in figures.items()]
        return f"{type(self).__name__}({', '.join(told)})"

    def _repr_html_(self) -> str:
        rows = [
            (escape(n), escape(clipped(v, bare=True)), "", "")
            for n, v in self.facts().items()
            if v is not None
        ]
        for key, value in self.key_figures().items():
            metric = metric_of(key, self.measured_under())
            rows.append(
                (
                    escape(metric.label),
                    metric.text(value),
                    escape(metric.unit),
                    escape(metric.sentence, quote=True),
                )
            )
        cells = "".join(
            f'<tr title="{why}"><th style="{CELL}">{name}</th><td style="{CELL}">{text}</td><td style="{CELL}">{unit}</td></tr>'
            for name, text, unit, why in rows
        )
        picture = thumbnail_row(self.thumbnails())
        return f"<div><b>{type(self).__name__}</b><table>{cells}</table>{picture}</div>"


def clipped(value: Any, bare: bool = False) -> str:
    """A value in at most LONG characters.

    Args:
        bare: text without quotes.
    """
    text = printable(str(value)) if bare and isinstance(value, str) else repr(value)
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def thumbnail_row(images: Tensor | None) -> str:
    """At most SHOWN pictures in one row, as an image of a page; empty where there are none, or no Pillow."""
    if images is None or images.ndim != 4 or not len(images) or not 1 <= images.shape[1] <= 4:
        return ""
    few = images[:SHOWN].detach().cpu()
    few = few / 255 if few.dtype == torch.uint8 else few.float()
    if not (few.isfinite().all() and few.min() >= -1e-3 and few.max() <= 1 + 1e-3):
        return ""  # real numbers, and no brightness
    if max(few.shape[-2:]) > SIDE:
        share = SIDE / max(few.shape[-2:])
        size = [max(1, round(side * share)) for side in few.shape[-2:]]
        few = F.interpolate(few, size, mode="area")
    try:
        content = contact_sheet(few, columns=len(few))
    except ImportError:
        return ""
    return f'<img alt="{len(few)} pictures" style="max-width:100%" src="{data_uri(content)}">'


def spread_over(images: Tensor, labels: Tensor | None = None) -> Tensor:
    """A few images of many: classes take turns where labels are given, else evenly spaced ones."""
    count = min(SHOWN, len(images))
    if labels is None or len(labels) != len(images):
        return images[torch.arange(count) * len(images) // max(count, 1)]
    turns = torch.zeros(len(labels), dtype=torch.long)
    for number in labels.unique().tolist():
        places = (labels == number).nonzero()[:, 0]
        turns[places] = torch.arange(len(places))
    order = torch.argsort(turns * (int(labels.max()) + 1) + labels, stable=True) if len(labels) else turns
    return images[order[:count]]
