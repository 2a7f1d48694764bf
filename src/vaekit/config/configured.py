"""Functions and constructors whose arguments are a set of options, declared nowhere else. Imports no torch."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from typing import Any, Concatenate, ParamSpec, TypeVar

from vaekit.config.fields import Flag, Options, check_known, imported
from vaekit.core import SettingError

OPEN = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
Section = TypeVar("Section", bound=Options)


def options_of(
    section: Callable[P, Section],
) -> Callable[[Callable[[S, Section], None]], Callable[Concatenate[S, P], None]]:
    """Decorates a constructor `__init__(self, options)`: it then takes the options themselves.

    `ELBO(beta=4.0)`, `ELBO(4.0)` and `ELBO(ELBOSettings(beta=4.0))` are the same. Editors see the fields of
    the section as the arguments, `help()` explains them.
    """
    return configured(section)  # type: ignore[arg-type, return-value]


def configured(section: type[Options]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Decorates a callable that has one parameter `options` of this section: it then takes them flat.

    Arguments that have the name of an option, or of an option of a part, go into it; the others reach the
    callable as they are. Where `options` is not keyword-only, options can be given by their place too.
    """

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        own = inspect.signature(function).parameters
        before = list(own)[: list(own).index("options")]
        keyword_only = own["options"].kind is Parameter.KEYWORD_ONLY
        by_place = [] if keyword_only else [field.name for field in dataclasses.fields(section)]
        open_ended = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in own.values())

        @functools.wraps(function)
        def wrapper(*given: Any, **named: Any) -> R:
            first = len([name for name in before if name not in named])
            placed, positional = list(given[first:]), given[:first]
            if placed and isinstance(placed[0], section):
                named["options"] = placed.pop(0)
            if len(placed) > len(by_place):
                most = first + len(by_place)
                raise TypeError(
                    f"{function.__qualname__} takes {most} arguments by their place, not {len(given)}"
                )
            values = dict(zip(by_place, placed, strict=False))
            twice = [name for name in values if name in named]
            if twice:
                raise TypeError(f"{function.__qualname__}: {twice[0]} is given by its place and by its name")
            options = named.pop("options", None)
            if options is not None and not isinstance(options, section):
                raise TypeError(f"options= is a {type(options).__name__}; give a {section.__name__}")
            known = section.names() if options is None else type(options).names()
            values |= {name: named.pop(name) for name in list(named) if name in known}
            if not open_ended:
                check_known(
                    named, [*known, *(name for name in own if name not in ("self", "options"))], whose=_whose
                )
            check_all_given(function, given, named, own)
            if options is None:
                options = section.of(values)
            elif values:
                name = next(iter(values))
                raise SettingError(f"{name}= is given beside options=, an object that has it.", name)
            return function(*positional, options=options, **named)

        wrapper.__signature__ = outer_signature(own, section, keyword_only)  # type: ignore[attr-defined]
        wrapper.__doc__ = explained(function.__doc__, section)
        return wrapper

    return decorate


def _whose(name: str) -> str:
    return imported("vaekit.config.methods:whose")(name)  # that table imports this module


def check_all_given(
    function: Callable[..., Any], given: Sequence[Any], named: Mapping[str, Any], own: Mapping[str, Parameter]
) -> None:
    """Raises TypeError for arguments that are missing: says which, and how the call looks."""
    wanted = [
        n for n, p in own.items() if p.default is Parameter.empty and n != "options" and p.kind not in OPEN
    ]
    missing = [name for name in wanted[len(given) :] if name not in named]
    if missing:
        kind = type(given[0]).__name__ if wanted[0] == "self" else function.__name__
        call = ", ".join(name for name in wanted if name != "self")
        raise TypeError(f"{kind} needs {' and '.join(missing)}: {kind}({call}, ...).")


def documented(section: type[Options]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Decorates a function that takes a section's options as `**options`: `help()` explains them."""

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        own = inspect.signature(function).parameters
        rest = {name: p for name, p in own.items() if p.kind is not Parameter.VAR_KEYWORD}
        signature = outer_signature(rest, section, True)
        returned = inspect.signature(function).return_annotation
        function.__signature__ = signature.replace(return_annotation=returned)  # type: ignore[attr-defined]
        function.__doc__ = explained(function.__doc__, section)
        return function

    return decorate


def strict(function: Callable[P, R]) -> Callable[P, R]:
    """Decorates a function that people call: an argument that it does not have is a SettingError with the near miss."""
    known = tuple(inspect.signature(function).parameters)

    @functools.wraps(function)
    def wrapper(*given: P.args, **named: P.kwargs) -> R:
        check_known(named, known)
        return function(*given, **named)

    return wrapper


def outer_signature(
    own: Mapping[str, Parameter], section: type[Options], keyword_only: bool
) -> inspect.Signature:
    """The function's parameters, with the section's fields in the place of `options`."""
    kind = Parameter.KEYWORD_ONLY if keyword_only else Parameter.POSITIONAL_OR_KEYWORD
    fields = [field.name for field in dataclasses.fields(section)]
    shown = [
        Parameter(
            flag.name,
            kind if flag.name in fields else Parameter.KEYWORD_ONLY,
            default=Parameter.empty if flag.default is dataclasses.MISSING else flag.default,
            annotation=flag.hint,
        )
        for flag in section.flags()
        if flag.name not in own
    ]
    rest = [parameter for name, parameter in own.items() if name != "options"]
    first = [parameter for parameter in rest if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD]
    last = [parameter for parameter in rest if parameter not in first]
    return inspect.Signature(sorted([*first, *shown, *last], key=lambda parameter: parameter.kind))


def explained(doc: str | None, section: type[Options]) -> str:
    """A docstring with a line for every option, before its example."""
    lines = [f"    {flag.name}: {flag.help}{limits(flag)}" for flag in section.flags()]
    head, *example = inspect.cleandoc(doc or "").partition("Example:\n")
    listed = "\n".join([head.rstrip(), "", "Options:", *lines]) if lines else head.rstrip()
    return "\n\n".join([listed, "".join(example)]) if example[0] else listed


def with_options(part: type[Section]) -> type[Section]:
    """Decorates a dataclass of options that people make themselves: `help()` explains each."""
    part.__doc__ = explained(part.__doc__, part)
    return part


def limits(flag: Flag) -> str:
    """` (default: 0.1; above 0)`, or what is known of these."""
    default = flag.default
    shown = default is not dataclasses.MISSING and default is not None and default != ()
    parts = (
        [f"default: {default:.4g}" if isinstance(default, float) else f"default: {default}"] if shown else []
    )
    choices = [f"choices: {', '.join(flag.choices)}"] if flag.choices else []
    return (
        f" ({'; '.join(parts + [flag.range] * bool(flag.range) + choices)})"
        if parts + choices or flag.range
        else ""
    )
