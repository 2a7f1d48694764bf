"""Arguments of library messages as they are typed."""

from __future__ import annotations

import pytest

from vaekit.cli.spelling import as_typed


@pytest.mark.parametrize(
    ("message", "typed"),
    [
        ("give image_size=64, say.", "give --image-size 64, say."),
        ("x: give image_size='48x64'.", "x: give --image-size 48x64."),
        ("try free_bits=0.5, kl_warmup=0.3 or a smaller beta", "try --free-bits 0.5, --kl-warmup 0.3 or a smaller beta"),
        ("or epochs=1.", "or --epochs 1."),
        ("keep kmeans=True and revive=False, or", "keep --kmeans and --no-revive, or"),
        ("fit= has no effect without image_size=", "--fit has no effect without --image-size"),
        ("out='my runs/a': a run is there", "--out 'my runs/a': a run is there"),
        ("data='Übergrößen – 数': no", "--data 'Übergrößen – 数': no"),
        ("sigma=0.3 has no effect with likelihood='bce': gaussian has it.",
         "--sigma 0.3 has no effect with --likelihood bce: gaussian has it."),
        ("pass previews= and weights_of=.", "pass previews= and weights_of=."),
        ("the data have no labels; fit a prior", "the data have no labels; fit a prior"),
        ("a==b and beta==3", "a==b and beta==3"),
        ("runs/beta=4/config.json: damaged", "runs/beta=4/config.json: damaged"),
        ("two\nlines", "two lines"),
    ],
)  # fmt: skip
def test_written_arguments_become_flags(message: str, typed: str) -> None:
    assert as_typed(message) == typed


@pytest.mark.parametrize(
    ("message", "option", "typed"),
    [
        ("sigma must be above 0, not -1.", "sigma", "--sigma must be above 0, not -1."),
        ("latent_dim must be at least 1", "latent_dim", "--latent-dim must be at least 1"),
        ("network: 'x' is not one of network", "network", "--network: 'x' is not one of network"),
        ("seeds: 3", "no_option", "seeds: 3"),
        ("image_size='big': write 64", "image_size", "--image-size big: write 64"),
    ],
)
def test_the_argument_that_a_message_is_about_is_a_plain_word(message: str, option: str, typed: str) -> None:
    assert as_typed(message, option) == typed


def test_what_is_given_by_its_place_is_not_spelt_as_an_option() -> None:
    assert as_typed("file='a b.vk': no such file.", "file") == "a b.vk: no such file."
    assert as_typed("give file= and out='x'", "file") == "give FILE and --out x"
    assert (
        as_typed("data='none': no such source.", "data") == "--data none: no such source."
    )  # of `vaekit train`
