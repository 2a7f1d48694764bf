"""`vaekit compare` from end to end, with tiny networks on digits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaekit import Data, Reconstruction, load_data, load_run
from vaekit.comparison.budget import Cost
from vaekit.config.methods import METHODS, PRIORS, Method
from vaekit.config.model_options import AutoencoderSettings
from vaekit.config.objective_options import NoSettings
from vaekit.core import Loss
from vaekit.evaluation.samples.features.pca import fit_pca
from vaekit.evaluation.samples.features.store import save_pca
from vaekit.objectives.nll import CodeLength
from vaekit.training.lengths import Pace

TINY = [
    "--epochs",
    2,
    "--width",
    8,
    "--latent-dim",
    2,
    "--device",
    "cpu",
    "--batch-size",
    400,
    "--features",
    "f.safetensors",
]


@pytest.fixture
def compare(terminal, tmp_path: Path, small: Data) -> Callable[..., Any]:
    """Runs `vaekit compare` on digits with principal components as features."""
    save_pca(tmp_path / "f.safetensors", fit_pca(small, 6))

    def run(*words: object) -> Any:
        usual = dict(zip(TINY[::2], TINY[1::2], strict=True))  # an option may be given only once
        kept = [word for pair in usual.items() if pair[0] not in words for word in pair]
        return terminal("compare", "--data", "digits", *kept, *words)

    return run


@pytest.fixture(scope="module")
def small() -> Data:
    return load_data("digits")


def times(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def stopping_after(steps: int) -> Iterator[Callable[[], str | None]]:
    asked = iter(range(10_000))
    yield lambda: "SIGINT" if next(asked) >= steps else None


def test_a_comparison_is_complete_and_not_repeated(compare) -> None:
    words = ("--methods", "ae", "vae", "gan", "--seeds", 2, "--out", "c", "--json")
    outcome = compare(*words)
    assert outcome.status == 0, outcome.err
    out = Path("c")
    numbers = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert {name: len(runs) for name, runs in numbers["runs"].items()} == {"ae": 2, "vae": 2, "gan": 2}
    for method in ("ae", "vae"):
        errors = []
        for seed in (0, 1):
            run = load_run(out / f"{method}-{seed}")
            assert run.settings.fit.seed == seed
            x = load_data("digits").test.images
            errors.append(float((run.model.reconstruct(x) - x / 255).square().mean()))  # type: ignore[operator]
        found = numbers["methods"][method]["reconstruction_mse"]
        assert found["mean"] == pytest.approx(np.mean(errors), rel=1e-4)
        assert found["standard_deviation"] == pytest.approx(np.std(errors, ddof=1), rel=1e-2)
    assert json.loads(outcome.out)["figures"]["gan"]["fd"] == numbers["methods"]["gan"]["fd"]["mean"]
    page = (out / "comparison.html").read_text(encoding="utf-8")
    for text in (
        "Training stability",
        "not defined",
        "no encoder",
        "does not hold here",
        "it has no prior of its own",
    ):
        assert text in page
    assert page.count("data:image/png") == 3 + 1 + 2 + 2, "samples of all; originals; two that encode, twice"
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    before = times(out)
    assert compare(*words).status == 0
    changed = {name for name, time in times(out).items() if before.get(name) != time}
    assert changed == {"comparison.html", "comparison.json"}


def test_an_interrupted_comparison_goes_on(compare, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the middle of the second of three runs: the first stays, the second is resumed."""
    from vaekit.cli.commands import compare as command

    words = ("--methods", "ae", "gan", "--seeds", 1)
    assert compare(*words, "--out", "whole").status == 0
    with monkeypatch.context() as patched:
        patched.setattr(command, "stopping", lambda: stopping_after(11))  # of 8 steps per run
        outcome = compare(*words)
    assert outcome.status == 130
    assert "the same command resumes it" in outcome.err
    out = Path("runs") / "compare-digits-1"
    assert not (out / "comparison.html").exists()
    assert not (out / "gan-0" / "summary.json").exists()
    before = times(out / "ae-0")
    outcome = compare(*words)
    assert outcome.status == 0, outcome.err
    assert (out / "comparison.html").exists()
    assert times(out / "ae-0") == before
    for name in ("ae-0", "gan-0"):
        ends = [load_run(folder / name).model.state_dict() for folder in (Path("whole"), out)]
        assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


VQ = ("--methods", "vqvae", "ae", "--seeds", 1)


