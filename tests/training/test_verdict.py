"""Notes on trainings, from records made by hand: each fault has its note, its numbers and a remedy with a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from vaekit.config.objective_options import ELBOSettings, QuantizedSettings
from vaekit.config.options import FitSettings
from vaekit.runs.records import MetricLine
from vaekit.training import evidence as course
from vaekit.training.evidence import Evidence
from vaekit.training.verdict import notes_on, rounded

GOOD = {"explained_variance": 0.85, "sample_variance": 0.5, "kl_nats": 15.0}
Curve = Callable[[float], float]  # from the share of the run that is done to nats per image


def falling(share: float) -> float:
    """Falls fast at first, and in the last fifth by 2 % of the whole."""
    return 100.0 * (1 - share) ** 2.5


def lines(
    steps: int, validation: Curve = falling, training: Curve | None = None, **values: Any
) -> list[MetricLine]:
    """Twenty lines of training and as many of validation."""
    found = []
    for i in range(1, 21):
        step, done = max(1, steps * i // 20), i / 20
        seen = {"loss_nats": (training or validation)(done), "learning_rate": 0.004, "beta": 1.0}
        seen |= {name: value(done) if callable(value) else value for name, value in values.items()}
        found.append(MetricLine(step, i, "train", seen))
        found.append(MetricLine(step, i, "validation", {"loss_nats": validation(done)}))
    return found


def run(
    steps: int = 400, seen: Sequence[MetricLine] | None = None, images: int = 1500, **changes: Any
) -> Evidence:
    """A good run, but for what is changed: fields of the record, figures, or options."""
    decided = {"batch_size": 192, "learning_rate": 0.004, "warmup": 40}  # as if these data had
    settings = FitSettings().flat() | decided | ELBOSettings().flat() | {"likelihood": "bce"}
    figures, fields = dict(GOOD), {"planned": steps, "criterion": "loss_nats"}
    for name, value in changes.items():
        place = (
            figures
            if name in (*GOOD, "code_usage")
            else fields
            if name in ("planned", "criterion", "classes")
            else settings
        )
        place[name] = value
    return Evidence(
        settings, images, steps, lines=lines(steps) if seen is None else seen, figures=figures, **fields
    )


def from_components(
    begun: float, steps: int = 400, validation: Curve = falling, training: Curve | None = None, **changes: Any
) -> Evidence:
    """A run that began at principal components: validation was `begun` before its first step."""
    first = MetricLine(0, 0, "validation", {"loss_nats": begun})
    rate = changes.get("learning_rate", 0.004)
    seen = [first, *lines(steps, validation, training, learning_rate=rate)]
    return run(steps, seen, init="pca", **changes)


def kinds(evidence: Evidence) -> list[str]:
    return [note.kind for note in notes_on(evidence)]


def test_a_good_run_has_no_notes() -> None:
    assert notes_on(run()) == ()


def test_lines_of_a_few_steps_are_no_rise_of_the_loss() -> None:
    """A line every 50 steps and one per epoch of 48: some are means over two steps, whose batches are good by chance."""
    seen, done = [], 0
    for step in sorted({*range(48, 1441, 48), *range(50, 1441, 50)}):
        value = 35 + 0.03 * falling(step / 1440) - (2.0 if step - done <= 4 else 0.0)
        done = step
        seen.append(MetricLine(step, 1 + step // 48, "train", {"loss_nats": value, "learning_rate": 0.004}))
    evidence = run(1440, seen, explained_variance=0.2)
    assert notes_on(evidence) == ()
    assert course.lost(evidence.training) < 0.1


def test_points_are_means_over_the_same_number_of_steps() -> None:
    """The loss of a step is its number: a mean over steps is that of their numbers, whatever lines it is made of."""
    cuts = [0, 48, 50, 96, 100, 144, 150, 192, 193]
    seen = [MetricLine(b, 1, "train", {"x": (a + b) / 2}) for a, b in pairwise(cuts)]
    windows = course.together(seen, "x")
    assert [ends for *ends, _ in windows] == [[0, 48], [48, 96], [96, 144], [144, 193]]
    assert all(mean == pytest.approx((first + last) / 2) for first, last, mean in windows)
    assert course.together(seen, "y") == course.together([], "x") == []


def test_what_was_learned_by_heart_is_no_fault_of_weights_from_before() -> None:
    """Validation chose those of the start, or of soon after it."""
    evidence = from_components(
        23.0, 400, lambda s: 23 + 30 * s, lambda s: 23 - 10 * s, images=200, weights="best"
    )
    assert notes_on(evidence) == ()


FAULTS: dict[str, tuple[Evidence, list[str], str, str]] = {  # run, kinds, a part of the text, a part of the remedy
    "warm-up longer than the run": (run(24), ["warm-up"], "reached 0.0023 of 0.004", "steps=400"),
    "a long run with a longer warm-up": (run(160, warmup=1000), ["warm-up"], "reached 0.00064", "warmup=16 or steps=10000"),
    "mostly warm-up": (run(300, warmup=200), ["warm-up"], "rose for 200 of 300 steps", "warmup=30"),
    "few steps": (run(40, warmup=0, explained_variance=0.4), ["steps"], "40 steps are too few", "steps=400"),
    "rate much too low": (
        run(seen=lines(400, lambda s: 27 - s / 100, learning_rate=1e-6), learning_rate=1e-6, explained_variance=0.0, kl_nats=0.1),
        ["rate"], "learning_rate=1e-06 moves a weight by about 0.0004 in 400 steps", "learning_rate=0.002",
    ),
    "still improving": (run(seen=lines(400, lambda s: 100 * (1 - s))), ["unfinished"], "21% of the whole fall", "steps=1700"),
    "stopped before the KL had its weight": (
        run(400, kl_warmup=0.5, planned=4000), ["ramp"], "rises for 2,000 steps, but the run stopped after 400", "kl_warmup=0.03",
    ),
    "stopped early in the KL's rise and in the warm-up": (
        run(56, kl_warmup=0.9, planned=3200, patience=6), ["ramp"], "rises for 2,880 steps", "kl_warmup=0.0053",
    ),
    "stopped early in the warm-up": (run(24, planned=240, patience=2), ["warm-up"], "its warm-up takes 40", "take patience=10"),
    "beta too large": (run(beta=1000.0, explained_variance=-0.01, kl_nats=0.0), ["weight"], "under beta=1000", "take beta=1"),
    "no rate aimed at": (run(capacity=0.0, explained_variance=0.0, kl_nats=0.0), ["weight"], "carry 0 nats", "capacity=25"),
    "collapse under a fixed gaussian": (
        run(likelihood="gaussian", sigma=1.0, explained_variance=0.0, kl_nats=0.001),
        ["collapse"], "posterior collapse", "'gaussian-optimal'",
    ),
    "collapse for no reason": (run(explained_variance=0.01, kl_nats=0.002), ["collapse"], "carry 0.002 nats", "free_bits=0.5"),
    "diverged": (
        run(seen=lines(400, lambda s: 100 * (0.3 + abs(s - 0.5))), learning_rate=0.1, explained_variance=0.2),
        ["diverged"], "rose again by", "learning_rate=0.002",
    ),
    "oscillating": (
        run(seen=lines(400, falling, lambda s: 50 - s + 20 * (round(20 * s) % 2)), learning_rate=0.1, explained_variance=0.2),
        ["diverged"], "up and down", "learning_rate=0.002",
    ),
    "nothing learned at a high rate": (
        run(learning_rate=0.1, explained_variance=0.0, kl_nats=5.0), ["nothing"], "nothing was learned", "learning_rate=0.002",
    ),
    "samples alike": (run(sample_variance=0.02), ["samples"], "2% of that of the data", "vaekit prior"),
    "samples alike of a faint code": (run(sample_variance=0.02, kl_nats=0.5), ["samples"], "2% of", "steps=1600"),
    "batch larger than the set": (run(images=152, explained_variance=0.6), ["batch"], "training set of 152", "batch_size=16"),
    "few steps from components": (
        from_components(23.0, 86, lambda s: 23 - 5 * s, warmup=8), ["steps"],
        "86 steps are too few to learn much beyond the principal components that it began with (validation fell by 5 nats)", "steps=1000",
    ),
    "few steps from components, which were worse": (
        from_components(23.0, 43, lambda s: 24 - s / 2, warmup=4, images=152),
        ["steps", "batch"], "(validation did not fall)", "steps=1000",
    ),
    "few steps from components, without validation": (
        run(43, [line for line in lines(43) if line.split == "train"], init="pca", warmup=4),
        ["steps"], "43 steps are too few to learn much beyond the principal components that it began with", "steps=1000",
    ),
    "rate much too low from components": (
        from_components(23.0, 400, lambda s: 23 - s / 100, learning_rate=1e-6),
        ["rate"], "hardly anything was learned beyond the principal components", "learning_rate=0.002 and steps=1000",
    ),
    "not yet better than components": (
        from_components(23.0, 315, lambda s: 24 - s / 2, lambda s: 23 - s), ["steps"], "(validation did not fall)", "steps=1600",
    ),
    "diverged from components": (
        from_components(23.0, 400, lambda s: 60 - 20 * s, learning_rate=0.3),
        ["diverged"], "the training loss rose by 17 nats", "learning_rate=0.002",
    ),
    "learned by heart from components": (
        from_components(23.0, 400, lambda s: 23 + 30 * s, lambda s: 23 - 10 * s, images=200, weights="last"),
        ["by heart"], "never better than at the principal components that it began with, and 30 nats worse in the end", "weights='best'",
    ),
    "better than components for a moment": (
        from_components(23.0, 400, lambda s: 22 + abs(s - 0.1) * 30, lambda s: 23 - 10 * s, images=200, weights="last"),
        ["by heart"], "at best 1 nats better", "weights='best'",
    ),
    "collapse from components": (
        from_components(23.0, 400, lambda s: 23.0, lambda s: 23 + (round(20 * s) % 2),
        likelihood="gaussian", sigma=5.0, explained_variance=0.0, kl_nats=0.0),
        ["collapse"], "posterior collapse", "'gaussian-optimal'",
    ),
    "stopped before it was better than components": (
        from_components(23.0, 126, lambda s: 24 - s / 2, lambda s: 23 - s, warmup=10, planned=1900, patience=2),
        ["stopped"], "in the 126 steps before the run stopped early", "patience=10",
    ),
    "nothing learned but by heart": (
        from_components(23.0, 400, lambda s: 22 + abs(s - 0.1) * 30, lambda s: 23 - 10 * s,
        images=8, weights="best", explained_variance=-0.9, kl_nats=8.6),
        ["by heart", "batch"], "learned by heart: validation was best after 40 of 400 steps and 27 nats worse", "more examples",
    ),
    "test images of one class": (run(classes=(10, 1)), ["one class"], "one class of 10", "every class"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_note(name: str) -> None:
    evidence, expected, text, remedy = FAULTS[name]
    notes = notes_on(evidence)
    assert [note.kind for note in notes] == expected
    assert text in notes[0].text
    assert remedy in notes[0].remedy
    assert str(notes[0]) == f"{notes[0].text}; {notes[0].remedy}."


@pytest.mark.parametrize(
    "good",
    [
        run(40, warmup=0, explained_variance=0.9),  # few steps, from a start that was good already
        run(seen=lines(400, learning_rate=1e-5), learning_rate=1e-5),  # goes on from trained weights
        run(kl_warmup=0.3),
        run(kl_warmup=1.0),  # to the very end, which does no harm
        run(kl_warmup=1.0, beta_schedule="cyclical", seen=lines(400, beta=lambda s: (4 * s) % 1)),
        run(beta=4.0, explained_variance=0.6, kl_nats=3.0),
        run(images=152, explained_variance=0.85),  # batches of everything, and it learned
        run(seen=lines(400, lambda s: falling(s) if s < 0.5 else 20 + 40 * s, falling)),  # the best weights are kept
        run(400, planned=4000),  # stopped early
        run(sample_variance=0.15, explained_variance=0.29),
        run(classes=(10, 10)),
        from_components(110.0),
        from_components(14.5, 1000, lambda s: 14.9 - s / 3, lambda s: 14.4),  # they are all that there is to find
        from_components(-29.3, 1000, lambda s: -25 - 2 * s, lambda s: -26 - 5 * s, kl_nats=102.0),  # 3 % of the rate worse at the end
        from_components(110.0, images=152, explained_variance=0.6),
        replace(from_components(23.0, 400, lambda s: 22.9 + falling(s) / 1000, learning_rate=1e-6), started=True),  # goes on
        run(classes=(1, 1)),
    ],
)  # fmt: skip
def test_no_false_alarm(good: Evidence) -> None:
    assert notes_on(good) == ()


def test_a_fall_to_above_the_start_is_not_unfinished() -> None:
    """A fall from where training had only risen to is none: validation at the end is above where it began."""
    assert kinds(from_components(-29.0, 1000, lambda s: -25 - 2 * s, lambda s: -26 - s, kl_nats=102.0)) == []


def test_a_fall_to_far_above_the_best_is_not_unfinished() -> None:
    """As 81 drawings have it: weights are those of a tenth of the way, and more steps only lead further away."""

    def drawings(s: float) -> float:
        return -1068 - 260 * s if s < 0.1 else -1094 + 180 * (s - 0.1) if s < 0.8 else -968 - 300 * (s - 0.8)

    assert kinds(from_components(-1068.0, 1000, drawings, lambda s: -1600 - 300 * s, images=81)) == []


def test_what_components_explain_says_nothing_of_a_training() -> None:
    """42 % of the variance by three latents are no few steps' fault, and 90 % are no merit of theirs."""
    for explained in (0.42, 0.9):
        assert kinds(
            from_components(23.0, 86, lambda s: 23 - 5 * s, warmup=8, explained_variance=explained)
        ) == ["steps"]
        assert kinds(from_components(110.0, explained_variance=explained)) == []


