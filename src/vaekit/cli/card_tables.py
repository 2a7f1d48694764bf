"""The card of an autoencoder for people, and several side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaekit.cli.output import aligned
from vaekit.cli.spelling import as_typed
from vaekit.core import counted
from vaekit.metrics import metric_of
from vaekit.wording import speak_of

if TYPE_CHECKING:
    from vaekit.evaluation.cards.card import Card
    from vaekit.evaluation.cards.side_by_side import Cards


def card_text(card: Card, path: str | None) -> list[str]:
    """Every figure of a card with its meaning, what was measured, and the hashes.

    Args:
        path: of the file that it was written to.
    """
    speak_of(card.about["shape"])
    about, rows = card.about, card.rows()
    lines = [
        f"card of {subject(card)}: {counted(about['images'], 'image')} of {about['data']}, {about['crop']}"
    ]
    label = max(len(row.label) for row in rows)
    number = max(len(row.text) for row in rows)
    for row in rows:
        floor = "" if row.floor is None else f"; training images: {row.floor_text}"
        lines.append(f"  {row.label:{label}}  {row.text:>{number}}  {row.unit}{floor}. {row.meaning}")
    lines += [f"note: {as_typed(note)}" for note in card.notes]
    lines.append("hashes: " + ", ".join(f"{name} {value[:8]}" for name, value in card.hashes.items()))
    return lines + ([f"written to {path}"] if path else [])


def subject(card: Card) -> str:
    """The autoencoder in a few words."""
    names = ("run", "encoder", "decoder") if "run" in card.model or "encoder" in card.model else ("model",)
    return " and ".join(str(card.model[name]) for name in names if name in card.model)


def cards_lines(found: Cards) -> list[str]:
    """The figures of cards side by side, with each difference from the first and its standard error."""
    speak_of(found.cards[0].about["shape"])
    table = [["", found.names[0], *(word for name in found.names[1:] for word in (name, "difference")), ""]]
    rows = [{row.key: row for row in card.rows()} for card in found.cards]
    for key in dict.fromkeys(key for card in rows for key in card):
        metric = metric_of(key)
        cells = [metric.label, rows[0][key].text if key in rows[0] else "–"]
        for card, differences in zip(rows[1:], found.differences, strict=True):
            one = next((one for one in differences if one.key == key), None)
            error = "" if one is None or one.error is None else f" ± {metric.text(one.error)}"
            cells += [card[key].text if key in card else "–"]
            cells += ["" if one is None else f"{metric.text(one.value)}{error}"]
        table.append([*cells, metric.unit])
    lines = aligned(table, right=range(1, len(table[0]) - 1))
    about = found.cards[0].about
    head = f"{counted(about['images'], 'image')} of {about['data']}, {about['crop']}"
    return [f"{head}; errors of differences are over the same images", *lines]
