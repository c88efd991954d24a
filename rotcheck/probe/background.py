"""Work of the front beside the workers: a thread for what waits on an external program."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """A function at work in a thread of its own from now on, while the workers import torch.

    As a context manager it does not end before its thread, and the thread is no daemon: whatever happens, it
    ends the external program that it waits on. It must import nothing: Ctrl-C amid an import of the main
    thread can leave the lock of a module taken, and the thread would wait for it for ever.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._answer: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Beside[T]":
        try:
            self._thread.start()
        except (
            RuntimeError
        ):  # no further thread may be started: before the workers, then, and not beside them
            self._run()
        return self

    def __exit__(self, *_: object) -> None:
        self._wait()

    def _wait(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._answer.append(self._function())
        except BaseException as error:  # raised again where the answer is asked for
            self._error = error

    def result(self) -> T:
        """Wait for the function and return what it returned, or raise what it raised."""
        self._wait()
        if self._error is not None:
            raise self._error
        return self._answer[0]
