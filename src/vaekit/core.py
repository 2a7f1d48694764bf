"""Records that pass between the parts of vaekit, and what it raises. Imports no torch.

Shape letters, used in every docstring:

    B  images in a batch          S  samples of z for one image (leading dimension)
    C  channels                   D  latent dimensions, or features of an (N, D) array
    H, W  height and width        N  images in a split
    h, w  of a grid of codes      K  codes in a codebook

Images are (B, C, H, W), or (B, D) for arrays of features; values are floats in [0, 1] once they
reach a model. Every loss term is in nats per image, summed over pixels and latents, shape (B,);
the mean over the batch is the last line of an objective.

    VaekitError                    base of everything raised on purpose
    ├── InputError                 a bad option, file or value: exit status 2, one line
    │   ├── SettingError           an option or a constructor's argument
    │   ├── DataError              a data source: missing, empty, damaged, unfitting
    │   └── RunError               a run folder: missing, foreign, incomplete, already there
    └── TrainingError              the training itself failed: exit status 1
        └── NonFiniteError         a loss term became NaN or infinite

    VaekitWarning                  something works, but not as the user may think
    └── TrainingNote               a training ended, but learned less than it could
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vaekit.printable import a_kind as a_kind
from vaekit.printable import bounded as bounded
from vaekit.printable import printable as printable
from vaekit.synonyms import meant

if TYPE_CHECKING:
    from torch import Tensor
    from torch.distributions import Distribution


class VaekitError(Exception):
    """Base of every error that vaekit raises on purpose. The message is one line for the user.

    Args:
        parts: what any exception takes; the first is the message.

    Example:
        >>> try:
        ...     vaekit.VAE(data.shape, latent_dim=0)
        ... except vaekit.VaekitError as error:
        ...     print(error)
        latent_dim must be at least 1, not 0.
    """

    def __init__(self, *parts: object) -> None:
        said = (bounded(printable(part, keep="\n")) if isinstance(part, str) else part for part in parts)
        super().__init__(*said)


class InputError(VaekitError, ValueError):
    """Something given to vaekit is wrong; the message names it and the remedy.

    Example:
        >>> try:
        ...     vaekit.load_data("no/such/folder")
        ... except vaekit.InputError:  # an option, a file or a value: the message has the remedy
        ...     print("asks again")
        asks again
    """


class SettingError(InputError):
    """An option or argument is wrong or does not fit the others.

    Args:
        message: one line, with the remedy.
        option: name of the argument, where it is one; the message names it too. Also an attribute.

    Example:
        >>> try:
        ...     vaekit.train("vae", "digits", latent_dims=3)
        ... except vaekit.SettingError as error:
        ...     print(error)
        method vae: unknown option 'latent_dims'. Did you mean latent_dim?
    """

    def __init__(self, message: str, option: str | None = None) -> None:
        super().__init__(message)
        self.option = option


class DataError(InputError):
    """A data source cannot be used as it is.

    Example:
        >>> try:
        ...     model.embed(images[:, :, :4])
        ... except vaekit.DataError as error:
        ...     print("other images than the model's")
        other images than the model's
    """


class RunError(InputError):
    """A run folder cannot be used as it is.

    Example:
        >>> try:
        ...     vaekit.load_run("photos")
        ... except vaekit.RunError:
        ...     print("no run")
        no run
    """


class TrainingError(VaekitError, RuntimeError):
    """Training cannot continue.

    Example:
        >>> try:
        ...     history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, progress=False)
        ... except vaekit.TrainingError as error:  # not InputError: nothing that was given is wrong by itself
        ...     print("try a lower learning rate:", error)
    """


class NonFiniteError(TrainingError):
    """A loss term became NaN or infinite; the message has the step, the term and what to try.

    Example:
        >>> issubclass(vaekit.NonFiniteError, vaekit.TrainingError)
        True
    """


class VaekitWarning(UserWarning):
    """Something works, but perhaps not as meant.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore", vaekit.VaekitWarning)  # or "error", in a script that must not be surprised
    """


class TrainingNote(VaekitWarning):
    """A training has ended and learned less than it could have; the message has the remedy.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore", vaekit.TrainingNote)  # of a training that is short on purpose
        ...     history = vaekit.fit(model, vaekit.ELBO(), data, steps=2, progress=False)
    """


@dataclass(frozen=True, slots=True)
class Latent:
    """One layer of latent variables.

    Attributes:
        posterior: q(z|x), batch shape (B, ...); None where z is not random (AE, VQ-VAE): no KL.
        prior: p(z) or p(z|z'), broadcastable against the posterior; None as above.
        z: the value drawn from the posterior, or a deterministic latent itself, (B, ...).
    """

    posterior: Distribution | None
    prior: Distribution | None
    z: Tensor

    def __repr__(self) -> str:
        posterior, prior = (
            None if each is None else type(each).__name__ for each in (self.posterior, self.prior)
        )
        return f"Latent(posterior={posterior}, prior={prior}, z={tuple(self.z.shape)})"


@dataclass(frozen=True, slots=True)
class Quantized:
    """A batch of vectors on a grid after a quantiser.

    Attributes:
        z: the codes' vectors, (B, D, h, w); their gradient goes to the encoder unchanged.
        indices: which codes those are, (B, h, w) int64, 0 to K - 1.
        penalties: `codebook` and `commitment`, where they apply: squared distances summed over the
            image, (B,), unweighted.
        counts: how often each code occurs in the batch, (K,) float.
    """

    z: Tensor
    indices: Tensor
    penalties: Mapping[str, Tensor]
    counts: Tensor

    def __repr__(self) -> str:
        return f"Quantized(z={tuple(self.z.shape)}, indices={tuple(self.indices.shape)})"


@dataclass(frozen=True, slots=True)
class Output:
    """The distributions of a model for a batch; objectives read this and nothing else.

    Attributes:
        likelihood: p(x|z); `log_prob(x)` gives nats per image, (B,).
        latents: every layer of latents, from the top.
        penalties: further terms, (B,) each, unweighted: their weights belong to the objective.
        counts: histograms over the batch, (K,) each, such as how often each code occurs.
        picture: what p(x|z) looks like, its mean within the range of the pixels, (B, *shape), without
            gradient; None where nobody asks for its error.
    """

    likelihood: Distribution
    latents: tuple[Latent, ...]
    penalties: Mapping[str, Tensor] = field(default_factory=dict)
    counts: Mapping[str, Tensor] = field(default_factory=dict)
    picture: Tensor | None = None

    def __repr__(self) -> str:
        what = self.likelihood
        sizes = f"{tuple(what.batch_shape)} of {tuple(what.event_shape)}"
        return f"Output(likelihood={type(what).__name__} {sizes}, latents={self.latents})"


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of a batch and its terms.

    Attributes:
        total: scalar to minimise, mean over the batch.
        terms: named quantities with their unit in the name, (B,) each or (B, D); detached by
            whoever records them. Means over all images of a split are reported, never means of
            batch means.
        counts: histograms, (K,) each, summed over all images of a split; `Objective.figures` says
            what is reported of them.
    """

    total: Tensor
    terms: Mapping[str, Tensor]
    counts: Mapping[str, Tensor] = field(default_factory=dict)

    def backward(self) -> None:
        """Computes the gradients of the total."""
        self.total.backward()

    def item(self) -> float:
        """Returns the total as a number."""
        return float(self.total.detach())

    def __repr__(self) -> str:
        means = (f"{name}={term.detach().mean():.4g}" for name, term in self.terms.items() if term.dim() == 1)
        return f"Loss(total={self.item():.4g}: {', '.join(means)})"


def counted(count: int, noun: str) -> str:
    """`1 image`, `1,797 images`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def examples(count: int, shape: Iterable[int]) -> str:
    """`3 rows` of features, (D,); `3 images` of any other shape."""
    return counted(count, "row" if len(tuple(shape)) == 1 else "image")


def near_miss(word: str, known: Iterable[str]) -> str:
    """` Did you mean X?` for the known word that is meant (`vaekit.synonyms`), or `` when none is near."""
    close = meant(word, list(known))
    return f" Did you mean {close}?" if close else ""


def choose(word: object, table: Mapping[str, object] | Iterable[str], what: str) -> None:
    """Checks that a word is one of those known.

    Raises:
        SettingError: names the word, the near miss and all choices; or it is no word.
    """
    known = list(table)
    if not isinstance(word, str):
        raise SettingError(f"{what} is {a_kind(word)}; give a name: {', '.join(known)}.", what)
    if word not in known:
        close = near_miss(word, known)
        raise SettingError(f"unknown {what} {word!r}.{close} Choices: {', '.join(known)}.", what)


def warn_of(lines: Iterable[str], kind: type[VaekitWarning] = VaekitWarning) -> None:
    """A VaekitWarning, or one of that kind, for each line, at the place that called who called this."""
    for line in lines:
        warnings.warn(printable(line, keep="\n"), kind, stacklevel=3)


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed that is a function of its parts only: equal parts, equal streams; else unrelated ones."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


LONGEST = 160  # characters of another's message


@contextmanager
def foreign(
    where: str, kind: type[InputError] = DataError, say: Callable[[BaseException], str] | None = None
) -> Iterator[None]:
    """Turns whatever is raised within the block into `WHERE: REASON`, one line; vaekit's own errors pass.

    No list of exceptions is ever complete: a damaged byte reaches `tokenize` through numpy, a panic comes from Rust
    through safetensors, recursion through json.

    Args:
        where: begins the line: the file, and what cannot be done with it.
        kind: of the error that is raised.
        say: gives the rest of the line; None takes `reason` and a full stop.

    Raises:
        InputError: of that kind, whatever the parser raised.
    """
    try:
        yield
    except (VaekitError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of Rust is no Exception
        rest = f"{reason(error).removesuffix('.')}." if say is None else say(error)
        raise kind(f"{where}: {rest}") from None  # its own is in __context__


def reason(error: BaseException) -> str:
    """Says what went wrong, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    line = " ".join(str(error).split())
    return (
        line
        if len(line) <= LONGEST and line
        else (line[: LONGEST - 3] + "..." if line else type(error).__name__)
    )


on_reach: Callable[[str], None] | None = None  # set by the tests that kill a run at every point


def reach(point: str) -> None:
    """Marks a place where a run may be killed. Does nothing but call `on_reach`."""
    if on_reach is not None:
        on_reach(point)
