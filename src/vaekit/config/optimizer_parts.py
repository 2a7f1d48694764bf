"""OPTIMIZERS: every update rule with its options, one line each. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from vaekit.config.configured import with_options
from vaekit.config.fields import imported, option
from vaekit.config.parts import Part


@dataclass(frozen=True)
class OptimizerPart(Part):
    """Interface of an update rule's options.

    Attributes:
        module: function (parameters, learning_rate, part) -> `vaekit.training.optimizers.Rule`, or
            "module:function" so that the table needs no torch.
    """

    module: ClassVar[Any]

    def build(
        self, parameters: Sequence[Any], learning_rate: float, hidden: Collection[Any] | None = None
    ) -> Any:
        """The rule for these parameters.

        Args:
            hidden: those that are matrices within a network (`vaekit.training.optimizers.hidden_matrices`), for a rule
                that treats them otherwise; None where they are not known.
        """
        return imported(type(self).module)(parameters, learning_rate, self)


@with_options
@dataclass(frozen=True)
class Adam(OptimizerPart):
    """Adam (Kingma & Ba 2015).

    Example:
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, optimizer=vaekit.Adam(beta2=0.999), progress=False)
    """

    beta1: float = option(0.9, at_least=0, below=1, help="decay of the first moment")
    beta2: float = option(0.99, at_least=0, below=1, help="decay of the second moment")
    weight_decay: float = option(0.0, at_least=0, help="weight of an L2 penalty")

    module: ClassVar[Any] = "vaekit.training.optimizers:adam"


@with_options
@dataclass(frozen=True)
class AdamW(OptimizerPart):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    Example:
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, optimizer=vaekit.AdamW(weight_decay=0.01), progress=False)
    """

    beta1: float = option(0.9, at_least=0, below=1, help="decay of the first moment")
    beta2: float = option(0.99, at_least=0, below=1, help="decay of the second moment")
    weight_decay: float = option(0.0, at_least=0, help="decoupled: share of a weight lost, times the rate")

    module: ClassVar[Any] = "vaekit.training.optimizers:adamw"


@with_options
@dataclass(frozen=True)
class Adamax(OptimizerPart):
    """Adam with the largest gradient in the place of the second moment (Kingma & Ba 2015, section 7).

    Example:
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, optimizer=vaekit.Adamax(beta1=0.8), progress=False)
    """

    beta1: float = option(0.9, at_least=0, below=1, help="decay of the first moment")
    beta2: float = option(0.99, at_least=0, below=1, help="decay of the largest gradient")
    weight_decay: float = option(0.0, at_least=0, help="weight of an L2 penalty")

    module: ClassVar[Any] = "vaekit.training.optimizers:adamax"


@with_options
@dataclass(frozen=True)
class SGD(OptimizerPart):
    """Gradient descent with Nesterov's momentum.

    Example:
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, optimizer=vaekit.SGD(beta1=0.95), learning_rate=1e-4, progress=False)
    """

    beta1: float = option(0.9, at_least=0, below=1, help="momentum")
    weight_decay: float = option(0.0, at_least=0, help="weight of an L2 penalty")

    module: ClassVar[Any] = "vaekit.training.optimizers:sgd"


@with_options
@dataclass(frozen=True)
class Muon(OptimizerPart):
    """Orthogonal updates of the matrices within networks (Jordan 2024), AdamW for the rest: embeddings, codebooks, the last
    layer of each network, and what is no matrix.

    Example:
        >>> muon = vaekit.Muon(weight_decay=0.01)
        >>> history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, optimizer=muon, progress=False)
    """

    beta1: float = option(
        0.9, at_least=0, below=1, help="momentum, of the rest the decay of the first moment"
    )
    beta2: float = option(0.99, at_least=0, below=1, help="decay of the second moment of the rest")
    weight_decay: float = option(0.0, at_least=0, help="decoupled: share of a weight lost, times the rate")

    every_matrix: bool = option(
        False, help="embeddings and last layers too, as in runs from before this option"
    )

    module: ClassVar[Any] = "vaekit.training.optimizers:MuonForMatrices"

    def build(
        self, parameters: Sequence[Any], learning_rate: float, hidden: Collection[Any] | None = None
    ) -> Any:
        """As in `OptimizerPart`; takes every matrix with `every_matrix`, or where `hidden` is not known."""
        matrices = None if self.every_matrix else hidden
        return imported(type(self).module)(parameters, learning_rate, self, matrices)


OPTIMIZERS: dict[str, type[OptimizerPart]] = {
    "adam": Adam,
    "adamw": AdamW,
    "adamax": Adamax,
    "sgd": SGD,
    "muon": Muon,
}
