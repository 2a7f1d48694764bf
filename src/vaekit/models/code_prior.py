"""A prior over grids of codes, fitted to those of a VQ-VAE."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.nn import functional as F

from vaekit.config.configured import configured
from vaekit.config.model_options import CodePriorSettings
from vaekit.core import Output, SettingError
from vaekit.data.labels import check_labels
from vaekit.models.base import CodeDensity, evaluating
from vaekit.networks.causal import Cache, CausalTransformer
from vaekit.runtime.device import full_precision
from vaekit.runtime.random import total


class CodePrior(CodeDensity):
    """p(c) = prod_t p(c_t | c_1 ... c_{t-1}) over the codes of a grid, row by row, by a causal transformer.

    With classes p(c|y), and p(y) as often as each was seen in training.

    Args:
        shape: (1, h, w) of the grid.
        options: of the network; the number of codes K and of classes.
        pixels: of any data; codes are whole numbers.

    Raises:
        SettingError: an option out of range, or a condition on classes where there are none.
    """

    seen: Tensor

    @configured(CodePriorSettings)
    def __init__(self, shape: tuple[int, ...], options: CodePriorSettings, *, pixels: str = "real") -> None:
        super().__init__()
        if options.conditional and options.classes < 1:
            raise SettingError("conditional=True needs images with labels; these have none.", "conditional")
        self.shape, self.classes = tuple(shape), options.classes if options.conditional else 0
        self.network = CausalTransformer(
            options.codes,
            (shape[-2], shape[-1]),
            self.classes,
            options.width,
            options.depth,
            options.heads,
            options.dropout,
        )
        self.register_buffer("seen", torch.zeros(max(self.classes, 1)))
        self.arguments = {"shape": list(shape), "pixels": pixels, **options.flat()}

    @property
    def described(self) -> str:
        """`a transformer over grids of 7 × 7 codes`."""
        given = f", conditioned on one of {self.classes} classes" if self.classes else ""
        return f"a transformer over grids of {self.shape[-2]} × {self.shape[-1]} codes{given}"

    def forward(self, x: Tensor, y: Tensor | None = None) -> Output:
        """p(c|y) of every code given those before it, (B, 1, h, w); x: codes as floats."""
        y = self.labels(y, len(x))
        if self.training and y is not None:
            with torch.no_grad():
                here = torch.zeros_like(self.seen).scatter_add_(0, y, torch.ones_like(y, dtype=torch.float32))
                self.seen.add_(total(here))
        logits = full_precision(self.network(x.long().flatten(1), y))
        return Output(CodeDistribution(logits, self.shape), ())

    def labels(self, y: Tensor | None, count: int) -> Tensor | None:
        """The labels if they are used, checked as in `Model.condition`."""
        if not self.classes:
            return None
        validate = y is None or y.device.type == "cpu" or not self.training
        return check_labels(y, count, self.classes, validate).to(self.seen.device)

    def class_frequencies(self) -> Tensor:
        """p(y), (classes,), from the labels seen in training; all alike before."""
        seen = self.seen + (self.seen.sum() == 0)
        return seen / seen.sum()

    def marginal_nats(self, x: Tensor) -> Tensor:
        """-log p(c) = -log sum_y p(y) p(c|y), (B,), for codes (B, 1, h, w)."""
        if not self.classes:
            return -self(x).likelihood.log_prob(x)
        logs = [
            self(x, x.new_full((len(x),), k, dtype=torch.int64)).likelihood.log_prob(x) + frequency.log()
            for k, frequency in enumerate(self.class_frequencies())
        ]
        return -torch.stack(logs).logsumexp(0)

    def sample(
        self, count: int, y: Tensor | None = None, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:  # fmt: skip
        """Grids of codes, (count, 1, h, w) int64, one position after another.

        Args:
            y: (count,) classes; None draws them as often as they were seen, for a conditional prior.
            temperature: logits are divided by it; 0 takes the likeliest code everywhere.

        Raises:
            DataError: an unknown label.
        """
        with evaluating(self), torch.inference_mode():
            if self.classes and y is None:
                frequencies = self.class_frequencies().cpu()
                y = torch.multinomial(frequencies, count, replacement=True, generator=generator)
            y = self.labels(y, count)
            cache: Cache = []
            codes = torch.zeros(count, self.network.length, dtype=torch.int64, device=self.seen.device)
            for position in range(self.network.length):
                logits = full_precision(self.network.next(codes, y, cache))
                codes[:, position] = draw(logits, temperature, generator)
        return codes.view(count, *self.shape)

    def prepare(self, images: Tensor) -> None:
        pass


class CodeDistribution(Distribution):
    """A categorical distribution for each place of a grid of codes.

    torch's own would normalise all logits first, which costs as much as an eighth of a training step.

    Args:
        logits: (B, n, K), row by row.
        shape: of the grid's data, (1, h, w).
    """

    arg_constraints = {}  # pyright: ignore[reportAssignmentType]

    def __init__(self, logits: Tensor, shape: tuple[int, ...]) -> None:
        self.logits = logits
        super().__init__(logits.shape[:1], torch.Size(shape), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Nats per grid, (B,), for codes (B, 1, h, w), whole numbers of any type."""
        nats = F.cross_entropy(self.logits.flatten(0, 1), value.long().flatten(), reduction="none")
        return -nats.view(len(value), -1).sum(1)


def draw(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """One code each, (B, K) -> (B,), from the softmax of logits / temperature: the first whose cumulative
    share passes a uniform number, which is made on the CPU. Temperature 0 takes the likeliest."""
    if temperature == 0:
        return logits.argmax(-1)
    shares = (logits / temperature).softmax(-1).cumsum(-1)
    reached = torch.rand(len(logits), 1, generator=generator).to(shares.device) * shares[:, -1:]
    return (shares < reached).sum(-1)
