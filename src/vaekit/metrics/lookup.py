"""From a key to its entry, worded for what was measured; and what is given in bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vaekit.metrics.entries import METRICS
from vaekit.metrics.kinds import KINDS, PLAIN, Under
from vaekit.metrics.metric import BITS, BITS_PER_DIM, NATS, Metric
from vaekit.metrics.of_prior import FITTED, named_by_prior, under_fitted
from vaekit.wording import worded

UNITS = {"nats": NATS, "bits": BITS, "bpd": BITS_PER_DIM, "db": "dB"}  # by the ending of a key

BESIDE = {  # endings of numbers beside another
    "_se": "{}, standard error",
    "_floor": "{} of training images",
    "_low": "{}, least by 95 %",
    "_high": "{}, most by 95 %",
}

GIVEN = {
    "p(x)": "p(x|y)",
    "p(x|z)": "p(x|z, y)",
    "q(z|x)": "q(z|x, y)",
}  # of a model conditioned on the class


def known(key: str) -> bool:
    """Returns whether METRICS has an entry for a key."""
    return _find(key) is not None


def metric_of(key: str, under: Under = PLAIN) -> Metric:
    """Returns the entry of METRICS of a key, worded for the conditions of its number.

    Keys with variable parts are `fd_FEATURES` and its like, `LIKELIHOOD_bound_nats` under what is no likelihood,
    `..._bpd`, `..._fitted_prior_...`, and the endings of BESIDE. A key without an entry has its words as label and its ending as unit.
    """
    name, _, ending = key.rpartition("_")
    found = _find(key) or Metric(
        (name if ending in UNITS else key).replace("_", " "), UNITS.get(ending, ""), ""
    )
    if found.likelihood and under.kind:
        found = replace(found, unit=found.unit + KINDS[under.kind].unit.format(name=under.likelihood))
        if not KINDS[under.kind].bounds:
            found = found.of_none(under.likelihood)
    found = named_by_prior(found, key, under)
    if under.classes:
        found = replace(
            found, **{part: _given(getattr(found, part)) for part in ("label", "symbol", "meaning")}
        )
    texts = {part: getattr(found, part) for part in ("label", "unit", "meaning", "detail", "unbound")}
    said = {part: worded(text) for part, text in texts.items()}
    return found if said == texts else replace(found, **said)


def _find(key: str) -> Metric | None:
    """The entry of a key, its variable parts resolved."""
    if key in METRICS:
        return METRICS[key]
    if FITTED in key and (found := _find(key.replace(FITTED, ""))):
        return replace(found, label=f"{found.label} under the fitted prior", short="", drawn=False)
    for ending, wording in BESIDE.items():
        if key.endswith(ending) and (found := _find(key.removesuffix(ending))):
            return replace(found, label=wording.format(found.label), better="", short="")
    if key.endswith("_bpd") and (found := _find(key.removesuffix("_bpd") + "_nats")) and found.bound:
        return replace(
            found, unit=BITS_PER_DIM, meaning="Size of a lossless file, at best.", detail="", short=""
        )
    head, _, tail = key.partition("_")
    if head in METRICS and METRICS[head].family:
        return replace(METRICS[head], label=f"{METRICS[head].label} ({tail})")
    for rest in (key[i + 1 :] for i, letter in enumerate(key) if letter == "_"):
        if rest in METRICS and METRICS[rest].bound:
            label = f"{key.removesuffix('_' + rest)} {METRICS[rest].label}"
            return replace(METRICS[rest], label=label, short="", drawn=False)
    return None


def _given(text: str) -> str:
    for alone, given in GIVEN.items():
        text = text.replace(alone, given)
    return text


def bits_per_dimension(nats: float, dimensions: int) -> float:
    """bits/dim of an image, from nats per image of so many dimensions."""
    return nats / (dimensions * math.log(2))


def has_bits(kind: str, pixels: str) -> bool:
    """Returns whether −log p(x) has a meaning in bits: as the size of a lossless file, for masses on 8-bit
    pixels.

    The logarithm of a density has no such meaning, and binary pixels have the nats that papers give.
    """
    return kind == "mass" and pixels == "8-bit"


def in_bits(values: Mapping[str, Any], kind: str, pixels: str, dimensions: int) -> dict[str, float]:
    """Those of some values that are about −log p(x), in bits/dim where that is defined (`has_bits`).

    Args:
        values: key -> mean over images, in nats per image.
        kind: key of KINDS, "" for a model without a likelihood.
        pixels: key of PIXELS.
        dimensions: values of an image.
    """
    if not has_bits(kind, pixels):
        return {}
    return {
        f"{key.removesuffix('_nats')}_bpd": bits_per_dimension(values[key], dimensions)
        for entry, metric in METRICS.items()
        for key in (entry, under_fitted(entry))
        if metric.bound and key in values
    }
