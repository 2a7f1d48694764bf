"""Notes on what kept a training from learning more, and what would help this very run: pure functions of its records.

A cause is looked for in the order of CAUSES and the first one is named: a run of twenty steps has not collapsed, it has
not begun. Cut-offs are in `vaekit.metrics.cutoffs`, each with its reason; `benchmarks/notes.py` shows that good runs
get no note and that the remedies help.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from vaekit.config.quantizer_parts import LEVELS
from vaekit.metrics import IDLE_NATS
from vaekit.metrics import cutoffs as cut
from vaekit.runs.records import Note
from vaekit.training import evidence as course
from vaekit.training.evidence import Evidence

SOUND = {
    "beta": 1.0,
    "gamma": 10.0,
    "off_diagonal": 10.0,
    "diagonal": 10.0,
}  # weights under which latents carry something

COMPONENTS = "the principal components that it began with"

SOUND_CAPACITY = 25.0  # nats that are aimed at in Burgess et al. 2018


def notes_on(run: Evidence) -> tuple[Note, ...]:
    """Notes on a training that has ended; none for a good one.

    Args:
        run: its records.
    """
    cause = next((note for rule in CAUSES if (note := rule(run)) is not None), None)
    batch, one_class = too_large_batch(run, cause), single_class(run)
    return tuple(note for note in (cause, batch, one_class) if note is not None)


def slow(run: Evidence) -> Note | None:
    """A learning rate so low that weights hardly moved."""
    peak, way, steps = run.settings["learning_rate"], run.way, run.steps
    if way >= cut.LEAST_WAY or peak > cut.SOUND_RATE / 5:
        return None
    if (run.explained or 0.0) >= cut.POOR and not run.fitted:
        return None
    beyond = f" beyond {COMPONENTS}" if run.fitted else ""
    text = f"learning_rate={peak:g} moves a weight by about {way:.1g} in {steps:,} steps: hardly anything was learned{beyond}"
    long = f" and steps={cut.STEPS_BEYOND}" if run.fitted and steps < cut.STEPS_BEYOND else ""
    return Note("rate", text, f"take learning_rate={cut.SOUND_RATE:g}{long}")


def warm_up(run: Evidence) -> Note | None:
    """A learning rate that rose for most of the run."""
    warmup, steps = run.settings.get("warmup") or 0, run.steps
    if warmup <= cut.MOSTLY_RISING * steps:
        return None
    peak = run.settings["learning_rate"]
    text = f"the learning rate rose for {warmup:,} of {steps:,} steps"
    if warmup >= steps:
        reached = peak * steps / (warmup + 1)
        text = f"the learning rate reached {reached:.2g} of {peak:g}: its warm-up takes {warmup:,} steps, the run had {steps:,}"
    if steps >= cut.FEWEST_STEPS:
        return Note("warm-up", text, f"take warmup={steps // 10} or steps={rounded(10 * warmup)}")
    more = rounded(max(10 * steps, 4 * cut.FEWEST_STEPS))
    shorter = f" and warmup={more // 10}" if warmup > more / 5 else ""
    return Note("warm-up", text, f"take {longer(run, more)}{shorter}")


def few_steps(run: Evidence) -> Note | None:
    """A run of hardly any steps; priors, which start from a fit, are not judged by their number."""
    explained, steps = run.explained, run.steps
    if steps >= cut.FEWEST_STEPS or (explained is None and run.samples is None):
        return None
    if run.fitted:
        return few_beyond(run)
    if explained is not None and explained >= (cut.POOR if run.started else cut.WELL):
        return None
    seen = "" if explained is None else f"; reconstructions explain {share(explained)} of the variance"
    more = rounded(max(5 * steps, 4 * cut.FEWEST_STEPS))
    return Note("steps", f"{steps:,} steps are too few to learn much{seen}", f"take {longer(run, more)}")


def few_beyond(run: Evidence) -> Note:
    """Too few steps from principal components; what these explain of the variance is no merit of the training."""
    fell = "did not fall" if (run.gain or 0.0) <= 0 else f"fell by {nats(run.gain or 0.0)}"
    brought = "" if run.gain is None else f" (validation {fell})"
    text = f"{run.steps:,} steps are too few to learn much beyond {COMPONENTS}{brought}"
    more = rounded(max(5 * run.steps, cut.STEPS_BEYOND))
    return Note("steps", text, f"take {longer(run, more)}")


def never_settled(run: Evidence) -> Note | None:
    """A weight or an aim of the KL that never came to its end, because the run stopped before."""
    name, until = run.rising_until
    if not name or run.steps >= cut.RISEN * until:
        return None
    what = "the weight of the KL" if name == "kl_warmup" else "the rate that is aimed at"
    text = f"{what} rises for {round(until):,} steps, but the run stopped after {run.steps:,}"
    return Note("ramp", text, f"take {name}={0.3 * run.steps / run.planned:.2g}")


def unfinished(run: Evidence) -> Note | None:
    """A loss that still fell when the run ended: on validation, or where that was measured too rarely, in training."""
    points, what = run.validation, "validation"
    if len(points) < 3 and not run.rising_until[0]:
        points, what = run.training, "the training loss"
    if len(points) < 3 or not run.settled or run.steps < run.planned:
        return None
    if (run.gain is not None and run.gain <= 0) or course.lost(points) > cut.LOST:
        return None  # a fall from where it had only risen to
    whole = max(value for _, value in [*points, *run.training[:1]]) - min(value for _, value in points)
    fall = course.last_fall(points, run.steps)
    if fall <= cut.STILL_FALLING * whole or fall <= cut.BEYOND_NOISE * course.scatter(points):
        return None
    ratio = fall / whole
    text = f"{what} still fell when the run ended: {share(ratio)} of the whole fall came in the last fifth of {run.steps:,} steps"
    return Note("unfinished", text, f"take steps={rounded(run.steps * (2 + 10 * min(ratio, 0.5)))}")


def diverged(run: Evidence) -> Note | None:
    """A training loss that rose again, or went up and down, without much being learned.

    One that begins at an optimum wanders about it and need not fall: see `nothing_beyond`.
    """
    if run.fitted:
        return None
    points = [point for point in run.training if point[0] > run.rising_until[1]]
    if len(points) < 4 or not run.settled or (run.explained or 0.0) >= cut.POOR:
        return None
    lost, climbed = course.lost(points), course.climbed(points)
    if lost <= cut.LOST and climbed <= cut.WANDERING:
        return None
    text = f"the training loss rose again by {share(lost)} of what it had fallen"
    if climbed > cut.WANDERING:
        text = "the training loss went up and down and hardly fell"
    return Note("diverged", text, f"take learning_rate={slower(run):g}")


def nothing_beyond(run: Evidence) -> Note | None:
    """A training that brought nothing beyond principal components, or more harm than good.

    Where they are all that there is to find, validation stays about as good: that is no fault.
    """
    if not run.fitted or run.gain is None or run.empty or not run.settled or len(run.training) < 2:
        return None
    rise = run.validation[-1][1] - run.validation[0][1]
    if rise > max(cut.MATTERS * (run.rate or 0.0) + IDLE_NATS, run.gain):
        return harmed(run, rise, run.gain)
    if run.gain > 0:
        return None
    if run.steps < run.planned and run.settings.get("patience"):
        text = f"validation was never better than at {COMPONENTS} in the {run.steps:,} steps before the run stopped early"
        return Note("stopped", text, f"take {longer(run, run.planned)}")
    return few_beyond(run) if run.steps < cut.STEPS_BEYOND else None


def harmed(run: Evidence, rise: float, gain: float) -> Note | None:
    """A training that made validation worse: by its rate, or by learning examples by heart.

    The latter is a fault of weights that are kept from the end; where validation chooses them they are from before.
    """
    begun, (_, ended) = run.validation[0][1], run.training[-1]
    late = [value for step, value in run.training if step > (1 - cut.LAST) * run.steps]
    best = f"at best {nats(gain)}" if gain > 0 else "never"
    than = f"validation was {best} better than at {COMPONENTS}"
    if min([*late, ended]) > begun:
        rose = f"the training loss rose by {nats(ended - begun)}, and {than}"
        return Note("diverged", rose, f"take learning_rate={slower(run):g}")
    if run.settings.get("weights") != "last":
        return None
    text = f"{than}, and {nats(rise)} worse in the end: {run.images:,} examples are soon learned by heart"
    return Note("by heart", text, "take weights='best'")


def heavy(run: Evidence) -> Note | None:
    """Weights so large, or an aim so low, that the latents carry nothing."""
    if not run.empty:
        return None
    too_large = [name for name, sound in SOUND.items() if (run.settings.get(name) or 0.0) > sound]
    remedies = [f"{name}={SOUND[name]:g}" for name in too_large]
    if run.settings.get("capacity", SOUND_CAPACITY) < 1:
        remedies = [f"capacity={SOUND_CAPACITY:g}"]
    given = ", ".join(f"{name}={run.settings[name]:g}" for name in too_large)
    why = f" under {given}" if given else ""
    return Note("weight", run.emptiness + why, f"take {' and '.join(remedies)}") if remedies else None


def memorised(run: Evidence) -> Note | None:
    """Training examples that were learned by heart, and nothing of others: validation rose while the training loss fell.

    Longer or slower, it would be the same.
    """
    if not run.empty or not run.settled or min(len(run.validation), len(run.training)) < 3:
        return None
    step, best = min(run.validation, key=lambda point: point[1])
    rise = run.validation[-1][1] - best
    still = course.at(run.training, step) - run.training[-1][1]
    if min(still, rise) <= cut.MATTERS * (run.rate or 0.0) + IDLE_NATS:
        return None
    when = f"validation was best after {step:,} of {run.steps:,} steps and {nats(rise)} worse in the end"
    text = f"{run.images:,} examples were learned by heart: {when}, while the training loss still fell; {run.emptiness}"
    return Note("by heart", text, "train on more examples; more steps are no help")


def unlearned(run: Evidence) -> Note | None:
    """Reconstructions no better than the mean, although the latents carry something or nothing is charged for them."""
    if not run.empty or (run.rate is not None and run.rate < IDLE_NATS):
        return None
    return Note("nothing", f"nothing was learned: {run.emptiness}", f"take {slower_or_longer(run)}")


def collapsed(run: Evidence) -> Note | None:
    """Latents that carry nothing, although nothing weighs on them and the training has settled."""
    if not run.empty:
        return None
    remedy = slower_or_longer(run)
    if run.settings.get("likelihood") == "gaussian" and "sigma" in run.settings:
        remedy = "likelihood='gaussian-optimal', or a smaller sigma"
    elif "free_bits" in run.settings:
        remedy = "free_bits=0.5, or kl_warmup=0.3"
    return Note("collapse", f"posterior collapse: {run.emptiness}", f"take {remedy}")


def idle_codes(run: Evidence) -> Note | None:
    """A codebook of which little is used, by a run that was long enough."""
    used = run.figures.get("code_usage", 1.0)
    if used >= cut.FEW_CODES:
        return None
    off = [name for name in ("kmeans", "revive") if run.settings.get(name) is False]
    codes, fixed = run.settings["codes"], run.settings.get("quantizer") == "fsq"
    sizes = LEVELS if fixed else (2**power for power in range(1, 30))
    fewer = next(size for size in sizes if size >= used * codes)
    switches = "=True and ".join([*off, ""]).removesuffix(" and ")
    remedy = f"take {switches or f'codes={fewer}'}"
    if not off and not fixed:
        remedy += ", or quantizer='fsq', which cannot collapse"
    return Note("codes", f"{share(used)} of {codes} codes are used: codebook collapse", remedy)


def alike(run: Evidence) -> Note | None:
    """Samples that look the same, of a model that seems to have learned otherwise."""
    if run.samples is None or run.samples >= cut.ALIKE:
        return None
    text = f"samples are like each other: their variance is {share(run.samples)} of that of the data"
    if run.explained is None or (run.rate is not None and run.rate < cut.FAINT):
        return Note("samples", text, f"take {slower_or_longer(run)}")
    return Note("samples", text, "take beta=1, or fit a density to the latents (vaekit prior RUN)")


def too_large_batch(run: Evidence, cause: Note | None) -> Note | None:
    """Batches that hold the whole training set, in a run that learned too little.

    Args:
        cause: what else was found: of a run from principal components nothing else says that it did.
    """
    batch = run.settings["batch_size"]
    enough = cause is None if run.fitted else (run.explained or 0.0) >= cut.WELL
    if batch <= run.images or enough:
        return None
    text = f"batches of {batch:,} are larger than the training set of {run.images:,}: each epoch is one step"
    return Note(
        "batch", text, f"take batch_size={2 ** max(0, math.floor(math.log2(max(1, run.images / 8))))}"
    )


def single_class(run: Evidence) -> Note | None:
    """Test images of one class, where there are several."""
    if run.classes is None or run.classes[1] != 1 or run.classes[0] < 2:
        return None
    text = f"the test images are all of one class of {run.classes[0]}, and so are previews and figures"
    return Note("one class", text, "leave the test folder away, or put images of every class there")


CAUSES: tuple[Callable[[Evidence], Note | None], ...] = (
    slow,
    never_settled,
    warm_up,
    few_steps,
    unfinished,
    heavy,
    nothing_beyond,
    diverged,
    memorised,
    unlearned,
    collapsed,
    idle_codes,
    alike,
)


def slower(run: Evidence) -> float:
    """A learning rate to try instead: a tenth, or one that suits every network here."""
    return float(f"{min(run.settings['learning_rate'] / 10, cut.SOUND_RATE):.2g}")


def longer(run: Evidence, steps: int) -> str:
    """More steps; of a run that stopped early more patience."""
    patience = run.settings.get("patience") or 0
    return f"patience={5 * patience}" if run.steps < run.planned and patience else f"steps={steps}"


def slower_or_longer(run: Evidence) -> str:
    """The remedy where records and settings say no more: a lower rate, if it was high, else more steps."""
    remedies = [f"learning_rate={slower(run):g}", f"steps={rounded(4 * run.steps)}"]
    if run.settings["learning_rate"] <= 2 * cut.SOUND_RATE:
        remedies.reverse()
    return ", or ".join(remedies)


def rounded(steps: float) -> int:
    """A number of steps with two digits, not below the given one."""
    unit = 10 ** max(0, math.floor(math.log10(max(steps, 1))) - 1)
    return math.ceil(steps / unit) * unit


def nats(value: float) -> str:
    """`310 nats`, `0.91 nats`."""
    return f"{value:,.0f} nats" if abs(value) >= 10 else f"{value:.2g} nats"


def share(value: float) -> str:
    """`23%`; what is below 0 is nothing."""
    return f"{max(value, 0.0):.0%}"
