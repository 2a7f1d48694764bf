"""A run and its export have one card; cards of other images or features are not compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import vaekit
from vaekit import Card, Data, Split, load_data, load_run
from vaekit.core import DataError, RunError, SettingError
from vaekit.evaluation.cards.card import HASHES, read_card
from vaekit.evaluation.likelihood.bounds import distortion_and_rate
from vaekit.evaluation.samples.features.store import features_for
from vaekit.evaluation.samples.frechet import frechet_distance
from vaekit.inference import reconstruct


@pytest.fixture(scope="module")
def digits() -> Data:
    return load_data("digits")


@pytest.fixture(scope="module")
def trained(_trained: Path) -> Path:
    """The folder of a small vae, ae and cvae."""
    return _trained


@pytest.fixture(scope="module")
def exported(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    vaekit.export(_trained / "vae", folder / "onnx")
    return {"encoder": folder / "onnx/encoder.onnx", "decoder": folder / "onnx/decoder.onnx"}


@pytest.fixture(scope="module")
def own(_trained: Path) -> Card:
    return vaekit.card(_trained / "vae")


def halved(data: Data) -> Card:
    """Of a model that gives every image back with half of its contrast."""
    return vaekit.card(encoder=lambda x: x, decoder=lambda x: 0.25 + x / 2, data=data)


def test_a_run_and_its_export_have_one_card(own: Card, exported: dict[str, Path]) -> None:
    theirs = vaekit.card(**exported, data="digits")
    assert own.hashes == theirs.hashes
    assert own.figures.keys() == theirs.figures.keys()
    assert {"mse", "psnr_db", "ssim", "rate_bits"} < own.figures.keys()
    for key, figure in own.figures.items():
        other = theirs.figures[key]
        assert (other.value, other.error) == pytest.approx(
            (figure.value, figure.error), rel=1e-5, abs=1e-6
        ), key
        assert (other.floor, other.floor_error, other.unit) == (
            figure.floor,
            figure.floor_error,
            figure.unit,
        ), key


def test_figures_are_those_of_the_images(own: Card, trained: Path, digits: Data) -> None:
    """By numpy, and by the other measures of the house."""
    model = load_run(trained / "vae").model
    x = digits.test.images.double() / 255
    y = reconstruct(model, digits.test).double()  # type: ignore[arg-type]
    errors = ((x - y) ** 2).flatten(1).mean(1).numpy()
    assert own.figures["mse"].value == pytest.approx(errors.mean(), rel=1e-5)
    assert own.figures["mse"].error == pytest.approx(errors.std(ddof=1) / np.sqrt(len(errors)), rel=1e-4)
    assert own.figures["psnr_db"].value == pytest.approx(-10 * np.log10(errors.mean()), rel=1e-5)
    _, rates = distortion_and_rate(model, digits.test)
    assert own.figures["rate_bits"].value == pytest.approx(float(rates.sum(-1).mean()) / np.log(2), rel=1e-5)
    features = features_for(digits)
    found = own.figures[f"rfd_{features.name}"]
    a, b = (features(images.float()).double() for images in (x, y))
    assert found.value == pytest.approx(frechet_distance(a, b), rel=1e-4)
    assert found.floor is not None and found.value > found.floor > 0


@pytest.mark.parametrize("method", ["ae", "cvae"])
def test_other_runs(trained: Path, method: str) -> None:
    found = vaekit.card(trained / method)
    assert ("rate_bits" in found.figures) == (method == "cvae")


def test_codes_of_a_run_and_of_its_functions(digits: Data) -> None:
    torch.manual_seed(0)
    model = vaekit.VQVAE(digits.shape, codes=16, width=8, depth=1).eval()
    ours = vaekit.card(model, digits)
    theirs = vaekit.card(encoder=model.encode_codes, decoder=model.decode_codes, data=digits, codes=16)
    places = model.grid[0] * model.grid[1]
    assert ours.figures["fixed_bits"].value == theirs.figures["fixed_bits"].value == 4 * places
    assert ours.figures["mse"].value == pytest.approx(theirs.figures["mse"].value, rel=1e-5)


def test_binary_pixels_are_one_fixed_draw(digits: Data) -> None:
    """A foreign model sees the same binary images as one of ours."""
    data = load_data("digits", binarize="dynamic")
    torch.manual_seed(0)
    model = vaekit.VAE(data.shape, 3, width=8, depth=1, pixels="binary").eval()
    ours = vaekit.card(model, data)
    theirs = vaekit.card(encoder=model.encode, decoder=lambda z: model.picture(model.decode(z)), data=data)
    grey = vaekit.card(encoder=model.encode, decoder=lambda z: model.picture(model.decode(z)), data=digits)
    assert ours.hashes == theirs.hashes
    assert ours.figures["mse"].value == pytest.approx(theirs.figures["mse"].value, rel=1e-5)
    with pytest.raises(SettingError, match="other crop"):
        vaekit.cards([theirs, grey])


def test_the_order_of_images_is_no_part_of_a_card(digits: Data) -> None:
    shuffled = torch.randperm(len(digits.test), generator=torch.Generator().manual_seed(0))
    other = halved(digits.replace(test=digits.test.take(shuffled)))
    assert other.hashes == halved(digits).hashes
    assert other.figures == halved(digits).figures


def test_a_model_without_an_encoder_has_no_card(digits: Data) -> None:
    with pytest.raises(SettingError, match="a card is of an autoencoder; a GAN has no encoder"):
        vaekit.card(vaekit.GAN(digits.shape, 2, width=8, depth=1), digits)


def test_a_split_has_no_floor_and_no_features(digits: Data) -> None:
    found = halved(digits.test)  # type: ignore[arg-type]
    assert found.figures.keys() == {"mse", "psnr_db", "ssim"}
    features = features_for(digits)
    given = vaekit.card(encoder=lambda x: x, decoder=lambda x: x, data=digits.test, features=features)
    figure = given.figures[f"rfd_{features.name}"]
    assert (figure.value, figure.floor) == (pytest.approx(0, abs=1e-6), None)
    with pytest.raises(SettingError, match="features by name need a data set"):
        vaekit.card(encoder=lambda x: x, decoder=lambda x: x, data=digits.test, features="mnist_v1")


def test_too_few_images(digits: Data) -> None:
    few = digits.replace(test=digits.test.take(torch.arange(20)))
    assert any(
        "No Fréchet and no kernel distance: sample quality needs" in note for note in halved(few).notes
    )
    with pytest.raises(DataError, match="not 20 compared"):
        vaekit.card(encoder=lambda x: x, decoder=lambda x: x, data=few, features=features_for(digits))
    one = halved(digits.test.take(torch.arange(1)))  # type: ignore[arg-type]
    assert one.figures["mse"].error is None
    assert vaekit.cards([one, one]).differences[0][0].error is None
    with pytest.raises(DataError, match="no images to measure"):
        halved(digits.test.take(torch.arange(0)))  # type: ignore[arg-type]


def changed(data: Data) -> dict[str, Data]:
    """Other data, one thing each: size, which images, their pixels."""
    brighter = data.test.images.clone()
    brighter[0, 0, 0, 0] += 1
    return {
        "crop": load_data("digits", image_size=12),
        "split": data.replace(train=data.train.take(torch.arange(len(data.train) - 1))),
        "data": data.replace(test=Split(brighter, data.test.labels)),
        "features": data,
    }


@pytest.mark.parametrize("key", HASHES)
def test_cards_of_other_hashes_are_not_compared(digits: Data, key: str) -> None:
    features = None if key == "features" else "auto"
    first = halved(digits)
    other = vaekit.card(
        encoder=lambda x: x, decoder=lambda x: x, data=changed(digits)[key], features=features
    )
    with pytest.raises(SettingError, match=f"card 1 and card 2 cannot be compared: other {key}, ") as raised:
        vaekit.cards([first, other])
    assert first.hashes[key][:8] in str(raised.value)
    assert "\n" not in str(raised.value)


def test_differences_are_those_of_the_figures(digits: Data) -> None:
    first = halved(digits)
    other = vaekit.card(encoder=lambda x: x, decoder=lambda x: 0.2 + 0.6 * x, data=digits)
    found = vaekit.cards([first, other, first])
    assert len(found.differences) == 2
    for one in found.differences[0]:
        assert one.value == other.figures[one.key].value - first.figures[one.key].value
        assert one.error is not None and one.error >= 0
    assert {one.value for one in found.differences[1]} == {0}
    x = digits.test.images.double().flatten(1) / 255
    pairs = ((0.2 - 0.4 * x) ** 2).mean(1) - ((0.25 - 0.5 * x) ** 2).mean(1)
    mse = next(one for one in found.differences[0] if one.key == "mse")
    assert mse.value == pytest.approx(float(pairs.mean()), rel=1e-4)
    assert mse.error == pytest.approx(float(pairs.std()) / len(pairs) ** 0.5, rel=0.6)  # from ten groups


def test_a_card_is_read_as_it_was_written(digits: Data, tmp_path: Path) -> None:
    found = vaekit.card(
        encoder=lambda x: x, decoder=lambda x: 0.5 * x, data=digits, out=tmp_path / "new" / "card.json"
    )
    again = read_card(tmp_path / "new" / "card.json")
    assert again.as_dict() == found.as_dict()
    assert again.figures == found.figures
    with pytest.raises(SettingError, match=r"cannot write \.txt"):
        vaekit.card(encoder=lambda x: x, decoder=lambda x: x, data=digits, out=tmp_path / "card.txt")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("no json", "cannot be read as JSON"),
        ("[]", "must hold a JSON object"),
        ("{}", "is not a card"),
        ({"format": 99}, "is a card of a newer vaekit .format 99."),
        ({"figures": {"mse": 3}}, "figures.mse = 3 must be an object"),
        ({"figures": {"mse": {"value": 1, "unit": "x"}}}, "figures.mse.error is missing"),
        ({"figures": {"mse": {"value": float("nan"), "unit": "x", "error": None}}}, "no number of JSON"),
    ],
)  # fmt: skip
def test_damaged_cards_are_one_line(tmp_path: Path, digits: Data, content: str | dict, says: str) -> None:
    path = tmp_path / "card.json"
    if isinstance(content, dict):
        content = json.dumps({**halved(digits.test).as_dict(), **content})  # type: ignore[arg-type]
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=says):
        vaekit.cards([path, path])


def test_one_card_is_not_compared(digits: Data) -> None:
    for few in ([], [halved(digits.test)], "card.json"):  # type: ignore[arg-type]
        with pytest.raises(SettingError, match="two cards or more"):
            vaekit.cards(few)  # type: ignore[arg-type]


def test_options_of_networks_are_not_for_a_run(trained: Path) -> None:
    with pytest.raises(SettingError, match="range= is for encoder= and decoder=; a run knows its own"):
        vaekit.card(trained / "vae", range="-1..1")
    with pytest.raises(SettingError, match="unknown option 'sample'"):
        vaekit.evaluate(trained / "vae", sample=3)
    with pytest.raises(SettingError, match="there is nothing to measure"):
        vaekit.card()


def test_evaluate_gives_the_same_card(
    own: Card, trained: Path, digits: Data, exported: dict[str, Path]
) -> None:
    run = load_run(trained / "vae")
    found = vaekit.evaluate(run, digits, samples=2, features="auto", card=trained.parent / "card.json")
    assert found.card is not None
    assert found.card.figures == own.figures
    assert replace(read_card(trained.parent / "card.json"), notes=()) == replace(found.card, notes=())
    assert found.as_dict()["card"] == found.card.as_dict()
    alone = vaekit.evaluate(**exported, data=digits, features="auto")
    assert alone.likelihood == {} and alone.health is None
    assert alone.card is not None and alone.card.hashes == own.hashes
