"""Contract checks that anyone can run on a method of their own, as scikit-learn's `check_estimator` is for estimators.

    from vaekit.testing import check_method

    METHODS["mine"] = Method(MyModel, MyObjective, ...)
    check_method("mine")

The same checks run on every method that comes with vaekit. With pytest, one test for each check:

    @pytest.mark.parametrize("check", checks_of("mine"), ids=lambda check: check.name)
    def test_mine(check):
        check()
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vaekit.config.methods import find_method
from vaekit.testing.command_checks import COMMAND_CHECKS
from vaekit.testing.made_up import Subject
from vaekit.testing.model_checks import MODEL_CHECKS

__all__ = ["Check", "check_method", "checks_of"]


@dataclass(frozen=True)
class Check:
    """One promise of a method.

    Attributes:
        name: of the check, in words.
        run: raises AssertionError where the promise is not kept.
    """

    name: str
    run: Callable[[], None]

    def __call__(self) -> None:
        self.run()


def checks_of(method: str, *, commands: bool = True) -> list[Check]:
    """All checks of a method.

    Args:
        method: key of METHODS.
        commands: also run every command on a run of it; takes a minute.

    Raises:
        SettingError: no such method.
    """
    find_method(method)
    subject = Subject(method)
    table = MODEL_CHECKS | (COMMAND_CHECKS if commands else {})
    return [Check(name, partial(check, subject)) for name, check in table.items()]


def check_method(method: str, *, commands: bool = True) -> None:
    """Runs all checks of a method.

    Args:
        method: key of METHODS.
        commands: also run every command on a run of it; takes a minute.

    Raises:
        AssertionError: the first promise that is not kept; its message begins with the check's name.
        SettingError: no such method.
    """
    for check in checks_of(method, commands=commands):
        try:
            check()
        except AssertionError as error:
            raise AssertionError(f"{method}: {check.name}: {error}") from error
