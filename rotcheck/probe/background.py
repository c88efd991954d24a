"""A thread of the front that waits for an external program while the workers import torch."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """A function that runs in a thread of its own, while the workers import torch.

    The context manager waits for the thread, which is no daemon: whatever happens, it ends the
    external program. The function must import nothing: Ctrl-C during an import of the main thread
    can leave a module's lock taken, and this thread would wait for it forever.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._answer: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Beside[T]":
        try:
            self._thread.start()
        except RuntimeError:  # no further thread may be started: run it now
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
        except BaseException as error:  # `result` raises it again
            self._error = error

    def result(self) -> T:
        """Wait for the function and return what it returned, or raise what it raised."""
        self._wait()
        if self._error is not None:
            raise self._error
        return self._answer[0]
