"""Draws the figures of a run: which there are, which of them fit, and into which files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaekit.core import DataError, InputError, VaekitWarning, choose
from vaekit.data.dataset import Data, to_unit
from vaekit.evaluation.factors.factor_table import FEWEST, FactorTable
from vaekit.models import VQVAE
from vaekit.models.base import Autoencoder
from vaekit.models.latent import LatentModel
from vaekit.plots import code_maps as codes
from vaekit.plots import conditional as classes
from vaekit.plots import curves, encoded, grids, travel
from vaekit.plots import factor_maps as factors
from vaekit.plots import maps as latent
from vaekit.plots.encoded import Codes
from vaekit.plots.style import DPI
from vaekit.runs.files import write_atomic, writing
from vaekit.runs.load import Run

MOST_ENCODED = 10_000  # test images on the map
MOST_REBUILT = 2_000  # test images among which best and worst are sought
SAMPLES = 80
TEMPERATURES = (0.5, 0.7, 0.85, 1.0, 1.2)


@dataclass(frozen=True)
class Wishes:
    """What the user asked for beyond the defaults.

    Attributes:
        tsne: draw the t-SNE map too (it takes a while).
        ellipses: posterior ellipses on the maps, for this many images.
        linear: the manifold on equal steps instead of equal probability.
    """

    tsne: bool = False
    ellipses: int = 0
    linear: bool = False


class View:
    """A run as the figures see it; what is costly is computed once, when first asked for.

    Args:
        run: the run.
        data: its data, or None to look at its previews only.
    """

    def __init__(self, run: Run, data: Data | None, wishes: Wishes) -> None:
        self.run, self.data, self.wishes = run, data, wishes
        split = data.test if data is not None and len(data.test) else run.previews
        self.split = split.take(encoded.spread(len(split), MOST_ENCODED))
        self.kinds = data.factors if data is not None else None
        self.class_names = data.class_names if data is not None else run.class_names

    @property
    def why_no_images(self) -> str:
        """Why image figures cannot be drawn; empty if they can."""
        shape, pixels = self.run.config["data"]["shape"], self.run.config["data"]["pixels"]
        if len(shape) == 1:
            return f"the data are {shape[0]} features, not images"
        if shape[0] > 4:
            return f"images of {shape[0]} channels cannot be shown (1 to 4 can)"
        return "the pixels are real numbers, not brightness from 0 to 1" if pixels == "real" else ""

    @property
    def why_no_codes(self) -> str:
        """Why figures of the latent space cannot be drawn; empty if they can."""
        if isinstance(self.run.model, LatentModel):
            return ""
        discrete = isinstance(self.run.model, VQVAE)
        return (
            "codes are discrete: there are no directions in them" if discrete else "this model has no encoder"
        )

    @property
    def why_no_classes(self) -> str:
        """Why figures of a conditional model cannot be drawn; empty if they can."""
        return "" if self.run.model.sampled_classes else "this model is not told the classes (a cvae is)"

    @property
    def model(self) -> LatentModel:
        assert isinstance(self.run.model, LatentModel)
        return self.run.model

    @cached_property
    def images(self) -> Tensor:
        """(N, *shape) in [0, 1]; binarised by one seeded draw where training draws anew each time."""
        images = to_unit(self.split.images)
        if not self.run.config["data"]["dynamic"]:
            return images
        return torch.bernoulli(images, generator=torch.Generator().manual_seed(0))

    @cached_property
    def codes(self) -> Codes:
        return encoded.encode(self.model, self.images, self.split.labels)

    @property
    def why_no_factors(self) -> str:
        """Why nothing can be said of factors; empty if it can."""
        if self.kinds is None or self.split.factors is None:
            return "the factors that the images were made from are not known"
        if len(self.split) < FEWEST:
            return f"needs {FEWEST:,} images whose factors are known, here are {len(self.split):,}"
        return self.why_no_codes

    @cached_property
    def table(self) -> FactorTable:
        assert self.kinds is not None
        assert self.split.factors is not None
        codes, values = self.codes.mean.double().numpy(), self.split.factors.double().numpy()
        return FactorTable(codes, values, self.kinds)


def _reconstructions(view: View) -> Figure | str:
    if view.why_no_images:
        return view.why_no_images
    if not isinstance(view.run.model, Autoencoder):
        return "this model has no encoder"
    chosen = encoded.spread(len(view.images), MOST_REBUILT)
    images, labels = view.images[chosen], view.split.labels
    rebuilt = encoded.reconstruct(view.run.model, images, None if labels is None else labels[chosen])
    return grids.reconstructions(images, rebuilt)


def _samples(view: View) -> Figure | str:
    if view.why_no_images:
        return view.why_no_images
    images = encoded.sample(view.run.model, SAMPLES)
    turns = "; the classes take turns" if view.run.model.classes else ""
    return grids.samples(images, note=f"Means of p(x|z) for codes drawn from the prior{turns}; not chosen.")


def _latent_map(view: View) -> Figure | str:
    projection = "highest" if not view.why_no_codes and view.codes.mean.shape[1] > 2 else "axes"
    return _map(view, projection)


def _latent_pca(view: View) -> Figure | str:
    if not view.why_no_codes and view.codes.mean.shape[1] == 2:
        return "two latents are mapped as they are (latent_map)"
    return _map(view, "pca")


def _latent_tsne(view: View) -> Figure | str:
    return _map(view, "tsne") if view.wishes.tsne else "takes a while; ask for it with tsne=True"


def _map(view: View, projection: latent.Projection) -> Figure | str:
    if view.why_no_codes:
        return view.why_no_codes
    ellipses = view.wishes.ellipses if view.codes.random and projection != "tsne" else 0
    return latent.latent_map(view.codes, view.class_names, projection, ellipses)


def _traversals(view: View) -> Figure | str:
    reason = view.why_no_images or view.why_no_codes
    if reason:
        return reason
    carried = {} if view.why_no_factors else factors.carried(view.table, view.kinds or ())
    return travel.traversals(view.model, view.codes, carried=carried)


def _information(view: View) -> Figure | str:
    return view.why_no_factors or factors.information_map(view.table, view.codes.live().tolist())


def _responses(view: View) -> Figure | str:
    return view.why_no_factors or factors.factor_response(view.table, view.codes.live().tolist())


def _manifold(view: View) -> Figure | str:
    if reason := view.why_no_images or view.why_no_codes:
        return reason
    if not view.codes.random:
        return "an autoencoder has no prior whose quantiles could be decoded"
    if view.codes.mean.shape[1] != 2:
        return f"needs two latents, this run has {view.codes.mean.shape[1]}; the traversals show them"
    names = view.run.classes
    return travel.manifold(view.model, linear=view.wishes.linear, name=names[0] if view.model.classes else "")


def _interpolations(view: View) -> Figure | str:
    if reason := view.why_no_images or view.why_no_codes:
        return reason
    alike = view.model.classes > 0
    pairs = travel.choose_pairs(view.split.labels, len(view.images), alike=alike)
    if not pairs:
        return f"needs two test images{' of one class' * alike}"
    return travel.interpolations(view.model, view.images, view.codes, pairs)


def _class_grid(view: View) -> Figure | str:
    if reason := view.why_no_images or view.why_no_classes:
        return reason
    return classes.class_grid(view.run.model, view.run.classes)


def _class_styles(view: View) -> Figure | str:
    if reason := view.why_no_images or view.why_no_classes or view.why_no_codes:
        return reason
    assert view.split.labels is not None
    return classes.class_styles(view.model, view.images, view.split.labels, view.run.classes)


def _training(view: View) -> Figure | str:
    return curves.training(view.run.metrics, view.run.under)


def _rate_distortion(view: View) -> Figure | str:
    if not any("kl_nats" in line for line in view.run.metrics):
        return "this method has no KL, so no rate"
    return curves.rate_distortion(view.run.metrics, view.run.under)


def _kl_by_dimension(view: View) -> Figure | str:
    if not any("kl_nats_by_dimension" in line for line in view.run.metrics):
        return "this method has no KL by dimension"
    return curves.kl_by_dimension(view.run.metrics)


def _code_usage(view: View) -> Figure | str:
    if not isinstance(view.run.model, VQVAE):
        return "this model has no codebook"
    indices = encoded.discrete(view.run.model, view.images)
    return codes.code_usage(indices.flatten().bincount(minlength=view.run.model.quantizer.size))


def _code_maps(view: View) -> Figure | str:
    if not isinstance(view.run.model, VQVAE):
        return "this model has no codebook"
    if view.why_no_images:
        return view.why_no_images
    images = view.images[encoded.spread(len(view.images), 20)]
    rebuilt = encoded.reconstruct(view.run.model, images)
    return codes.code_maps(images, rebuilt, encoded.discrete(view.run.model, images))


def _temperatures(view: View) -> Figure | str:
    if view.why_no_images:
        return view.why_no_images
    return codes.by_temperature({t: encoded.sample(view.run.model, 10, temperature=t) for t in TEMPERATURES})


def _nearest_training(view: View) -> Figure | str:
    if view.why_no_images:
        return view.why_no_images
    if view.data is None or view.data.dynamic:
        return (
            "needs the training images"
            if view.data is None
            else "the training images are drawn anew each time"
        )
    return codes.nearest_training(encoded.sample(view.run.model, 20), view.data.train.images)


@dataclass(frozen=True)
class Entry:
    """One figure: `draw` returns it, or in one line why it is left out; `caption` for the report."""

    draw: Callable[[View], Figure | str]
    caption: str


FIGURES: dict[str, Entry] = {
    "reconstructions": Entry(_reconstructions, "What comes back: test images above their reconstructions, from the best to the worst."),
    "samples": Entry(_samples, "What the model makes up: codes drawn from the prior and decoded."),
    "samples_by_temperature": Entry(_temperatures, "Samples from the typical to the unusual."),
    "nearest_training": Entry(_nearest_training, "Are samples copies? Each above the training image that is nearest to it."),
    "code_usage": Entry(_code_usage, "How the codebook is used: a long flat row is healthy, a cliff is collapse."),
    "code_maps": Entry(_code_maps, "Which code stands where: images, their codes in colours, and what is decoded."),
    "class_grid": Entry(_class_grid, "A row a class; down a column the same code, where the decoder is told the class."),
    "class_styles": Entry(_class_styles, "Test images, and the same in the same style as every other class."),
    "latent_map": Entry(_latent_map, "Where test images lie in the latent space; regions of a class are what the model was not told."),
    "latent_pca": Entry(_latent_pca, "The latent space seen along the two directions in which codes differ most."),
    "latent_tsne": Entry(_latent_tsne, "Neighbourhoods in the latent space; distances between clusters mean nothing here."),
    "traversals": Entry(_traversals, "What each latent dimension does: one moves, the others stay."),
    "information": Entry(_information, "Which dimension tells of which factor; the factors that the images were made from are known."),
    "responses": Entry(_responses, "How each dimension follows each factor, the others varying."),
    "manifold": Entry(_manifold, "The whole prior decoded: neighbouring codes give neighbouring images."),
    "interpolations": Entry(_interpolations, "From one test image to another, through the images between them."),
    "training": Entry(_training, "Training against validation; a widening gap between the two is overfitting."),
    "rate_distortion": Entry(_rate_distortion, "What the code costs (rate) against what is lost (distortion), epoch by epoch."),
    "kl_by_dimension": Entry(_kl_by_dimension, "Which latent dimensions are used, and when they came to life."),
}  # fmt: skip


def draw_figures(
    run: Run,
    data: Data | str | None = None,
    out: str | Path | None = None,
    only: Sequence[str] | None = None,
    tsne: bool = False,
    ellipses: int = 0,
    linear: bool = False,
) -> tuple[dict[str, Path], dict[str, str]]:
    """Draws the figures that fit a run into PNG files of 200 dots an inch.

    Args:
        run: from `load_run`.
        data: a data set or source; the run's own by default, or if that is gone its 64 previews.
        out: folder; RUN/figures by default.
        only: keys of FIGURES; all by default.
        tsne, ellipses, linear: see `Wishes`.
    Returns:
        name -> file, and name -> why it was left out, in one line.

    Raises:
        SettingError: an unknown figure.
        DataError: a source that was given cannot be used.
        RunError: the folder cannot be written.
    """
    names = list(FIGURES) if only is None else list(only)
    for name in names:
        choose(name, FIGURES, "figure")
    view = View(run, _data(run, data), Wishes(tsne, ellipses, linear))
    folder = Path(out) if out is not None else run.path / "figures"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    drawn, left_out = {}, {}
    for name in names:
        result = _draw(FIGURES[name], view)
        if isinstance(result, str):
            left_out[name] = result
            continue
        drawn[name] = folder / f"{name}.png"
        write_atomic(drawn[name], png(result))
    return drawn, left_out


def png(figure: Figure) -> bytes:
    """A figure as PNG at 200 dots an inch, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": False})
    return buffer.getvalue()


def _draw(entry: Entry, view: View) -> Figure | str:
    """The figure, or why there is none: a figure that does not fit never stops the others."""
    try:
        return entry.draw(view)
    except InputError as error:
        return str(error)


def _data(run: Run, data: Data | str | None) -> Data | None:
    """The data to look at; None, with a warning, when the run's own are gone."""
    if isinstance(data, Data):
        return data
    try:
        return run.load_data(data)
    except DataError as error:
        if data is not None:
            raise
        message = f"the figures show only the {len(run.previews)} test images kept with the run: {error}"
        warnings.warn(message, VaekitWarning, stacklevel=3)
        return None
