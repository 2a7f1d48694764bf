"""What every entry of LIKELIHOODS promises: the checks of `vaekit.testing`, each against a sum, an integral or a loop."""

from __future__ import annotations

import pytest

from vaekit.data.dataset import PIXELS
from vaekit.distributions import LIKELIHOODS
from vaekit.testing import Check, checks_of_likelihood

CHECKS = {f"{name}: {check}": check for name in LIKELIHOODS for check in checks_of_likelihood(name)}


def test_every_kind_of_pixels_is_served() -> None:
    assert {pixels for kind in LIKELIHOODS.values() for pixels in kind.pixels} == set(PIXELS)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_every_likelihood_keeps_its_promises(check: Check) -> None:
    check()
