"""What docs/lesson.md says of the lesson holds: its Python runs, its commands can be typed, its corrections are right."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import vaekit
from vaekit.cli import reading
from vaekit.cli.main import COMMANDS
from vaekit.comparison.lesson_claims import CLAIMS
from vaekit.core import SettingError

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "lesson.md").read_text(encoding="utf-8")
RECIPES = ROOT / "recipes"
SHELL = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
PYTHON = re.findall(r"(<!-- runs -->\n)?```python\n(.*?)```", TEXT, re.DOTALL)
TYPED = [
    words for block in SHELL for line in block.splitlines() if (words := shlex.split(line, comments=True))
]
CODE = (  # the lesson's functions and classes
    "vae_loss beta_vae_loss reparameterize VAEEncoder VAEDecoder VAE generate reconstruct train_vae CVAE "
    "VectorQuantizer visualize_latent_space explore_latent_dimension generate_manifold"
)


def read(words: list[str]) -> tuple[Any, ...]:
    """The options of a command line, as the program reads them before anything is loaded."""
    command = COMMANDS[words[1]]
    return getattr(reading, command.read)(f"vaekit {words[1]}", command, words[2:])


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the blocks of Python have made, run one after another in a folder of their own."""
    made: dict[str, Any] = {"__name__": "lesson"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("lesson"))
        torch.manual_seed(0)  # the page draws as it likes; a test is to say the same each time
        for marked, code in PYTHON:
            assert marked, f"a block that no test runs: {code}"
            exec(compile(code, "lesson.md", "exec"), made)
    return made


def test_the_terms_of_the_elbo(names: dict[str, Any]) -> None:
    elbo = -(names["reconstruction"] + names["kl"])
    assert elbo.shape == (len(names["x"]),)
    assert elbo.mean() > -40  # nats per image of digits: trained, and summed over pixels


@pytest.mark.parametrize(
    "words", [words for words in TYPED if words[:2] != ["vaekit", "prior"]], ids=" ".join
)
def test_commands_can_be_typed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert words[0] == "vaekit"
    assert read(words)


def test_a_prior_takes_what_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options depend on the run, of which it reads `config.json` alone."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(RECIPES, "recipes")
    priors = [words for words in TYPED if words[:2] == ["vaekit", "prior"]]
    for method, run in (("vae", "vae"), ("vae", "three"), ("vqvae", "vq")):
        vaekit.train(method, "digits", steps=1, out=tmp_path / "runs" / run, progress="none")
    for words in priors:
        assert read(words)
    assert len(priors) >= 2


def test_a_flag_that_is_none_would_be_found() -> None:
    with pytest.raises(SettingError, match="unknown option"):
        read(["vaekit", "figures", "runs/map", "--linea"])


def test_runs_are_made_before_they_are_used() -> None:
    made = {words[words.index("--out") + 1] for words in TYPED if words[1] == "train" and "--out" in words}
    used = {word for words in TYPED for word in words[2:] if word.startswith("runs/")}
    assert used == made


def test_every_piece_of_the_lessons_code_is_named() -> None:
    """And its sentences that are wrong, by the words in which they stand there."""
    sentences = [
        "z ~ N(mu, sigma)",
        "uniform(−1/K, 1/K)",
        "F.binary_cross_entropy(x_recon, x)",
        "ELBO = Reconstruction − beta · KL",
        "ELBO: Reconstruction + KL Divergence",
        "Sampling is not differentiable",
        "difficult to evaluate",
    ]
    assert not [piece for piece in [*CODE.split(" "), *sentences] if piece not in TEXT]
    headings = re.findall(r"^##+ (.*)$", TEXT, re.MULTILINE)
    assert [h.split(" ")[0] for h in headings if h[0].isdigit()] == [str(i) for i in range(1, 11)]
    assert headings[-3:] == ["Summary", "Use cases", "Next steps"]


def test_use_cases_are_those_that_are_judged() -> None:
    judged = [claim.text.partition(":")[0] for claim in CLAIMS if claim.section == "use cases"]
    rows = [
        line.split("|")[1].strip()
        for line in TEXT.partition("### Use cases")[2].splitlines()
        if line[:1] == "|"
    ]
    assert rows[2:] == judged


def test_the_core_code_multiplies_beta_by_pixels_and_images(names: dict[str, Any]) -> None:
    core, same, right = (names[name] for name in ("core_code", "same", "right"))
    assert names["beta"] == 64 * 128
    torch.testing.assert_close(core, same)
    assert abs(core - right) > 0.1
    ours, theirs = (
        torch.autograd.grad(loss, names["lesson"].encoder.head.weight, retain_graph=True)[0]
        for loss in (core, same)
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


def test_the_core_code_collapses_and_the_right_one_does_not(names: dict[str, Any]) -> None:
    collapsed = names["collapse"].test
    assert collapsed.kl_nats < 0.01
    assert collapsed.explained_variance < 0.05
    learned = names["lesson"]
    rebuilt = learned.reconstruct(names["data"].test.images)
    images = unit(names["data"].test.images)
    spread = (images - images.mean(0)).square().sum()
    assert 1 - (rebuilt - images).square().sum() / spread > 0.2


def unit(images: torch.Tensor) -> torch.Tensor:
    """Grey levels from 0 to 1."""
    return images.float() / 255


def test_beta_of_the_typed_core_code_is_pixels_times_images() -> None:
    batch = json.loads((RECIPES / "lesson_mnist.json").read_text())["settings"]["batch_size"]
    assert f"--beta {28 * 28 * batch} " in TEXT


def test_noise_of_the_two_gradients(names: dict[str, Any]) -> None:
    """By moments of a standard normal e: Var 2(1 + e) = 4, Var (1 + e)^2 e = E e^6 + 6 E e^4 + E e^2 - 4 = 30."""
    for draws, variance in ((names["through_z"], 4.0), (names["by_score"], 30.0)):
        assert draws.mean().item() == pytest.approx(2.0, abs=5 * (variance / len(draws)) ** 0.5)
        assert draws.var().item() == pytest.approx(variance, rel=0.25)
    assert 15 + 6 * 3 + 1 - 4 == 30


def explore_latent_dimension(
    decoder: nn.Module, dim_idx: int, range_vals: torch.Tensor, fixed_z: torch.Tensor
) -> torch.Tensor:
    """The lesson's §7, one call of the decoder for each value."""
    images = []
    for val in range_vals:
        z = fixed_z.clone()
        z[0, dim_idx] = val
        images.append(decoder(z))
    return torch.cat(images)


def test_the_walk_is_the_lessons_explore_latent_dimension(names: dict[str, Any]) -> None:
    vae, walk = names["vae"].eval(), names["walk"]
    with torch.no_grad():
        expected = explore_latent_dimension(
            lambda z: vae.picture(vae.decode(z)),
            names["most"],
            torch.linspace(-3, 3, 11),
            names["embedding"].mean[:1],
        )
    torch.testing.assert_close(names["frames"], expected, rtol=0, atol=1e-5)
    assert names["most"] == int(names["embedding"].kl.argmax())
    assert (walk.std(0) > 0).sum() == 1


def test_the_lessons_codebook_starts_in_one_point(names: dict[str, Any]) -> None:
    vectors = names["lessons"].quantizer.vectors_of_codes
    assert vectors.abs().max() <= 1 / 64
    ours = vaekit.VQVAE((1, 8, 8), downsample=2, codes=64).quantizer.vectors_of_codes
    assert ours.std().item() == pytest.approx(ours.shape[1] ** -0.5, rel=0.2)
