"""`card`: measures an autoencoder of any origin, a run, ONNX files or functions, by one and the same code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vaekit.config.configured import documented, strict
from vaekit.config.fields import check_known
from vaekit.config.foreign_options import ForeignSettings
from vaekit.config.options import DataSettings
from vaekit.core import DataError, SettingError
from vaekit.data import Data, Split
from vaekit.data.cache import digest
from vaekit.data.kinds.image import why_no_pictures
from vaekit.data.sources import as_data
from vaekit.data.view import show
from vaekit.evaluation.cards.card import FORMAT, Card, Figure
from vaekit.evaluation.cards.foreign import Foreign, Given, network_of
from vaekit.evaluation.cards.measured_images import Sheet, sheet_of
from vaekit.evaluation.cards.paired import mean_figure, paired_frechet, paired_kernel, psnr_figure
from vaekit.evaluation.cards.rebuilt import Rebuilt, rebuilt_by
from vaekit.evaluation.cards.ssim import WINDOW, structural_similarity, window_of
from vaekit.evaluation.samples.features.base import Features
from vaekit.evaluation.samples.features.store import features_for
from vaekit.evaluation.samples.frechet import frechet_estimate
from vaekit.evaluation.samples.kernel import kernel_distance
from vaekit.evaluation.samples.quality import why_too_few
from vaekit.inference import squared_errors
from vaekit.metrics import metric_of
from vaekit.models import Model
from vaekit.runs.ask import check_images_come, data_of, run_of
from vaekit.runs.load import Run
from vaekit.runs.outputs import check_out
from vaekit.runs.write import weights_fingerprint
from vaekit.runtime.pulse import ProgressCallback, pulse

FEWEST = 20  # images for distances between sets, two in each tenth


@strict
@documented(ForeignSettings)
def card(
    model: Model | Run | str | Path | None = None,
    data: Data | Split | str | Path | None = None,
    *,
    encoder: Given | None = None,
    decoder: Given | None = None,
    label: str | None = None,
    features: Features | str | Path | None = "auto",
    out: str | Path | None = None,
    device: str = "auto",
    progress: str | bool = "auto",
    tell: ProgressCallback | None = None,
    **foreign: Any,
) -> Card:
    """Measures the figures that any autoencoder has, on test images: errors, similarity, distances of sets, bits.

    Args:
        model: a model, a run, or a run's folder; or None, and `encoder` and `decoder` instead.
        data: a data set, of which the test split is measured, or its source; or images of a split, which have no training
            images for floors. None takes a run's own data.
        encoder, decoder: ONNX files, or functions of a batch with numpy arrays or torch tensors in and out.
        label: class of the images of a source without labels, for a conditional run.
        features: in which sets are compared: a name or file, or such features; "auto" takes mnist_v1 for MNIST, else
            principal components of the training images. None leaves the distances of sets out.
        out: a .json file to write too.
        device: where a folder's model is computed.
        progress: "auto" shows what is done and the time left, on standard error; "none" nothing.
        tell: called instead with what is done, how many images, and of how many.

    Returns:
        The figures, and what they were measured on.

    Raises:
        SettingError: neither or both of model and networks, a model without an encoder, networks that do not fit each other
            or the images, or options that are for the other kind.
        DataError: no images, or of another shape than the model's.
        RunError: a run or a file that cannot be used or written.

    Example:
        >>> card = vaekit.card(run, features=None, out="first.json", progress="none")
        >>> sorted(card.figures)
        ['mse', 'psnr_db', 'rate_bits', 'ssim']
    """
    if out is not None:
        check_out(Path(out), (".json",), data)
    settings = check_given(model, encoder, decoder, foreign)
    networks = [network_of(given, name) for name, given in _both(encoder, decoder)]
    with pulse(progress, tell) as told:
        if settings is None:
            assert model is not None
            sheet, back, found = _of_run(model, data, label, device)
        else:
            found = _loaded(data, foreign)
            sheet = sheet_of(found)
            shape = tuple(sheet.shown.shape[1:])
            back = Foreign(networks[0], networks[1], settings, shape, sheet.pixels).rebuilt(
                sheet.shown, sheet.images.labels, told
            )
        result = card_of(sheet, back, found, features)
    if out is not None:
        result.write(out)
    return result


def check_given(
    model: object, encoder: object, decoder: object, foreign: Mapping[str, Any]
) -> ForeignSettings | None:
    """The conventions of two networks; None where a model or a run is to be measured.

    Raises:
        SettingError: neither or both are given, one network alone, or conventions for a model of ours.
    """
    check_known(foreign, ForeignSettings.names())
    if encoder is None and decoder is None:
        if model is None:
            raise SettingError("there is nothing to measure: give a run, or encoder= and decoder=.")
        given = [name for name, value in foreign.items() if value != getattr(ForeignSettings, name, None)]
        if given:
            raise SettingError(f"{given[0]}= is for encoder= and decoder=; a run knows its own.", given[0])
        return None
    if model is not None:
        raise SettingError("a run is measured, or encoder= and decoder=; leave one away.")
    if encoder is None or decoder is None:
        missing = "encoder" if encoder is None else "decoder"
        raise SettingError(f"{missing}= is missing; an encoder and a decoder are measured together.", missing)
    return ForeignSettings.of(foreign)


def _both(encoder: Given | None, decoder: Given | None) -> list[tuple[str, Given]]:
    return [
        (name, given) for name, given in (("encoder", encoder), ("decoder", decoder)) if given is not None
    ]


def _loaded(data: Data | Split | str | Path | None, foreign: Mapping[str, Any]) -> Data | Split:
    """The images for foreign networks.

    Raises:
        SettingError: there are none, or options of loading for what is loaded.
    """
    if data is None:
        raise SettingError("data= is missing: which images the autoencoder is to be measured on.", "data")
    known = {name for name in ForeignSettings.names() if name in DataSettings.names()}
    options = {name: value for name, value in foreign.items() if name in known}
    changed = {name: value for name, value in options.items() if value != getattr(DataSettings, name)}
    if not isinstance(data, Split):
        return as_data(data, **changed)
    if changed:
        raise SettingError(f"{next(iter(changed))}= is for a source; these images are loaded already.")
    return data


def _of_run(
    model: Model | Run | str | Path, data: Data | Split | str | Path | None, label: str | None, device: str
) -> tuple[Sheet, Rebuilt, Data | Split]:
    run = run_of(model, device) if isinstance(model, str | Path) else model
    if isinstance(run, Run):
        check_images_come(run)
        about = {"run": run.path.name, "method": run.settings.method}
        if not isinstance(data, Split):
            data = data_of(run, str(data) if isinstance(data, Path) else data, label)
        run = run.model
    else:
        about = {}
    if data is None or isinstance(data, str | Path):
        raise SettingError("card(model) needs images too: card(model, data).", "data")
    sheet = sheet_of(data, run)
    about |= {"weights": weights_fingerprint(run)}
    return sheet, rebuilt_by(run, sheet.images, about), data


def card_of(sheet: Sheet, back: Rebuilt, data: Data | Split, features: Features | str | Path | None) -> Card:
    """The card of images and what came back of them."""
    notes = list(back.notes)
    pictures = sheet.pixels != "real"
    rebuilt = back.images.clamp(0, 1) if pictures else back.images
    x, y = sheet.standard(sheet.shown), sheet.standard(rebuilt)
    figures: dict[str, Figure | None] = {}
    figures["mse"] = mse = mean_figure("mse", squared_errors(x, y))
    if pictures:
        figures["psnr_db"] = psnr_figure(mse)
        notes += ["Reconstructions are the very images, so that PSNR has no value."] * (mse.value == 0)
    elif isinstance(data, Split):
        notes.append("The errors are in the images' own units: a split has no training images to say others.")
    if not why_no_pictures(tuple(x.shape[1:]), sheet.pixels):
        figures["ssim"] = mean_figure("ssim", structural_similarity(x, y))
        if (side := window_of(tuple(x.shape[1:]))) < WINDOW:
            notes.append(f"SSIM has a window of {side} pixels instead of {WINDOW}: the images are small.")
    figures |= {key: mean_figure(key, bits) for key, bits in back.bits.items()}
    extractor, why = _features_of(data, sheet, features)
    if extractor is not None:
        figures |= _distances(sheet, x, y, extractor)
    hashes = {**sheet.hashes, "features": digest(extractor.name if extractor is not None else "none")}
    about = {**sheet.about, "features": extractor.name if extractor is not None else None}
    known = {key: figure for key, figure in figures.items() if figure is not None}
    return Card(FORMAT, back.about, about, hashes, known, tuple(notes + why))


def _features_of(
    data: Data | Split, sheet: Sheet, wanted: Features | str | Path | None
) -> tuple[Features | None, list[str]]:
    """The features to compare sets in, or why there are none.

    Raises:
        DataError: too few images for features that were asked for.
        SettingError: features by name for a split.
    """
    if wanted is None:
        return None, []
    if isinstance(wanted, Features):
        found = wanted
    elif isinstance(data, Split):
        if wanted != "auto":
            raise SettingError("features by name need a data set, not a split; pass the features themselves.")
        return None, ["A split has no training images: no Fréchet and no kernel distance."]
    else:
        found = features_for(data, None if wanted == "auto" else wanted)
    count = len(sheet.images) if sheet.train is None else min(len(sheet.images), len(sheet.train))
    reason = why_too_few(found, compared=count)
    if reason is None and count >= FEWEST:
        return found, []
    if wanted != "auto":
        raise DataError(f"{sheet.about['data']}: {reason}.")
    return None, [f"No Fréchet and no kernel distance: {reason}."]


def _distances(sheet: Sheet, x: Tensor, y: Tensor, extractor: Features) -> dict[str, Figure | None]:
    """Fréchet and kernel distance of reconstructions, with the floors of as many training images."""
    count = len(x) if sheet.train is None else len(sheet.train)
    names = f"rfd_{extractor.name}", f"rkd_{extractor.name}"
    real, rebuilt = (extractor(part[:count].float()).double() for part in (x, y))
    found = [paired_frechet(names[0], rebuilt, real), paired_kernel(names[1], rebuilt, real)]
    if sheet.train is not None:
        train = extractor(sheet.standard(show(sheet.train, sheet.pixels)).float()).double()
        floors = frechet_estimate(train, real), kernel_distance(train, real)
        found = [
            Figure(one.value, one.error, metric_of(key).unit, one.without, floor.value, floor.error)
            for key, one, floor in zip(names, found, floors, strict=True)
        ]
    return dict(zip(names, found, strict=True))
