"""What people type for our words: each finds ours, and only where ours is known."""

from __future__ import annotations

import pytest

from vaekit.config.likelihood_parts import LIKELIHOODS
from vaekit.config.methods import METHODS
from vaekit.config.network_parts import NETWORKS
from vaekit.synonyms import THEIRS, as_word, meant

OPTIONS = [f"--{name.replace('_', '-')}" for name in METHODS["vae"].options()]


@pytest.mark.parametrize(
    ("word", "known", "ours"),
    [
        ("--lr", OPTIONS, "--learning-rate"),
        ("--LR", OPTIONS, "--learning-rate"),
        ("--bs", OPTIONS, "--batch-size"),
        ("--latents", OPTIONS, "--latent-dim"),
        ("--latent-dims", OPTIONS, "--latent-dim"),
        ("--z-dim", OPTIONS, "--latent-dim"),
        ("--learning_rat", OPTIONS, "--learning-rate"),
        ("--gpu", OPTIONS, "--device"),
        ("--epoch", OPTIONS, "--epochs"),
        ("--cat", OPTIONS, None),
        ("mse", list(LIKELIHOODS), "gaussian"),
        ("MSE", list(LIKELIHOODS), "gaussian"),
        ("cross-entropy", list(LIKELIHOODS), "bce"),
        ("cnn", list(NETWORKS), "strided"),
        ("Bvae", list(METHODS), "beta-vae"),
        ("beta_vae", list(METHODS), "beta-vae"),
        ("vq-vae", list(METHODS), "vqvae"),
        ("wandb", ["none", "tensorboard", "trackio"], "trackio"),
        ("xyzzy", list(METHODS), None),
        ("cnn", ["red", "green"], None),
    ],
)
def test_a_word_finds_ours(word: str, known: list[str], ours: str | None) -> None:
    assert meant(word, known) == ours


def test_no_synonym_is_spelt_so_that_it_cannot_be_found() -> None:
    for theirs in THEIRS.values():
        assert [word for word in theirs.split() if word != as_word(word)] == []
    assert [ours for ours, theirs in THEIRS.items() if as_word(ours) in theirs.split()] == []