def test_discrete_codes_are_drawn_from_a_prior_that_is_fitted_after_them(compare, monkeypatch) -> None:
    """Stopped within the prior, it resumes it; to the weights of the prior that was not stopped."""
    from vaekit.cli.commands import compare as command

    assert compare(*VQ, "--out", "whole").status == 0
    model_steps, prior_steps = (
        read(Path("whole/vqvae-0") / name / "summary.json")["steps"] for name in (".", "prior")
    )
    assert prior_steps > 2
    with monkeypatch.context() as patched:
        patched.setattr(command, "stopping", lambda: stopping_after(model_steps + 2))
        assert compare(*VQ, "--out", "c").status == 130
    out = Path("c")
    begun = str(Path("prior") / "config.json")
    before = {
        name: time
        for name, time in times(out / "vqvae-0").items()
        if not name.startswith("prior") or name == begun
    }
    assert begun in before
    assert not (out / "vqvae-0" / "prior" / "summary.json").exists()
    assert compare(*VQ, "--out", "c").status == 0
    after = times(out / "vqvae-0")
    assert {name: after[name] for name in before} == before
    ends = [load_run(folder / "vqvae-0" / "prior").model.state_dict() for folder in (Path("whole"), out)]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])
    (out / "measured" / "vqvae-0.json").unlink()
    assert compare(*VQ, "--out", "c").status == 0
    assert times(out / "vqvae-0") == after, "a prior that is there is not fitted again"
    numbers = read(out / "comparison.json")
    found = {name: row["mean"] for name, row in numbers["methods"]["vqvae"].items()}
    prior = read(out / "vqvae-0" / "prior" / "summary.json")
    own = read(out / "vqvae-0" / "summary.json")
    assert found["parameters"] == own["parameters"] + prior["parameters"]
    assert (found["epochs"], found["prior_epochs"]) == (2, 2)
    assert found["code_bits"] > 0
    assert {"fd", "coverage", "sharpness", "code_mse"} <= found.keys()
    assert prior["epochs"] == 2
    page = (out / "comparison.html").read_text(encoding="utf-8")
    assert "Each run had 2 epochs and its prior as many." in page
    assert "its codes are discrete" in page
    assert "cannot sample" not in page.split("<h2>Samples</h2>")[1].split("ae</b>")[0]


