"""Options of a run, the parts that own some of them, and the table of methods. Imports no torch."""

from vaekit.config.configured import configured, options_of
from vaekit.config.fields import Options, option
from vaekit.config.likelihood_parts import LikelihoodPart
from vaekit.config.network_parts import NetworkPart
from vaekit.config.optimizer_parts import OptimizerPart
from vaekit.config.parts import Part
from vaekit.config.quantizer_parts import QuantizerPart
from vaekit.config.schedule_parts import Schedule

__all__ = [
    "LikelihoodPart",
    "NetworkPart",
    "OptimizerPart",
    "Options",
    "Part",
    "QuantizerPart",
    "Schedule",
    "configured",
    "option",
    "options_of",
]
