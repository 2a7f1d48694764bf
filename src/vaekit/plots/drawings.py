"""One function for each entry of FIGURES, of its name: a `View` in, the figure out, or why it does not fit."""

from __future__ import annotations

from matplotlib.figure import Figure

from vaekit.inference import encode_codes, reconstruct, sample, spread
from vaekit.models.capabilities import Decodes, Quantizes, Reconstructs
from vaekit.plots import code_maps as maps_of_codes
from vaekit.plots import conditional, curves, factor_maps, grids, travel
from vaekit.plots.bytes_and_error import of_files
from vaekit.plots.maps import latent_map as map_of
from vaekit.plots.paths import choose_pairs
from vaekit.plots.planes import Projection
from vaekit.plots.run_view import View
from vaekit.runs.kept_files import files_of

MOST_REBUILT = 2_000  # test images among which best and worst are sought
SAMPLES = 80
FEW = 20
TEMPERATURES = (0.5, 0.7, 0.85, 1.0, 1.2)


def reconstructions(view: View) -> Figure | str:
    if reason := view.why_no_images or view.why_not_rebuilt:
        return reason
    assert isinstance(view.model, Reconstructs)
    chosen = spread(len(view.split), MOST_REBUILT)
    return grids.reconstructions(view.images[chosen], reconstruct(view.model, view.split.take(chosen)))


def samples(view: View) -> Figure | str:
    if view.why_no_images:
        return view.why_no_images
    return grids.samples(sample(view.model, SAMPLES), note=f"{view.drawn}; not chosen.")


def samples_by_temperature(view: View) -> Figure | str:
    if view.why_no_images:
        return view.why_no_images
    return maps_of_codes.by_temperature({t: sample(view.model, 10, temperature=t) for t in TEMPERATURES})


def nearest_training(view: View) -> Figure | str:
    if view.why_no_images:
        return view.why_no_images
    if view.data is None:
        return "needs the training images"
    if view.data.dynamic:
        return "the training images are drawn anew each time"
    if not len(view.data.train):
        return "these images are too few to have a training split"
    return maps_of_codes.nearest_training(sample(view.model, FEW), view.data.train.images)


def latent_map(view: View) -> Figure | str:
    wide = not view.why_no_latents and view.embedding.mean.shape[1] > 2
    return _map(view, "highest" if wide else "axes")


def latent_pca(view: View) -> Figure | str:
    if not view.why_no_latents and view.embedding.mean.shape[1] == 2:
        return "two latents are mapped as they are (latent_map)"
    return _map(view, "pca")


def latent_tsne(view: View) -> Figure | str:
    return _map(view, "tsne") if view.wishes.tsne else "takes a while; ask for it with tsne=True"


def _map(view: View, projection: Projection) -> Figure | str:
    if view.why_no_latents:
        return view.why_no_latents
    ellipses = view.wishes.ellipses if view.embedding.normal and projection != "tsne" else 0
    return map_of(view.embedding, view.class_names, projection, ellipses)


def traversals(view: View) -> Figure | str:
    if reason := view.why_no_images or view.why_not_decoded:
        return reason
    assert isinstance(view.model, Decodes)
    carried = {} if view.why_no_factors else factor_maps.carried(view.table, view.kinds or ())
    return travel.traversals(view.model, view.embedding, carried=carried, base=view.images[0])


def information(view: View) -> Figure | str:
    return view.why_no_factors or factor_maps.information_map(view.table, view.embedding.live().tolist())


def responses(view: View) -> Figure | str:
    return view.why_no_factors or factor_maps.factor_response(view.table, view.embedding.live().tolist())


def manifold(view: View) -> Figure | str:
    if reason := view.why_no_images or view.why_not_decoded:
        return reason
    if view.embedding.kl is None:
        return "this model has no prior whose quantiles could be decoded"
    if view.embedding.mean.shape[1] != 2:
        return f"needs two latents, this run has {view.embedding.mean.shape[1]}; the traversals show them"
    if not view.embedding.standard:
        return "needs a prior N(0, I), whose quantiles are known"
    assert isinstance(view.model, Decodes)
    name = view.run.classes[0] if view.model.classes else ""
    return travel.manifold(view.model, linear=view.wishes.linear, name=name)


def interpolations(view: View) -> Figure | str:
    if reason := view.why_no_images or view.why_not_decoded:
        return reason
    alike = view.model.classes > 0
    pairs = choose_pairs(view.split.labels, len(view.split), alike=alike)
    if not pairs:
        return f"needs two test images{' of one class' * alike}"
    assert isinstance(view.model, Decodes)
    return travel.interpolations(view.model, view.images, view.embedding, pairs)


def class_grid(view: View) -> Figure | str:
    reason = view.why_no_images or view.why_no_classes
    return reason or conditional.class_grid(view.model, view.run.classes)


def class_styles(view: View) -> Figure | str:
    if reason := view.why_no_images or view.why_no_classes or view.why_not_rebuilt:
        return reason
    if not view.model.classes:
        return (
            view.why_no_latents or "the classes are those of its prior: it redraws no image as another class"
        )
    assert isinstance(view.model, Reconstructs)
    return conditional.class_styles(view.model, view.split, view.run.classes)


def training(view: View) -> Figure | str:
    return curves.training(view.run, view.run.under)


def rate_distortion(view: View) -> Figure | str:
    if not any("kl_nats" in line.values for line in view.run.metrics):
        return "this method has no KL, so no rate"
    return curves.rate_distortion(view.run.metrics, view.run.under)


def bytes_and_error(view: View) -> Figure | str:
    if not isinstance(view.model, Quantizes):
        return "files of this model lose nothing, or there are none"
    return of_files(files_of(view.run))


def kl_by_dimension(view: View) -> Figure | str:
    if not any("kl_nats_by_dimension" in line.values for line in view.run.metrics):
        return "this method has no KL by dimension"
    return curves.kl_by_dimension(view.run.metrics)


def code_usage(view: View) -> Figure | str:
    if view.why_no_codebook:
        return view.why_no_codebook
    assert isinstance(view.model, Quantizes)
    indices = encode_codes(view.model, view.split)
    return maps_of_codes.code_usage(indices.flatten().bincount(minlength=view.model.quantizer.size))


def code_maps(view: View) -> Figure | str:
    if reason := view.why_no_codebook or view.why_no_images or view.why_not_rebuilt:
        return reason
    assert isinstance(view.model, Quantizes)
    assert isinstance(view.model, Reconstructs)
    chosen = spread(len(view.split), FEW)
    few = view.split.take(chosen)
    return maps_of_codes.code_maps(
        view.images[chosen], reconstruct(view.model, few), encode_codes(view.model, few)
    )
