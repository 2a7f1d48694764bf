"""`evaluate` says what it measured, under names that say what the numbers are."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaekit
from vaekit import evaluate
from vaekit.cli import tables
from vaekit.core import DataError, SettingError, VaekitWarning
from vaekit.data import Data, Split, load_data
from vaekit.evaluation.likelihood.ais import annealed_bound
from vaekit.evaluation.likelihood.bounds import negative_elbo
from vaekit.evaluation.likelihood.importance import importance_bound
from vaekit.evaluation.samples.features.store import features_for
from vaekit.evaluation.samples.generated import generate
from vaekit.evaluation.table import rows
from vaekit.models import AE, VAE
from vaekit.runs.load import load_run


def evaluation_text(found: Any) -> str:
    """What is printed of an evaluation, as one text."""
    return "\n".join(tables.evaluation_text(found))


@pytest.fixture(scope="module")
def digits() -> Data:
    return load_data("digits")


def untrained(**options: object) -> VAE:
    torch.manual_seed(0)
    return VAE((1, 8, 8), 3, width=16, **options)  # type: ignore[arg-type]


def test_a_mass_function_gives_likelihoods_and_bits(digits: Data) -> None:
    model = untrained(likelihood="categorical")
    values = evaluate(model, digits, samples=20, jackknife=True, images=50).as_dict()
    assert values["likelihood_kind"] == "mass"
    assert values["nll_nats"]["images"] == 50
    assert values["nll_nats"]["samples"] == 20
    assert values["nll_bpd"] == pytest.approx(values["nll_nats"]["value"] / (64 * math.log(2)))
    assert values["negative_elbo_bpd"] > values["nll_bpd"]
    assert values["nll_jackknife_nats"]["value"] < values["nll_nats"]["value"]


def test_the_jackknife_takes_the_draws_of_the_bound(digits: Data) -> None:
    model, few = untrained(likelihood="bce"), digits.replace(test=digits.test.take(torch.arange(30)))
    found = evaluate(model, few, samples=150, jackknife=True).likelihood
    for name, jackknife in (("bce_bound_nats", False), ("bce_bound_jackknife_nats", True)):
        alone = importance_bound(model, few.test, 150, jackknife=jackknife)
        assert torch.equal(found[name].per_image, alone.per_image), name


def test_a_density_is_marked_and_has_no_bits(digits: Data) -> None:
    values = evaluate(untrained(likelihood="gaussian"), digits, samples=5).as_dict()
    assert values["likelihood_kind"] == "density"
    assert "nll_nats" in values
    assert not [name for name in values if name.endswith("bpd")]


def test_bce_on_grey_is_never_called_a_likelihood(digits: Data) -> None:
    model = untrained(likelihood="bce")
    values = evaluate(model, digits, samples=5, annealed=2, temperatures=5, jackknife=True).as_dict()
    assert values["likelihood_kind"] == "pseudo"
    assert not [name for name in values if "nll" in name or name.endswith("bpd")]
    named = {
        "bce_negative_elbo_nats",
        "bce_bound_nats",
        "bce_bound_jackknife_nats",
        "bce_bound_annealed_nats",
    }
    assert named <= values.keys()


def test_binary_pixels_have_nats_and_no_bits() -> None:
    data = load_data("digits", binarize="dynamic")
    model = untrained(pixels="binary")
    values = evaluate(model, data, samples=5, seed=3).as_dict()
    assert values["binarisation"] == "one fixed draw of each image"
    assert "nll_nats" in values
    assert "nll_bpd" not in values
    split = evaluate(model, data.test, samples=5, seed=3).as_dict()
    assert split["nll_nats"] == values["nll_nats"]
    assert "binarisation" in split


def test_numbers_are_those_of_the_parts(digits: Data) -> None:
    model = untrained(likelihood="gaussian")
    record = evaluate(model, digits.test, samples=30, seed=2)
    assert record.likelihood["nll_nats"] == importance_bound(model, digits.test, 30, seed=2)
    assert record.likelihood["negative_elbo_nats"] == negative_elbo(model, digits.test, seed=2)


def test_an_autoencoder_has_only_what_it_defines(digits: Data) -> None:
    torch.manual_seed(0)
    record = evaluate(AE((1, 8, 8), 3, width=16), digits, features=features_for(digits))
    values = json.loads(json.dumps(record.as_dict(), allow_nan=False))
    assert record.likelihood == {}
    assert "quality" not in values
    assert "no prior" in values["remarks"][0]["text"]


def test_quality_of_samples_when_features_are_given(digits: Data) -> None:
    features = features_for(digits)
    values = evaluate(untrained(), digits, samples=2, features=features).as_dict()
    distance = f"fd_{features.name}"
    assert values["quality"]["features"] == features.name
    assert values["quality"][distance] > 2 * values["quality"][f"{distance}_floor"]
    (row,) = [row for row in rows(values) if row.value == values["quality"][distance]]
    assert row.floor == values["quality"][f"{distance}_floor"]
    assert row.error == values["quality"][f"{distance}_se"]


def test_too_few_images_leave_the_quality_out_unless_its_features_were_asked_for(digits: Data) -> None:
    few = replace(digits, test=digits.test.take(torch.arange(20)))
    with pytest.warns(VaekitWarning, match="quality of samples is left out: .* not 20 test, "):
        values = evaluate(untrained(likelihood="bce"), few, samples=2, features="auto").as_dict()
    assert "quality" not in values
    assert values["bce_bound_nats"]["images"] == 20
    with pytest.raises(DataError, match="not 20 test, "):
        evaluate(untrained(likelihood="bce"), few, samples=2, features=features_for(digits))


def test_samples_are_a_function_of_the_seed(digits: Data) -> None:
    model = untrained()
    first, again, other = (generate(model, digits.train, 20, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_progress_is_told(digits: Data) -> None:
    told = []
    evaluate(untrained(), digits.test, samples=2, tell=lambda *line: told.append(line))
    assert ("bound with 2 samples", 313, 313) in told


def test_progress_is_shown_on_standard_error_where_it_takes_long(
    digits: Data, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    evaluate(untrained(), digits.test, samples=2)
    assert capfd.readouterr() == ("", "")  # it is over at once
    monkeypatch.setattr("vaekit.runtime.screens.AT_MOST", 0)
    evaluate(untrained(), digits.test, samples=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert re.search(r"^vaekit: bound with 2 samples, images 313 of 313", err, re.MULTILINE)
    evaluate(untrained(), digits.test, samples=2, progress="none")
    assert capfd.readouterr() == ("", "")


def test_annealing_tells_of_its_steps(digits: Data) -> None:
    """A block of images takes minutes: the pilot and each temperature count."""
    told: list[tuple[str, int, int]] = []
    few = digits.test.take(torch.arange(60))
    annealed_bound(untrained(), few, temperatures=10, leapfrog=1, tell=lambda *line: told.append(line))
    done = [images for _, images, _ in told]
    assert {line[::2] for line in told} == {("annealed importance sampling", 60)}
    assert done == sorted(done)
    assert done[-1] == 60 and 50 in done  # a block of 50 images, and one of 10
    assert len({images for images in done if images <= 50}) > 10


def test_rows_have_value_error_and_meaning(digits: Data) -> None:
    values = evaluate(untrained(likelihood="gaussian"), digits, samples=7).as_dict()
    row = next(row for row in rows(values) if row.label == "−log p(x)")
    assert row.value == values["nll_nats"]["value"]
    assert row.error == values["nll_nats"]["standard_error"]
    assert "K = 7" in row.meaning


def test_every_bound_says_of_how_many_images_it_is(digits: Data) -> None:
    """−ELBO of 20 images is not distortion plus rate of all: the row says so."""
    values = evaluate(
        untrained(likelihood="gaussian"), digits, samples=2, images=20, jackknife=True
    ).as_dict()
    found = {row.label: row.meaning for row in rows(values)}
    for label in ("−ELBO", "−log p(x)", "−log p(x), jackknife"):
        assert " 20 images." in found[label]


def test_wrong_pairs_are_errors(digits: Data) -> None:
    with pytest.raises(SettingError, match="not defined on 8-bit pixels"):
        evaluate(untrained(pixels="binary"), digits)
    with pytest.raises(SettingError, match="pass the data set, not a split"):
        evaluate(untrained(), digits.test, features=features_for(digits))
    with pytest.raises(SettingError, match="needs images too"):
        evaluate(untrained())


def test_grey_images_of_a_binary_model_are_drawn_and_binary_ones_are_not() -> None:
    model = untrained(pixels="binary")
    binary = Split((torch.rand(20, 1, 8, 8) < 0.5).to(torch.uint8) * 255)
    assert "binarisation" not in evaluate(model, binary, samples=2).as_dict()
    assert "binarisation" not in evaluate(model, Split(binary.images / 255), samples=2).as_dict()
    assert "binarisation" in evaluate(model, Split(binary.images / 300), samples=2).as_dict()


def test_the_gap_is_to_the_training_images_of_the_run_and_to_no_others(digits: Data, vae_run: Path) -> None:
    run = load_run(vae_run)
    found = evaluate(run, digits, samples=2).as_dict()["health"]["generalisation_gap_nats"]
    held, seen = (negative_elbo(run.model, split, seed=5) for split in (digits.test, digits.train))  # type: ignore[arg-type]
    assert found["value"] == pytest.approx(held.value - seen.value, abs=4 * found["standard_error"])
    flipped = load_data(digits.train.images[:, 0].flip(-1).numpy())
    assert flipped.fingerprint != digits.fingerprint
    assert "generalisation_gap_nats" not in evaluate(run, flipped, samples=2).as_dict()["health"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"images": -5}, "images must be at least 1, not -5"),
        ({"images": 0}, "images must be at least 1, not 0"),
        ({"annealed": -5}, "annealed must be at least 0, not -5"),
        ({"samples": 0}, "samples must be at least 1, not 0"),
        ({"samples": 1, "jackknife": True}, "samples must be at least 2, not 1"),
        ({"disentanglement": "nope"}, "unknown disentanglement 'nope'"),
        ({"precision": "half"}, "unknown precision 'half'"),
        ({"device": "cpu:abc"}, "device 'cpu:abc' is not available here"),
        ({"device": "cpu:1"}, "device 'cpu:1' is not available here"),
    ],
)
def test_what_is_out_of_range_is_said_before_anything_is_measured(
    vae_run: Path, given: dict, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaekit.evaluation.evaluate.measure_health", None)
    with pytest.raises(SettingError, match=says):
        evaluate(vae_run, **given)


def test_classes_in_another_order_are_those_of_the_run(cvae_run: Path, digits: Data) -> None:
    """A data set that numbers its classes otherwise is conditioned on as the run's own numbers say."""
    assert digits.class_names is not None
    order = torch.arange(10).flip(0)  # number k is the class 9 - k
    splits = {name: replace(split, labels=order[split.labels]) for name, split in digits.splits.items()}
    other = digits.replace(**splits, class_names=digits.class_names[::-1])
    theirs, own = (evaluate(load_run(cvae_run), data, samples=5, images=40) for data in (other, digits))
    assert theirs.likelihood == own.likelihood
    few = {"scores": ["negative_elbo_nats"], "split": "validation"}
    found, known = (vaekit.score(cvae_run, data, **few) for data in (other, digits))
    assert torch.equal(found.scores["negative_elbo_nats"], known.scores["negative_elbo_nats"])


