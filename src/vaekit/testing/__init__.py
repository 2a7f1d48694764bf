"""Contract checks that anyone can run on what they have added, as scikit-learn's `check_estimator` is for estimators.

    from vaekit.testing import check_likelihood, check_method

    METHODS["mine"] = Method(MyModel, MyObjective, ...)
    check_method("mine")
    check_method("mine", likelihood="laplace", scale=0.2)  # with other options than its defaults
    LIKELIHOODS["laplace"] = Laplace
    check_likelihood("laplace")

The same checks run on everything that comes with vaekit. With pytest, one test for each check:

    @pytest.mark.parametrize("check", checks_of("mine"), ids=str)
    def test_mine(check):
        check()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from vaekit.config.methods import find_method
from vaekit.config.parts import read_part
from vaekit.core import choose
from vaekit.distributions import LIKELIHOODS
from vaekit.testing.command_checks import COMMAND_CHECKS
from vaekit.testing.likelihood_checks import LIKELIHOOD_CHECKS, LikelihoodSubject
from vaekit.testing.made_up import Subject
from vaekit.testing.model_checks import MODEL_CHECKS

__all__ = ["Check", "check_likelihood", "check_method", "checks_of", "checks_of_likelihood"]


@dataclass(frozen=True)
class Check:
    """One promise.

    Attributes:
        name: of the check, in words.
        run: raises where the promise is not kept.
    """

    name: str
    run: Callable[[], None]

    def __str__(self) -> str:
        return self.name

    def __call__(self) -> None:
        """Raises AssertionError where the promise is not kept, whatever it was that went wrong."""
        try:
            self.run()
        except AssertionError:
            raise
        except Exception as error:  # foreign code runs here
            raise AssertionError(f"{type(error).__name__}: {error}") from error


def checks_of(method: str, *, commands: bool = True, **options: Any) -> list[Check]:
    """All checks of a method.

    Args:
        method: key of METHODS.
        commands: also run every command on a run of it; takes a minute.
        options: of the method, in which it is to differ from its defaults, flat as they are typed:
            `likelihood="gaussian", sigma=0.2`.

    Raises:
        SettingError: no such method, or an option that it does not have or take.
    """
    find_method(method)
    subject = Subject(method, options)
    subject.settings()
    table = MODEL_CHECKS | (COMMAND_CHECKS if commands else {})
    return [Check(name, partial(check, subject)) for name, check in table.items()]


def checks_of_likelihood(likelihood: str) -> list[Check]:
    """All checks of a likelihood, on every kind of pixels on which it is defined.

    Args:
        likelihood: key of LIKELIHOODS, or one with options: "laplace(scale=0.3)".

    Raises:
        SettingError: no such likelihood.
    """
    name, _ = read_part("likelihood", likelihood)
    choose(name, LIKELIHOODS, "likelihood")
    return [
        Check(f"{check_name}, {pixels} pixels", partial(check, LikelihoodSubject(likelihood, pixels)))
        for pixels in LIKELIHOODS[name].pixels
        for check_name, check in LIKELIHOOD_CHECKS.items()
    ]


def check_method(method: str, *, commands: bool = True, **options: Any) -> None:
    """Runs all checks of a method.

    Args:
        method, commands, options: as in `checks_of`.

    Raises:
        AssertionError: the first promise that is not kept; its message begins with the check's name.
        SettingError: no such method, or an option that it does not have or take.
    """
    _run(method, checks_of(method, commands=commands, **options))


def check_likelihood(likelihood: str) -> None:
    """Runs all checks of a likelihood.

    Args:
        likelihood: as in `checks_of_likelihood`.

    Raises:
        AssertionError: the first promise that is not kept; its message begins with the check's name.
        SettingError: no such likelihood.
    """
    _run(likelihood, checks_of_likelihood(likelihood))


def _run(what: str, checks: Iterable[Check]) -> None:
    for check in checks:
        try:
            check()
        except AssertionError as error:
            raise AssertionError(f"{what}: {check.name}: {error}") from error
