"""Workers of the tests of the runner: each is called with a setup
and returns what answers tasks."""

from collections.abc import Callable

from rotcheck.errors import RequestError


def open_echo(setup: object) -> Callable[[object], object]:
    return lambda task: task


def open_refusal(setup: str) -> Callable[[object], object]:
    raise RequestError(setup)


def open_failure(setup: str) -> Callable[[object], object]:
    raise ValueError(setup)
