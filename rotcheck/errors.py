"""The one error that callers are meant to catch."""


class RequestError(Exception):
    """The request could not be carried out as given; the message says what is possible instead.

    Raised before anything is written: an unknown implementation, device, dtype or check, a device that is
    not on this machine, a file that cannot be read or written, a bad policy. The command line turns it into
    exit code 2.
    """


REQUEST = f"{RequestError.__module__}.{RequestError.__qualname__}"
"""Its kind, as a worker that raised it tells the front."""
