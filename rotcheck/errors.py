"""The one error that callers are meant to catch; the first line of any."""


class RequestError(Exception):
    """The request could not be carried out as given; the message says what is possible instead.

    Raised before anything is written: an unknown implementation, device, dtype or check, a device
    that is not on this machine, a file that cannot be read or written, a bad policy. The command
    line turns it into exit code 2.
    """


class NoTorch(RequestError):
    """torch is not installed, cannot be imported or is too old, so that nothing was run.

    The command line turns it into exit code 5.
    """


REQUEST = f"{RequestError.__module__}.{RequestError.__qualname__}"
"""Its kind, as a worker that raised it tells the front."""


def first_line(error: BaseException) -> str:
    """The first line of what was raised; empty where it has no text."""
    return (str(error).splitlines() or [""])[0]
