"""A hub's refusals in one line each, with the remedy."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from json import JSONDecodeError

from vaekit.core import RunError, SettingError, VaekitError, reason

INSTALL = "pip install 'vaekit[hub]'"
NO_BRANCH = "it has no such branch; leave branch= out for main, or make it on the hub first"
NO_REVISION = "it has no such revision; leave revision= out for the newest"
LOG_IN = "log in (hf auth login, or a token in HF_TOKEN)"


def check_installed() -> None:
    """Raises SettingError where huggingface_hub is missing."""
    if find_spec("huggingface_hub") is None:
        raise SettingError(f"a hub needs the package huggingface_hub: {INSTALL}")


def check_name(name: object) -> str:
    """The name of a repository, "NAME" or "OWNER/NAME".

    Raises:
        SettingError: none that a hub would take.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)  # type: ignore[arg-type]
    except HFValidationError:
        ours = "OWNER/NAME, of letters, digits, single -, _ and ., at most 96 characters"
        raise SettingError(
            f"repo_id={name!r} is no name on a hub, nor a folder here: {ours}.", "repo_id"
        ) from None
    return str(name)


@contextmanager
def in_one_line(name: str, pushing: bool = False) -> Iterator[None]:
    """Turns whatever huggingface_hub raises within the block into one line.

    Args:
        name: of the repository.
        pushing: something is sent there.

    Raises:
        RunError: the hub cannot be reached, refuses, or answers what nobody understands.
    """
    from huggingface_hub.utils import logging as theirs

    verbosity = theirs.get_verbosity()
    theirs.set_verbosity(logging.CRITICAL)  # each try again is a line otherwise
    try:
        yield
    except (VaekitError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        what = f"cannot push {name}" if pushing else f"cannot load {name}"
        raise RunError(f"{what}: {why(error, pushing)}.") from None
    finally:
        theirs.set_verbosity(verbosity)


def why(error: BaseException, pushing: bool) -> str:
    """Says in a few words what an error of huggingface_hub means, and what helps."""
    from huggingface_hub import errors as e

    chain = list(causes(error))
    for kind, text in (
        (e.GatedRepoError, f"access to it must be asked for on its page; then {LOG_IN}"),
        (e.DisabledRepoError, "its owner or the hub has disabled it"),
        (e.RevisionNotFoundError, NO_BRANCH if pushing else NO_REVISION),
        (e.RemoteEntryNotFoundError, "it is no model of vaekit: a file is missing there"),
        (e.LocalTokenNotFoundError, f"there is no token; {LOG_IN}"),
        (
            e.OfflineModeIsEnabled,
            "the hub is offline by HF_HUB_OFFLINE, or local_files_only=True, and it is not in the cache",
        ),
    ):
        if any(isinstance(one, kind) for one in chain):
            return text
    status = next((status_of(one) for one in chain if status_of(one)), 0)
    if status:
        return of_status(status, pushing)
    if any(is_network(one) for one in chain):
        place = endpoint()
        return (
            f"{place} cannot be reached, and it is not in the cache; check the network"
            if not pushing
            else (f"{place} cannot be reached; check the network")
        )
    if any(isinstance(one, e.FileMetadataError | JSONDecodeError) for one in chain):
        return f"{endpoint()} does not answer as a hub does, or the file is damaged; check HF_ENDPOINT and the proxy"
    if isinstance(error, e.LocalEntryNotFoundError):
        return "it is not in the cache; leave local_files_only= out"
    return reason(error).removesuffix(".")


def of_status(status: int, pushing: bool) -> str:
    """Says what a status of HTTP means."""
    if status == 403 or (status == 401 and pushing):
        right = "may not write there" if pushing else "may not read it"
        return f"the hub says {status}: you {right}; {LOG_IN}, with a token that may"
    if status in (401, 404):
        missing = "there is no such owner, branch or repository" if pushing else "there is none of that name"
        return f"{missing}, or it is private; check the name, or {LOG_IN}"
    if status == 409:
        return "the hub says 409: somebody else has changed it at the same time; push again"
    if status == 429:
        return "the hub says 429: too many requests; wait some minutes"
    if status >= 500:
        return f"the hub says {status}: it has a fault of its own; try again later"
    return f"the hub says {status}: it does not take the request"


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that it came from."""
    seen: list[BaseException] = []
    while error not in seen:
        seen.append(error)
        yield error
        inner = error.__cause__ or error.__context__
        if inner is None:
            return
        error = inner


def status_of(error: BaseException) -> int:
    """The status of HTTP that an error is about; 0 without one."""
    status = getattr(getattr(error, "response", None), "status_code", 0)
    return status if isinstance(status, int) else 0


def is_network(error: BaseException) -> bool:
    """Returns whether an error is one of the connection, of httpx or of the system."""
    words = (
        "ConnectError",
        "TimeoutException",
        "NetworkError",
        "ProxyError",
        "RemoteProtocolError",
        "TransportError",
    )
    return isinstance(error, ConnectionError | TimeoutError) or any(
        kind.__name__ in words for kind in type(error).__mro__
    )


def endpoint() -> str:
    """Address of the hub."""
    from huggingface_hub import constants

    return constants.ENDPOINT
