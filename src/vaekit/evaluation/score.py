"""`score`: rank images by how odd a run finds them, and judge the ranking where outliers are known."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit.config.configured import strict
from vaekit.core import DataError, RunError, SettingError, VaekitWarning, choose, warn_of
from vaekit.data import Data, Split, to_unit
from vaekit.data.kinds.image import why_no_pictures
from vaekit.data.picking import chosen as some_of
from vaekit.data.picking import picked
from vaekit.evaluation.asked import check_pixels
from vaekit.evaluation.likelihood.bounds import check_count
from vaekit.evaluation.outliers import DEFAULT, SCORES, aurocs, check_code_length, score_images
from vaekit.evaluation.score_forecast import forecast
from vaekit.evaluation.threshold import MOST, Threshold, above, threshold_of, ties
from vaekit.images.notebook import Displayed
from vaekit.models.capabilities import Encodes, check_needs
from vaekit.plain_files import utf8
from vaekit.runs.ask import data_of, run_of
from vaekit.runs.load import Run
from vaekit.runs.outputs import check_out, check_sheet, write_file, write_images
from vaekit.runtime.device import PRECISIONS
from vaekit.runtime.pulse import ProgressCallback, pulse


@dataclass(frozen=True, repr=False)
class Scores(Displayed):
    """Scores of images, all of which are higher for odder ones.

    Attributes:
        source: where the images come from.
        split: the images, in their own order.
        names: of the images: files, or numbers.
        classes: name of each image's class, or None where there are no labels.
        scores: name -> (N,) float64, keys of SCORES.
        by: the score that puts images in order.
        order: numbers of the images, the oddest first, (N,).
        left_out: name of a score -> why it could not be had.
        auroc: of each score, where it is known which images are outliers.
        sheet: a PNG of the oddest, row by row, where one was written.
        pixels: key of PIXELS.
        threshold: of the score that puts images in order; None where the run's validation images are gone.

    Example:
        >>> scores = vaekit.score(run, split="test", samples=2, progress="none")
        >>> scores.table().startswith("name,label,")  # CSV
        True
        >>> scores.outliers.shape
        torch.Size([313])
    """

    source: str
    split: Split
    names: list[str]
    classes: list[str] | None
    scores: Mapping[str, Tensor]
    by: str
    order: Tensor
    left_out: Mapping[str, str] = field(default_factory=dict)
    auroc: Mapping[str, float] = field(default_factory=dict)
    sheet: Path | None = None
    pixels: str = "8-bit"
    threshold: Threshold | None = None

    def facts(self) -> dict[str, Any]:
        """Returns what was scored, by what, and how many are above the threshold."""
        found = self.outliers
        above_it = None if found is None else int(found.sum())
        return {"source": self.source, "images": len(self.names), "by": self.by, "outliers": above_it}

    def key_figures(self) -> Mapping[str, float]:
        """Returns the AUROC of the score that puts images in order, where it is known which are outliers."""
        return {"auroc": self.auroc[self.by]} if self.by in self.auroc else {}

    @property
    def outliers(self) -> Tensor | None:
        """Returns the mask (N,) of the images above the threshold, if there is one."""
        return None if self.threshold is None else above(self.scores[self.by], self.threshold)

    def oddest(self, count: int) -> list[str]:
        """Names of the oddest images, the oddest first.

        Args:
            count: number of names.
        """
        return [self.names[i] for i in self.order[:count].tolist()]

    def table(self) -> str:
        """CSV with one row per image, the oddest first: name, label where there is one, its scores, the threshold (its
        quantile in the column's name), and whether it is an outlier, yes or no."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        outliers = self.outliers
        limit = [] if self.threshold is None else [f"threshold_{self.threshold.quantile:g}", "outlier"]
        writer.writerow(["name", *(["label"] if self.classes is not None else []), *self.scores, *limit])
        columns = [values.tolist() for values in self.scores.values()]
        for i in self.order.tolist():
            label = [] if self.classes is None else [self.classes[i]]
            judged = (
                []
                if outliers is None or self.threshold is None
                else [f"{self.threshold.score:.6g}", ("no", "yes")[int(outliers[i])]]
            )
            writer.writerow([self.names[i], *label, *(f"{column[i]:.6g}" for column in columns), *judged])
        return text.getvalue()

    def write(self, out: Path) -> None:
        """Writes `table`, or raises RunError and leaves nothing behind.

        Args:
            out: the .csv file.
        """
        write_file(out, utf8(self.table()))

    def write_sheet(self, out: Path, count: int) -> Scores:
        """Writes the oddest `count` images as one PNG, if they are pictures, and notes where.

        Args:
            out: the .png file.
            count: number of images on it.
        """
        if why_no_pictures(tuple(self.split.images.shape[1:]), self.pixels):
            return self
        write_images(to_unit(self.split.images[self.order[:count]]), out, self.pixels)
        return replace(self, sheet=out)


@strict
def score(
    run: Run | str | Path,
    data: object = None,
    *,
    split: str = "all",
    label: str | None = None,
    scores: Sequence[str] | None = None,
    by: str | None = None,
    against: object = None,
    odd: Sequence[str] | None = None,
    quantile: float = 0.99,
    samples: int = 64,
    seed: int = 0,
    precision: str = "auto",
    device: str = "auto",
    out: str | Path | None = None,
    count: int = 64,
    progress: str | bool = "auto",
    tell: ProgressCallback | None = None,
) -> Scores:
    """Scores images by how odd a run finds them: `score("runs/vae-digits-1", "photos", out="scores.csv")`.

    Args:
        run: a run, or its folder.
        data: a data set, or a source as in `Run.load_data`, of one image or more; None takes the run's own.
        split: train, validation, test or all.
        label: class of images without labels, for a conditional run.
        scores: keys of SCORES; None takes all that the model and the images allow.
        by: the score that puts images in order; None takes DEFAULT, or the first that could be had.
        against: a second source, of outliers: `auroc` of each score, on the same split of both.
        odd: names of classes that are outliers: `auroc` of each score.
        quantile: share of the run's validation images (up to 1,000) that the threshold is to lie above, of the score
            that puts images in order.
        samples: K of the importance-weighted bound.
        seed: of all draws.
        precision: of the networks: fp32, bf16, or auto.
        device: where a folder's model is computed.
        out: a .csv file to write too, one row per image and the oddest first; the oddest as a sheet in a .png
            beside it, if they are pictures.
        count: images on that sheet.
        progress: "auto" shows how far it is and the time left, on standard error; "none" nothing.
        tell: called with the progress instead.

    Returns:
        The scores of every image, and those above the threshold.

    Raises:
        SettingError: a name or number that is wrong, or a model that encodes nothing.
        DataError: images that cannot be used.
        RunError: `out` cannot be written.

    Example:
        >>> scores = vaekit.score(run, split="test", samples=2, progress="none")
        >>> scores.by, scores.scores[scores.by].shape
        ('likelihood_regret_nats', torch.Size([313]))
        >>> len(scores.oddest(3))  # names of images
        3
    """
    _check(scores, by, against, odd, samples, precision, count, quantile)
    if out is not None:
        check_out(Path(out), (".csv",), data, against, run=run)
    run = run_of(run, device)
    if out is not None and not why_no_pictures(run.model.shape, run.model.pixels):
        check_sheet(Path(out), data, against)
    check_needs(run.model, (Encodes,), f"score of {run.path}")
    if "complexity_corrected_nats" in (*(scores or ()), by):
        check_code_length(run.model)
    own = data_of(run, data, label)
    other = None if against is None else data_of(run, against, label)
    for images in [own] if other is None else [own, other]:
        check_pixels(run.model, images)
    chosen, beside = picked(own, split), None if other is None else picked(other, split)
    outliers = None if odd is None else odd_ones(chosen, own, odd)
    needs_training = "latent_distance" in (scores or SCORES)
    known = own if data is None else _own_data(run, needs_training)
    train = known.train if known is not None and needs_training else None
    options: dict[str, Any] = {"samples": samples, "seed": seed, "precision": precision}
    with pulse(progress, tell) as told:
        judge = partial(score_images, run.model, train=train, tell=told, **options)
        more = {} if beside is None else dict.fromkeys(SCORES, len(beside))
        if known is not None:  # for the threshold
            name = by or DEFAULT
            more[name] = more.get(name, 0) + min(len(known.validation), MOST)
        forecast(judge, chosen, scores, more, told)
        found, left_out = judge(chosen, scores=scores)
        theirs = {} if beside is None else judge(beside, scores=scores)[0]
        by = _order_by(by, found, left_out)
        threshold, usual = None, found[by]
        if known is not None and len(known.validation):
            usual = judge(some_of(known.validation, MOST, seed), scores=[by])[0][by]
            threshold = threshold_of(usual, quantile)
    warn_of(ties(by, usual, [name for name in found if name != by]))
    auroc: dict[str, float] = {}
    if beside is not None:
        auroc = aurocs(found, theirs)
    elif outliers is not None:
        usual, strange = ({n: s[mask] for n, s in found.items()} for mask in (~outliers, outliers))
        auroc = aurocs(usual, strange)
    ranked = replace(_ranked(own, chosen, found, left_out, by, auroc), threshold=threshold)
    if out is None:
        return ranked
    ranked.write(Path(out))
    return ranked.write_sheet(Path(out).with_suffix(".png"), count)


def _check(
    scores: Sequence[str] | None, by: str | None, against: object, odd: object, samples: int, precision: str, count: int,
    quantile: float,
) -> None:  # fmt: skip
    for name in [*(scores or ()), by or DEFAULT]:
        choose(name, SCORES, "score")
    choose(precision, PRECISIONS, "precision")
    check_count(samples, "samples")
    check_count(count, "count")
    if not 0 < quantile < 1:
        raise SettingError(f"quantile={quantile}: must be between 0 and 1.", "quantile")
    if scores and by is not None and by not in scores:
        raise SettingError(f"by={by}: that score was not computed; add it to scores=.")
    if against is not None and odd is not None:
        raise SettingError("against= and odd= both say what the outliers are; give one of them.")


def _order_by(by: str | None, scores: Mapping[str, Tensor], left_out: Mapping[str, str]) -> str:
    """The score that puts images in order.

    Raises:
        SettingError: that score could not be had.
    """
    by = by or (DEFAULT if DEFAULT in scores else next(iter(scores), DEFAULT))
    if by not in scores:
        raise SettingError(f"by={by}: that score could not be had: {left_out[by]}")
    return by


def _ranked(
    data: Data,
    split: Split,
    scores: Mapping[str, Tensor],
    left_out: Mapping[str, str],
    by: str,
    auroc: Mapping[str, float],
) -> Scores:
    """The record, its images in order of one score."""
    classes = None
    if split.labels is not None and data.class_names is not None:
        classes = [data.class_names[label] for label in split.labels.tolist()]
    names = split.names or [str(number) for number in range(len(split))]
    order = torch.argsort(scores[by], descending=True, stable=True)
    return Scores(data.source, split, names, classes, scores, by, order, left_out, auroc, pixels=data.pixels)


def odd_ones(split: Split, data: Data, classes: Sequence[str]) -> Tensor:
    """Mask (N,) of the images whose class is among some names.

    Raises:
        SettingError: no labels, an unknown class, or nothing left on one side.
    """
    named = ",".join(classes)
    if split.labels is None or data.class_names is None:
        raise SettingError(f"odd {named}: {data.source} has no labels.")
    for name in classes:
        choose(name, data.class_names, "class")
    mask = torch.isin(split.labels, torch.tensor([data.class_names.index(name) for name in classes]))
    if not mask.any() or mask.all():
        raise SettingError(f"odd {named}: needs images of these classes and of others.")
    return mask


def _own_data(run: Run, for_distance: bool) -> Data | None:
    """The data that a run was trained on, or None, with a warning, where they are gone."""
    try:
        return run.load_data()
    except (DataError, RunError) as error:
        lost = "no latent distance and no threshold" if for_distance else "no threshold"
        warnings.warn(f"{lost}: {error}", VaekitWarning, stacklevel=3)
        return None
