"""Where results go: a standard stream in the chosen format,
and each file in the format its name says."""

import contextlib
import functools
import threading
from collections.abc import Sequence
from typing import Any

from rotcheck.cli import exit_guard, screen
from rotcheck.errors import RequestError
from rotcheck.report import formats, write
from rotcheck.report.document import Display

LATER = 0.2  # seconds
STREAMS = {"stdout": "standard output", "stderr": "standard error"}


def _prepare(format: str) -> None:
    with contextlib.suppress(Exception):  # what cannot be imported says so where it is needed
        formats.prepare(format)


class Outlet:
    """The outputs of one command, made before the work begins:
    what cannot be written is refused first."""

    def __init__(
        self,
        kind: str,
        format: str,
        output: Sequence[str] | None = None,
        *,
        stream: str = "stdout",
        quiet: bool = False,
        no_color: bool = False,
    ) -> None:
        exit_guard.check_packages()
        exit_guard.check_folder()
        formats.check(format, kind)
        write.check(output or ())
        self._format, self.quiet, self._no_color = format, quiet, no_color
        self._stream = stream
        self._files = [(path, formats.of_file(path, kind, format)) for path in output or ()]

    def prepare(self) -> None:
        """Import what will draw the results while workers import torch,
        once they have been started."""
        for name in {self._format, *(format for _, format in self._files)}:
            timer = threading.Timer(LATER, _prepare, [name])
            timer.daemon = True
            # no further thread may be started: it is imported later
            with contextlib.suppress(RuntimeError):
                timer.start()

    def show(self, data: Any, kind: str) -> None:
        """Write the results to their stream and then to the files,
        of which a pipe may hold up the rest.

        Raises `RequestError` after all others were written when one could not be.
        """
        exit_guard.note_results()
        steps = [] if self.quiet else [functools.partial(self._print, data, kind)]
        steps += [functools.partial(_write, data, kind, *file) for file in self._files]
        errors = []
        for step in steps:
            try:
                step()
            except RequestError as error:
                errors.append(str(error))
        if errors:
            raise RequestError("; ".join(errors))

    def _print(self, data: Any, kind: str) -> None:
        out = screen.output(self._stream)
        if out is None:
            return
        display = screen.display(out, no_color=self._no_color)
        text = formats.render(self._format, kind)(data, display)
        encoding = "utf-8" if formats.for_machines(self._format) else out.encoding or "utf-8"
        try:
            out.flush()
            out.buffer.write(text.encode(encoding, "backslashreplace"))
            out.buffer.flush()
        except BrokenPipeError:  # the reader has seen enough; the exit code still stands
            exit_guard.quiet(out)
        except OSError as error:
            raise RequestError(
                f"the results cannot go to {STREAMS[self._stream]}: {error.strerror}"
            ) from error


def _write(data: Any, kind: str, path: str, format: str) -> None:
    write.write(path, formats.render(format, kind)(data, Display()))