def test_a_prior_that_fails_is_the_methods_failure(compare, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(CodeLength):
        def forward(self, *given: Any) -> Loss:
            loss = super().forward(*given)
            return Loss(loss.total * float("nan"), {name: t * float("nan") for name, t in loss.terms.items()})

    monkeypatch.setitem(PRIORS, "code-prior", dataclasses.replace(PRIORS["code-prior"], objective=Broken))
    outcome = compare(*VQ, "--out", "c")
    assert outcome.status == 0, outcome.err
    assert "failed: vqvae, seed 0: its prior: code_nats is not finite" in outcome.out
    numbers = read(Path("c/comparison.json"))
    assert list(numbers["failed"]) == ["vqvae"]
    assert "reconstruction_mse" in numbers["methods"]["ae"]


class Diverging(Reconstruction):
    """Fails at the second epoch."""

    def forward(self, model: Any, x: Tensor, y: Tensor | None, values: Any) -> Loss:
        loss = super().forward(model, x, y, values)
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls < 5:
            return loss
        return Loss(
            loss.total * float("nan"), {name: term * float("nan") for name, term in loss.terms.items()}
        )


def test_a_method_that_fails_is_said_and_the_others_stand(compare, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Method("vaekit.models.ae:AE", Diverging, AutoencoderSettings, NoSettings, "fails")
    monkeypatch.setitem(METHODS, "broken", broken)
    outcome = compare("--methods", "broken", "ae", "--seeds", 1, "--out", "c")
    assert outcome.status == 0, outcome.err
    assert "failed: broken, seed 0: reconstruction_nats is not finite" in outcome.out
    page = Path("c/comparison.html").read_text(encoding="utf-8")
    assert "<b>broken, seed 0</b>: reconstruction_nats is not finite" in page
    numbers = json.loads(Path("c/comparison.json").read_text(encoding="utf-8"))
    assert list(numbers["failed"]) == ["broken"]
    assert "reconstruction_mse" in numbers["methods"]["ae"]
    outcome = compare("--methods", "broken", "ae", "--seeds", 1, "--out", "c")
    assert "1 of 2" not in outcome.err, "what failed would fail again"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--methods", "vae", "gna"], "unknown method 'gna'. Did you mean gan?"),
        (["--methods", "vae", "vae"], "--methods names vae twice"),
        (["--seeds", 0], "--seeds must be at least 1, not 0"),
        (["--budget", "1s"], "--budget and --epochs exclude each other"),
        (["--steps", 0], "--steps must be at least 1"),
        (["--features", "mnst"], "--features 'mnst': no such name or file. Did you mean mnist_v1?"),
        (["--latent-dim", 0], "--latent-dim must be at least 1"),
        (["--network", "mpl"], "--network: 'mpl' is not one of auto, lesson, mlp, resnet, strided. Did you mean mlp?"),
        (["--device", "gpu"], "unknown --device 'gpu'"),
        (["--out", "f.safetensors"], "--out f.safetensors: something else is there"),
        (["--methods"], "--methods needs a value"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_before_any_training(compare, words: list[object], says: str) -> None:
    outcome = compare(*words)
    assert outcome.status == 2
    assert says in outcome.errors[-1]
    assert not Path("runs").exists()


def test_a_budget_too_short_for_one_step(terminal) -> None:
    outcome = terminal("compare", "--data", "digits", "--methods", "ae", "--budget", "0.0001s", "--width", 8)
    assert outcome.status == 2
    assert "--budget 0.0001s is too short: the first step of ae, with all that" in outcome.errors[-1]
    assert outcome.errors[-1].endswith("give at least 1s, or --steps 1.")


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timing that finds a tenth of a second for a step of an autoencoder, and twice that for one of a VAE."""
    from vaekit.comparison import plan

    found = {"ae": Cost(0.0, Pace(0.1, 0.0), 4), "vae": Cost(0.0, Pace(0.2, 0.0), 4)}
    monkeypatch.setattr(plan, "time_all", lambda wish, settings, data, two: (found, {}))


@pytest.fixture
def timed(compare, terminal, costs) -> Callable[..., Any]:
    """Runs `vaekit compare` of an autoencoder and a VAE with a budget that is enough for 14 steps and for 7."""
    words = ["--methods", "ae", "vae", "--seeds", 1, "--budget", "1.45s", *TINY[2:]]  # without --epochs
    return lambda *more: terminal("compare", "--data", "digits", *words, *more)


def test_a_budget_becomes_steps(timed, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = timed("--json", "--out", "c")
    assert outcome.status == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["lengths"] == {"ae": {"steps": 14}, "vae": {"steps": 7}}
    assert [found["figures"][method]["steps"] for method in ("ae", "vae")] == [14, 7]
    for method in ("ae", "vae"):
        spent = read(Path("c") / f"{method}-0" / "summary.json")["processor_seconds"]
        assert found["figures"][method]["processor_seconds"] == spent > 0


def test_a_comparison_with_a_budget_goes_on_to_the_same_bits(timed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the second run, and resumed where a step would be found to take another time."""
    from vaekit.cli.commands import compare as command
    from vaekit.comparison import plan

    assert timed("--out", "whole").status == 0
    with monkeypatch.context() as patched:
        patched.setattr(command, "stopping", lambda: stopping_after(14 + 3))
        assert timed("--out", "c").status == 130
    monkeypatch.setattr(plan, "time_all", lambda *given: pytest.fail("timed again"))
    outcome = timed("--out", "c")
    assert outcome.status == 0, outcome.err
    for name in ("ae-0", "vae-0"):
        ends = [load_run(Path(folder) / name).model.state_dict() for folder in ("whole", "c")]
        assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])
        assert (Path("whole") / name / "metrics.jsonl").read_bytes() == (
            Path("c") / name / "metrics.jsonl"
        ).read_bytes()


@pytest.mark.parametrize(("vae", "judged"), [(10.5, True), (13.0, False)])
def test_nothing_is_judged_of_methods_that_spent_different_times(
    timed, monkeypatch: pytest.MonkeyPatch, vae: float, judged: bool
) -> None:
    from vaekit.comparison import subruns

    def measured(run: Any, *given: Any) -> dict[str, Any]:
        record = measure(run, *given)
        record["figures"]["processor_seconds"] = {"ae": 10.0, "vae": vae}[run.settings.method]
        return record

    measure = subruns.measure
    monkeypatch.setattr(subruns, "measure", measured)
    outcome = timed("--out", "c")
    assert outcome.status == 0, outcome.err
    said = "ae spent 10 s and vae 13 s, 30% more, which is over a tenth: nothing is judged"
    page, numbers = (
        (Path("c") / "comparison.html").read_text(encoding="utf-8"),
        read(Path("c/comparison.json")),
    )
    assert all((said in text) != judged for text in (outcome.out, page, numbers["withheld"]))
    assert ('<span class="verdict">' in page) == judged
    assert ("is set in bold" in page) == judged
    assert any(claim["verdict"] for claim in numbers["claims"]) == judged
    table = page.split('<table class="compared">')[1].split("</table>")[0]
    assert ("<b>" in table) == judged
    assert f"Each run had 1.45 s of processor time; spent 10 to {vae:g} s." in page


@pytest.mark.skipif(not any(m.labels for m in METHODS.values()), reason="no method wants labels")
def test_methods_that_want_labels_say_so(terminal, tmp_path: Path) -> None:
    np.save(tmp_path / "plain.npy", load_data("digits").train.images[:200, 0].numpy())
    wanting = next(name for name, method in METHODS.items() if method.labels)
    outcome = terminal("compare", "--data", "plain.npy", "--methods", "ae", wanting)
    assert outcome.status == 2
    assert "no labels" in outcome.errors[-1]


def test_data_without_pictures_have_a_table(terminal, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    np.save(tmp_path / "rows.npy", generator.normal(size=(400, 5)).astype(np.float32))
    words = ["--methods", "ae", "gan", "--seeds", "1", "--epochs", "1", "--width", "8", "--latent-dim", "2"]
    outcome = terminal("compare", "--data", "rows.npy", "--pixels", "real", "--out", "c", *words)
    assert outcome.status == 0, outcome.err
    page = Path("c/comparison.html").read_text(encoding="utf-8")
    assert "Fréchet distance" in page
    assert "<img" not in page
