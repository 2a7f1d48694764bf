"""QUANTIZERS: every way to learn the codes of a VQ-VAE with its options, one line each. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from vaekit.config.configured import with_options
from vaekit.config.fields import imported, option
from vaekit.config.parts import Part
from vaekit.core import SettingError

LEVELS = {  # numbers of codes -> levels per dimension (Mentzer et al. 2023, table 1; the first is ours)
    64: (4, 4, 4), 256: (8, 6, 5), 512: (8, 8, 8), 1024: (8, 5, 5, 5), 4096: (7, 5, 5, 5, 5), 16384: (8, 8, 8, 6, 5),
}  # fmt: skip


@dataclass(frozen=True)
class QuantizerPart(Part):
    """Interface of a quantiser's options.

    Attributes:
        module: its `vaekit.networks.quantizers.Quantizer`, or "module:Class" so that the table needs no torch.
    """

    module: ClassVar[str | type]

    def build(self) -> Any:
        """The quantiser."""
        return imported(self.module)(self)


@dataclass(frozen=True)
class CodebookPart(QuantizerPart):
    """Options of the codebooks, which differ in how their vectors learn."""

    codes: int = option(512, at_least=2, first=True, help="K, size of the codebook")
    code_dim: int = option(16, at_least=1, help="length of a code's vector")
    decay: float = option(0.99, at_least=0, below=1, help="of the moving averages of the codebook, per step")
    kmeans: bool = option(True, help="start the codebook by k-means on the encoder's output")
    revive: bool = option(True, help="replace codes that are hardly used by what the encoder returns")


@with_options
@dataclass(frozen=True)
class EMA(CodebookPart):
    """Codes are moving averages of what is assigned to them (van den Oord et al. 2017, appendix A.1).

    Example:
        >>> model = vaekit.VQVAE(data.shape, quantizer=vaekit.EMA(codes=64, decay=0.9))
    """

    module: ClassVar[str | type] = "vaekit.networks.quantizers:EMACodebook"


@with_options
@dataclass(frozen=True)
class GradientCodes(CodebookPart):
    """Codes learn by gradient (van den Oord et al. 2017, eq. 3).

    Example:
        >>> model = vaekit.VQVAE(data.shape, quantizer=vaekit.GradientCodes(codes=64, code_dim=8))
    """

    module: ClassVar[str | type] = "vaekit.networks.quantizers:GradientCodebook"


@with_options
@dataclass(frozen=True)
class FSQ(QuantizerPart):
    """Finite scalar quantisation: codes are fixed (Mentzer et al. 2023).

    Example:
        >>> model = vaekit.VQVAE(data.shape, quantizer=vaekit.FSQ(codes=64))
    """

    codes: int = option(512, first=True, help=f"about the number of codes: {', '.join(map(str, LEVELS))}")

    module: ClassVar[str | type] = "vaekit.networks.quantizers:FiniteScalars"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.codes not in LEVELS:
            choices = ", ".join(map(str, LEVELS))
            raise SettingError(f"codes: fsq has no levels for {self.codes} codes; take {choices}.", "codes")


QUANTIZERS: dict[str, type[QuantizerPart]] = {
    "ema": EMA,
    "gradient": GradientCodes,
    "fsq": FSQ,
}
