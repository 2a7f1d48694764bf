"""`vaekit train`, `vaekit demo`, `vaekit resume`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import DemoOptions, ResumeOptions, TrainOptions
from vaekit.cli.endings import demonstrated, finished
from vaekit.cli.output import Result, say
from vaekit.cli.signals import stopping
from vaekit.config.options import Settings, only_given


def train(settings: Settings, options: TrainOptions) -> Result:
    """Trains a model into a new run folder."""
    with stopping() as reason:
        history = vaekit.train(
            **only_given(settings), out=options.out, start=options.start, should_stop=reason, tell=say
        )
    return finished(history)


def demo(options: DemoOptions) -> Result:
    """Trains on digits, draws every figure and a sheet of samples, and says where to look."""
    with stopping() as reason:
        found = vaekit.demo(options.out, options.seed, should_stop=reason, tell=say)
    return demonstrated(found)


def resume(options: ResumeOptions) -> Result:
    """Resumes an interrupted run, or trains one longer."""
    with stopping() as reason:
        history = vaekit.resume(
            options.run,
            epochs=options.epochs,
            steps=options.steps,
            budget=options.budget,
            data=options.data,
            should_stop=reason,
        )
    return finished(history)
