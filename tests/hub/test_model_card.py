"""The card is read back by a Markdown parser, and held against the records that it is written from."""

from __future__ import annotations

import io
import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit
from vaekit.hub.model_card import card_of, sample_sheet
from vaekit.images.tile import GAP
from vaekit.metrics import metric_of

markdown_it = pytest.importorskip("markdown_it")


def tables(card: str) -> list[list[list[str]]]:
    """Rows of cells of every table, as a reader sees them."""
    tokens = markdown_it.MarkdownIt("commonmark").enable("table").parse(card.split("---\n", 2)[2])
    found: list[list[list[str]]] = []
    for before, token in itertools.pairwise(tokens):
        if before.type == "table_open":
            found.append([])
        if before.type == "tr_open":
            found[-1].append([])
        if token.type == "inline" and before.type in ("th_open", "td_open"):
            found[-1][-1].append("".join(child.content for child in token.children))
    return found


def code(card: str) -> str:
    tokens = markdown_it.MarkdownIt("commonmark").parse(card)
    return next(token.content for token in tokens if token.type == "fence" and token.info == "python")


def written(run: Path, tmp_path: Path) -> str:
    folder = vaekit.load_run(run).save_pretrained(tmp_path / "sent")
    return (folder / "README.md").read_text(encoding="utf-8")


def rounded(text: str) -> tuple[float, float]:
    """A number as it is printed, and half a unit of its last digit."""
    digits = text.replace("−", "-").replace(",", "")
    return float(digits), 0.5001 * 10.0 ** -len(digits.partition(".")[2])


def test_figures_are_those_of_the_record(vae_run: Path, tmp_path: Path) -> None:
    vaekit.evaluate(vae_run, samples=5, keep=True, progress=False)
    run = vaekit.load_run(vae_run)
    assert run.summary is not None and run.summary.test is not None and run.summary.evaluation is not None
    trained, measured = tables(written(vae_run, tmp_path))[:2]
    values = {row[0]: row[1] for row in trained[1:]}
    for key, value in run.summary.test.figures.items():
        shown, half = rounded(values[metric_of(key, run.under).label])
        assert abs(shown - value) <= half, key
    assert measured[0][1] == "value ± standard error"
    with_errors = {row[0]: row[1] for row in measured[1:]}
    found = run.summary.evaluation
    for label, stored in {
        "−ELBO": found["negative_elbo_nats"],
        "−log p(x)": found["nll_nats"],
        "rate": found["health"]["rate_nats"],
        "distortion": found["health"]["distortion_nats"],
    }.items():
        shown = with_errors[label].split(" ± ")
        for text, value in zip(shown, (stored["value"], stored["standard_error"]), strict=True):
            number, half = rounded(text)
            assert abs(number - value) <= half, label


def test_the_command_trains_it_again(vae_run: Path, tmp_path: Path, terminal) -> None:
    card = written(vae_run, tmp_path)
    line = next(line for line in card.splitlines() if line.startswith("    vaekit train"))
    assert terminal(*shlex.split(line)[1:], "--out", "again").status == 0
    again, own = (vaekit.load_run(place).model.state_dict() for place in ("again", vae_run))
    assert all(torch.equal(again[name], own[name]) for name in own)


def test_settings_that_differ_are_listed(vae_run: Path, tmp_path: Path) -> None:
    rows = {row[0]: row[1:] for row in tables(written(vae_run, tmp_path))[-1]}
    assert rows["latent_dim"][0] == "3" and rows["width"][0] == "16" and "seed" not in rows


@pytest.mark.parametrize("kind", ["vae", "cvae", "ae", "real", "vqvae", "gan"])
def test_the_program_in_it_runs(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """As it stands; a model that cannot sample is given images where the card says so."""
    model: Any
    match kind:
        case "vqvae":
            model = vaekit.VQVAE((1, 8, 8), downsample=2, codes=8, width=8, depth=1, seed=0)
        case "gan":
            model = vaekit.GAN((1, 8, 8), latent_dim=2, network="mlp", width=8, seed=0)
        case "real":
            model = vaekit.VAE((5,), 2, pixels="real", width=8, seed=0)
        case _:
            model = vaekit.load_run(request.getfixturevalue(f"{kind}_run")).model
    folder = model.save_pretrained(tmp_path / "a model")
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card == card_of_folder(model, folder, card)
    program = code(card).replace("images = ...", "images = torch.rand(16, *model.shape)")
    names: dict[str, Any] = {"torch": torch}
    exec(program, names)
    assert names["images"].shape == (16, *model.shape)
    assert ("again" in names) == hasattr(model, "reconstruct") and ("codes" in names) == hasattr(
        model, "embed"
    )
    if "again" in names:
        assert names["again"].shape == names["images"].shape
    assert (folder / "samples.png").exists() == ("![64 samples]" in card) == (kind in ("vae", "cvae", "gan"))


def card_of_folder(model: Any, folder: Path, card: str) -> str:
    """The card anew, with the head as huggingface_hub writes it."""
    head = card[: card.index("---\n", 4)]
    return (
        head
        + card_of(model, str(folder), {}).partition("---\n")[2].partition("---\n")[1]
        + (card_of(model, str(folder), {}).split("---\n", 2)[2])
    )


def test_the_picture_shows_samples_of_the_model(cvae_run: Path) -> None:
    """Tile by tile: enlarged whole pixels, classes in turn."""
    model = vaekit.load_run(cvae_run).model
    content = sample_sheet(model)
    assert content is not None
    picture = np.asarray(Image.open(io.BytesIO(content)))
    images = (model.sample(64, [k % 10 for k in range(64)], seed=0) * 255).round().numpy()
    side = (picture.shape[0] + GAP) // 8
    scale = (side - GAP) // 8
    for number in (0, 7, 8, 37, 63):
        top, left = number // 8 * side, number % 8 * side
        tile = picture[top : top + side - GAP : scale, left : left + side - GAP : scale, 0]
        np.testing.assert_array_equal(tile, images[number, 0])


@pytest.mark.parametrize("name", ["a|b", "<script>x", "`rm`", "*a* _b_", "[x](http://y)", "# head", "a\\b"])
def test_names_mean_themselves(name: str, vae_run: Path, tmp_path: Path) -> None:
    """A folder's name, or a class's, is no Markdown."""
    run = vaekit.load_run(vae_run)
    from vaekit.hub.model_card import plain, table

    text = table(("x", "y"), [(plain(name), plain(name))])
    assert tables(f"---\n---\n{text}") == [[["x", "y"], [name, name]]]
    tokens = markdown_it.MarkdownIt("commonmark").parse(f"# {plain(name)}")
    assert "".join(child.content for child in tokens[1].children) == name
    assert {child.type for child in tokens[1].children} <= {"text", "text_special"}
    assert run.summary is not None


def test_a_card_without_errors_says_so(vae_run: Path) -> None:
    from vaekit.hub.push import push_model

    with (
        pytest.warns(vaekit.VaekitWarning, match="have no errors: evaluate the run"),
        pytest.raises(vaekit.RunError),
    ):
        push_model(vae_run, "me/digits", token="hf_x")


def test_the_head_is_what_the_hub_reads(vae_run: Path, tmp_path: Path) -> None:
    from huggingface_hub import ModelCard

    written(vae_run, tmp_path)
    data = ModelCard.load(tmp_path / "sent" / "README.md").data.to_dict()
    assert data["library_name"] == "vaekit" and set(data["tags"]) >= {"vae", "vaekit", "model_hub_mixin"}
    assert re.search(
        r"^# vae on digits$", (tmp_path / "sent" / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
