"""Writes to standard error without a stream of Python's, which may not be there yet, or no more;
imports only `os`."""

import os

NOTHING_FINISHED = "rotcheck: interrupted before anything was finished"


def say(text: str) -> None:
    """Write a line."""
    try:
        os.write(2, f"{text}\n".encode("utf-8", "backslashreplace"))
    except OSError:  # nobody listens
        return
