"""Recipes are found by name, checked field by field, and refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaekit import InputError
from vaekit.config.options import read_config
from vaekit.config.recipe_names import shipped
from vaekit.reproduction.recipe_files import find_recipe, read_recipe

ROOT = Path(__file__).parents[2]
RIGHT = {
    "format": 1,
    "note": "",
    "settings": {"method": "vae", "data": "digits", "epochs": 1},
    "evaluation": {"samples": 2},
    "result": {
        "figures": {
            "negative_elbo_nats": {
                "value": 20.0,
                "standard_error_over_images": 0.2,
                "standard_error_over_seeds": 0.1,
            }
        },
        "seeds": [0, 1],
        "hardware": {"processor": "one", "cores": 2},
        "versions": {"torch": "2.13.0"},
        "date": "2026-11-28",
        "seconds": 3.5,
        "data": "0123",
    },
}


def changed(*where: str, **values: Any) -> Callable[[], Any]:
    """The right recipe with other values at a place; None takes a key away."""

    def make() -> Any:
        content: Any = json.loads(json.dumps(RIGHT))
        place = content
        for key in where:
            place = place[key]
        for key, value in values.items():
            place[key] = value
            if value is None:
                del place[key]
        return content

    return make


FIGURE = ("result", "figures", "negative_elbo_nats")
WRONG = {
    "settings is missing": changed(settings=None),
    "settings = 'vae' must be an object": changed(settings="vae"),
    "unknown key 'setings'. Did you mean settings?": changed(setings={}),
    "format = 2 must be 1": changed(format=2),
    "format = None must be 1": changed(format=None),
    "settings.method must name a method": changed("settings", method=None),
    "unknown method 'vea'. Did you mean vae?": changed("settings", method="vea"),
    "unknown option 'epoch'": changed("settings", epoch=3),
    "epochs must be at least 1, not 0": changed("settings", epochs=0),
    "unknown option 'sample'. Did you mean samples?": changed("evaluation", sample=3),
    "samples must be at least 1, not -1": changed("evaluation", samples=-1),
    "figures is missing": changed("result", figures=None),
    "unknown figure 'negative_elbo_nat'. Did you mean negative_elbo_nats?": changed(
        "result", "figures", negative_elbo_nat={"value": 1.0}
    ),
    "value is missing": changed(*FIGURE, value=None),
    "value = '20' must be a number": changed(*FIGURE, value="20"),
    "cannot be read as JSON: NaN is no number of JSON": changed(*FIGURE, value=float("nan")),
    "Infinity is no number of JSON": changed(*FIGURE, standard_error_over_seeds=float("inf")),
    "over_images = -0.1 must be at least 0": changed(*FIGURE, standard_error_over_images=-0.1),
    "unknown key 'result.figures.negative_elbo_nats.standard_eror_over_seeds'": changed(
        *FIGURE, standard_eror_over_seeds=0.1
    ),
    "one seed has no standard error over seeds": changed("result", seeds=[0]),
    "negative_elbo_nats.values must have one value for each": changed(*FIGURE, values=[1.0]),
    "seeds = [] must name each seed once": changed("result", seeds=[]),
    "seeds = [1, 1] must name each seed once": changed("result", seeds=[1, 1]),
    "seeds[0] = 0.5 must be a whole number": changed("result", seeds=[0.5, 1]),
    "read as JSON: NaN is no number": changed("result", seconds=float("nan")),
    "hardware is missing": changed("result", hardware=None),
    "processor is missing": changed("result", "hardware", processor=None),
    "a code-prior is fitted to a run": changed("settings", method="code-prior", data=None, epochs=None),
    "'after' is for a prior, not for a vae": changed(after="digits_vae"),
    "must hold a JSON object": lambda: [1],
}


@pytest.mark.parametrize("name", shipped())
def test_every_recipe_can_be_read_and_stores_no_more_than_it_may(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name and recipe.note
    assert json.loads(recipe.path.read_text(encoding="utf-8"))["format"] == 1


def test_the_smallest_store_errors_over_seeds_and_where_they_were_measured() -> None:
    for name in ("digits_vae", "digits_vqvae", "strokes_vae"):
        result = find_recipe(name).result
        assert result is not None and len(result.seeds) >= 3
        assert result.seconds and result.seconds < 60 and result.date and result.data
        assert result.hardware.cores and result.hardware.threads and result.hardware.device
        assert {"vaekit", "torch"} <= result.versions.keys()
        judged = [f for key, f in result.figures.items() if key not in ("parameters", "steps")]
        assert judged and all(figure.standard_error_over_seeds is not None for figure in judged)


def test_they_are_those_of_the_repository() -> None:
    assert {*shipped()} == {path.stem for path in (ROOT / "recipes").glob("*.json")}


def test_a_right_recipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(RIGHT), encoding="utf-8")
    recipe = find_recipe(str(path))
    assert (recipe.name, recipe.seconds, recipe.evaluation.samples) == ("mine", 3.5, 2)
    assert recipe.result is not None
    assert recipe.result.figures["negative_elbo_nats"].standard_error_over_images == 0.2


@pytest.mark.parametrize("said", WRONG)
def test_a_wrong_one_is_refused_in_one_line(said: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(WRONG[said]()), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_recipe(path)
    message = str(refused.value)
    assert said in message and message.startswith(str(path)) and "\n" not in message


def test_a_prior_waits_for_the_run_that_it_is_fitted_to() -> None:
    recipe = find_recipe("mnist_code_prior")
    assert recipe.after is not None and recipe.after.name == "mnist_vqvae"
    files = [ROOT / "recipes" / f"{name}.json" for name in ("mnist_vqvae", "mnist_code_prior")]
    stored = [json.loads(path.read_text(encoding="utf-8"))["result"] for path in files]
    assert recipe.seconds == pytest.approx(sum(result["seconds"] for result in stored))


def test_a_config_can_be_named_as_a_recipe() -> None:
    assert read_config("digits_vae") == find_recipe("digits_vae").settings
    with pytest.raises(InputError, match=r"config digit_vae: no such file\. Did you mean digits_vae\?"):
        read_config("digit_vae")
