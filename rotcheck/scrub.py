"""Takes out of a text what nobody should paste into a public issue:
paths, the home folder, the host name."""

import platform
import re
from pathlib import Path

_OURS = f"{Path(__file__).resolve().parents[1]}/"
_ANCHORS = re.compile(r".*/(?:site-packages|dist-packages|python3(?:\.\d+)?t?)/")
_NAMELESS = {"", "root", "user", "home"}  # folders that tell nothing about their owner
_QUOTED = re.compile(r"""(["'])(/[^"'\n]*)\1""")
_PART = r"[^\s\"'`,;:()\[\]<>|=/]*"
# a compiler's option, or no word and no URL's colon
_BEFORE = r"(?:(?<=-[IL])|(?<![\w/.~<])(?<!:(?=//)))"
_PLAIN = re.compile(rf"{_BEFORE}(?:~|[A-Za-z]:(?=[/\\])|file:/)?(?:/{_PART})+")
_WINDOWS = re.compile(r"\b[A-Za-z]:\\(?:[^\s\\\"']+\\)*([^\s\\\"']+)")


def shorten_path(path: str) -> str:
    """A path as others know it: from its package on, else only the file's name,
    without the user's."""
    if path.startswith(f"{_OURS}rotcheck/"):
        return path.removeprefix(_OURS)
    if anchor := _ANCHORS.match(path):
        return path[anchor.end() :]
    return _without_user(path.rstrip("/").rpartition("/")[2]) or "/"


def _without_user(name: str) -> str:
    user = _user()
    return (
        name
        if user in _NAMELESS
        else re.sub(rf"(?<![^\W_]){re.escape(user)}(?![^\W_])", "<user>", name)
    )


def _user() -> str:
    """The name of the home folder; empty for a user without one."""
    try:
        return Path.home().name
    except RuntimeError:
        return ""


def scrub(text: str) -> str:
    """The text with every absolute path shortened and the host name replaced by `<host>`."""
    text = _QUOTED.sub(lambda m: f"{m[1]}{shorten_path(m[2])}{m[1]}", text)
    text = _PLAIN.sub(lambda m: shorten_path(m[0]), text)
    text = _WINDOWS.sub(lambda m: m[1], text)
    host = platform.node()
    return (
        re.sub(rf"\b{re.escape(host)}\b", "<host>", text)
        if len(host) > 3 and host != "localhost"
        else text
    )