def test_a_label_is_heard_for_data_without_labels(cvae_run: Path, digits: Data) -> None:
    fives = {name: split.take(split.labels == 5) for name, split in digits.splits.items()}
    bare = {name: replace(split, labels=None) for name, split in fives.items()}
    run, known = load_run(cvae_run), digits.replace(**fives)
    unknown = digits.replace(**bare, class_names=None)
    with pytest.raises(DataError, match="label='NAME'"):
        vaekit.encode(run, unknown)
    codes = [
        vaekit.encode(run, data, label=label).arrays()["mean"]
        for data, label in ((known, None), (unknown, "5"))
    ]
    np.testing.assert_array_equal(*codes)


def test_annealing_is_of_the_same_images_as_its_bound_and_printed_as_it_is_kept(digits: Data) -> None:
    model, few = untrained(likelihood="gaussian"), digits.test.take(torch.arange(40))
    record = evaluate(
        model, few, samples=20, annealed=6, sandwich=3, chains=5, temperatures=8, leapfrog=3, seed=2
    )
    check, bound = record.annealing, importance_bound(model, few, 20, seed=2)
    assert check is not None and record.sandwich is not None
    assert record.likelihood["nll_annealed_nats"] is check.annealed
    rows_of = torch.tensor([int((bound.per_image == value).nonzero()) for value in check.bound.per_image])
    alone = annealed_bound(model, few.take(rows_of), 5, temperatures=8, leapfrog=3, seed=2)
    assert torch.equal(alone.per_image, check.annealed.per_image)
    values = json.loads(json.dumps(record.as_dict(), allow_nan=False))["annealing"]
    differences = alone.per_image - bound.per_image[rows_of]
    assert values["annealed_minus_bound_nats"]["value"] == pytest.approx(float(differences.mean()))
    error = float(differences.std()) / 6**0.5
    assert values["annealed_minus_bound_nats"]["standard_error"] == pytest.approx(error)
    assert (values["chains"], values["temperatures"], values["leapfrog"]) == (5, 8, 3)
    printed = evaluation_text(record)
    row = next(row for row in rows(record.as_dict()) if row.label == "annealed less bound")
    assert row.value == values["annealed_minus_bound_nats"]["value"]
    assert re.search(rf"annealed less bound +{re.escape(row.text)}  nats per image, of a density", printed)
    assert not values["arrived"]
    assert "--temperatures 16 or --chains 16" in printed
    gap = record.as_dict()["sandwich"]["sandwich_gap_nats"]
    assert gap["images"] == 3
    assert re.search(r"gap of the sandwich +\S+ ± \S+ +nats per image, of a density", printed)


def test_the_sandwich_is_refused_before_anything_is_measured(digits: Data) -> None:
    with pytest.raises(SettingError, match="bce is no likelihood"):
        evaluate(untrained(likelihood="bce"), digits, sandwich=2, tell=lambda *line: pytest.fail("measured"))
    torch.manual_seed(0)
    with pytest.raises(SettingError, match="AE does not"):
        evaluate(AE((1, 8, 8), 3, width=16), digits, sandwich=2)