def test_a_run_of_few_steps_has_not_collapsed() -> None:
    assert kinds(run(24, explained_variance=-0.1, kl_nats=0.001, sample_variance=0.0, beta=4.0)) == [
        "warm-up"
    ]


def test_a_fall_within_the_noise_of_validation_is_none() -> None:
    def noisy(share: float) -> float:
        return 30 + 5 * (round(20 * share) % 2) - 3 * share

    assert kinds(run(seen=lines(400, noisy))) == []


def test_a_run_of_one_epoch_is_judged_by_its_training_loss() -> None:
    def one_epoch(curve: Curve) -> list[MetricLine]:
        rows = [line for line in lines(1000, curve) if line.split == "train"]
        return [*rows, MetricLine(1000, 1, "validation", {"loss_nats": curve(1.0)})]

    assert kinds(run(1000, one_epoch(falling))) == []
    (note,) = notes_on(run(1000, one_epoch(lambda share: 100 * (1 - share))))
    assert note.kind == "unfinished"
    assert "the training loss still fell" in note.text


@pytest.mark.parametrize(
    ("usage", "switches", "remedy"),
    [
        (0.5, {}, None),
        (0.1, {}, "take codes=64, or quantizer='fsq', which cannot collapse"),
        (0.1, {"kmeans": False}, "take kmeans=True"),
        (0.1, {"kmeans": False, "revive": False}, "take kmeans=True and revive=True"),
        (0.1, {"quantizer": "fsq"}, "take codes=64"),
    ],
)
def test_a_codebook_of_which_little_is_used(
    usage: float, switches: dict[str, Any], remedy: str | None
) -> None:
    """512 codes of which 51 are used fit into 64; switches that are on are not named."""
    options = QuantizedSettings().flat() | {"codes": 512, "kmeans": True, "revive": True} | switches
    evidence = replace(run(code_usage=usage, **options), criterion=None)
    notes = notes_on(evidence)
    assert (notes[0].remedy if notes else None) == remedy
    few = replace(evidence, steps=16, planned=16, figures={**evidence.figures, "explained_variance": 0.2})
    assert kinds(few) == ["warm-up"]  # not accused in its first steps


