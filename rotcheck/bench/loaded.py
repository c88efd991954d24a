"""An implementation, loaded, in a world of process-wide switches of its own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Implementation
from rotcheck.implementations.load import Found, implementation
from rotcheck.measure import switches


class Loaded:
    """An implementation loaded for a device; `seconds` is what its `load(device)` took.

    `convention`: that of a function that was identified, or what tells it of one that declares none. `no_gradient`: why
    it has none by design, where that was found out.

    What it does to the process (thread count, executor flags, ...) holds while it runs itself and not while
    the others are timed.
    """

    def __init__(
        self, specification: str, device: str, convention: Found, no_gradient: str | None = None
    ) -> None:
        self._inside = self._outside = switches.read()
        with self.running():
            self._module: Implementation = implementation(specification, convention, device)
            started = time.perf_counter()
            self.function = self._module.load(device)
            self.seconds = time.perf_counter() - started
        self.convention: Convention = self._module.convention
        self._no_gradient = no_gradient or getattr(self._module, "no_gradient", None)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run its code in its own world."""
        switches.move(self._inside, now=self._outside)
        try:
            yield
        finally:
            self._inside = switches.read()
            switches.move(self._outside, now=self._inside)

    def path(self) -> str | None:
        """Return which code ran last, where the implementation tells."""
        tell = getattr(self._module, "path", None)
        return tell()[0] if tell else None

    def skip(self, device: str, dtype: str, backward: bool) -> str | None:
        """Return its reason not to run a dtype on a device, or not to be differentiated."""
        reason = getattr(self._module, "skip", None)
        words: str | None = reason(device, dtype) if reason else None
        return words or (self._no_gradient if backward else None)
