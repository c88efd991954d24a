"""Runs a function three times: two of
the known TorchScript failures appear only on the second call."""

from collections.abc import Callable

CALLS = 3


class CallFailed(Exception):
    """A call raised; the message has its number and the whole error."""

    def __init__(self, number: int, error: Exception) -> None:
        super().__init__(f"on call {number}: {type(error).__name__}: {error}")


def thrice(call: Callable[[], object]) -> None:
    """Make the call three times; raise `CallFailed` for the first that raises."""
    for number in range(1, CALLS + 1):
        try:
            call()
        except Exception as error:
            raise CallFailed(number, error) from error
