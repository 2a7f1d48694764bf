"""`vaekit cards`."""

from __future__ import annotations

import vaekit
from vaekit.cli.card_tables import cards_lines
from vaekit.cli.command_options import CardsOptions
from vaekit.cli.output import Result


def cards(options: CardsOptions) -> Result:
    """Puts cards side by side, with the differences of their figures."""
    result = vaekit.cards(options.cards)
    return Result(result.as_dict(), "\n".join(cards_lines(result)))
