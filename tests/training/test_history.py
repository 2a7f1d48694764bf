"""What `fit` returns has its figures by name, and says why it has none."""

from __future__ import annotations

import pytest
import torch

from toy import SMALL, no_images, toy_data
from vaekit.core import RunError
from vaekit.models import VAE
from vaekit.objectives.elbo import ELBO
from vaekit.training.fit import History, fit


def train(stop: bool = False, **splits: object) -> History:
    torch.manual_seed(0)
    stops = (lambda: "asked") if stop else None
    return fit(VAE((1, 4, 4), 2, width=8), ELBO(), toy_data(**splits), epochs=1, should_stop=stops, **SMALL)


def test_figures_are_those_of_the_lines() -> None:
    history = train()
    lines = {line.split: line.values for line in history.metrics}
    assert history.test.negative_elbo_nats == lines["test"]["negative_elbo_nats"]
    assert history.validation.kl_nats == lines["validation"]["kl_nats"]  # one epoch: the best is the last
    assert (history.test.images, history.validation.images) == (10, 12)


def test_without_a_split_or_an_end_there_are_none() -> None:
    with pytest.raises(RunError, match=r"^toy has no test images, so there are no figures of them\.$"):
        _ = train(test=no_images()).test
    with pytest.raises(
        RunError, match=r"^the run was interrupted \(asked\): it has no figures of its validation"
    ):
        _ = train(stop=True).validation
