"""Encoder and decoder networks: tensor in, tensor out. They know no distribution and no loss.

NETWORKS maps a name to a part, whose module builds a `Pair` from a `Spec`; adding a network is one such
class and one line. Every module's forward is `(x, condition=None)`, the condition (B, K) or None.
"""

from __future__ import annotations

from vaekit.config.network_parts import GRID_NETWORKS, NETWORKS, NetworkPart, decide_network
from vaekit.networks.base import Pair, Spec

__all__ = ["GRID_NETWORKS", "NETWORKS", "NetworkPart", "Pair", "Spec", "decide_network"]