def test_a_gan_whose_samples_are_alike() -> None:
    evidence = replace(run(learning_rate=0.05), criterion=None, figures={"sample_variance": 0.01})
    (note,) = notes_on(evidence)
    assert note.kind == "samples"
    assert "learning_rate=0.002" in note.remedy


def test_priors_are_not_judged_by_the_number_of_their_steps() -> None:
    assert kinds(replace(run(30, warmup=0), figures={"code_nats": 40.0})) == []


def test_measures_of_a_curve() -> None:
    straight = [(float(step), 10.0 - step) for step in range(11)]
    assert course.at(straight, 2.5) == 7.5
    assert course.at(straight, -1) == 10.0
    assert course.last_fall(straight, 10) == pytest.approx(2.0)
    assert course.scatter(straight) == 0.0
    assert course.climbed(straight) == course.lost(straight) == 0.0
    zigzag = [(0.0, 4.0), (1.0, 0.0), (2.0, 3.0), (3.0, 1.0)]
    assert course.climbed(zigzag) == pytest.approx(3 / 4)
    assert course.lost(zigzag) == pytest.approx(1 / 4)


def test_the_scatter_is_that_of_independent_errors() -> None:
    import random

    generator = random.Random(0)
    points = [(float(i), 50 - 0.01 * i + generator.gauss(0, 2.0)) for i in range(4000)]
    assert course.scatter(points) == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(
    ("steps", "expected"), [(1, 1), (7, 7), (99, 99), (101, 110), (1234, 1300), (20, 20)]
)
def test_steps_are_rounded_up_to_two_digits(steps: int, expected: int) -> None:
    assert rounded(steps) == expected
