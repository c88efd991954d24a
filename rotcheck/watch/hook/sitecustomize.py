"""Begins the watch in a Python process of the user's program, at that process's start.

Python imports a module of this name where there is one, whatever it is started with but `-I`, `-E`
and `-S`. One that this file stands before is imported after it, as it would be without it.
"""
# Any Python may run this, also one that is too old for rotcheck: its syntax is that of old ones.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, import-not-found"

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(_HERE)))  # the folder of rotcheck


def _begin(folder):
    """Begin the watch; what keeps it from beginning is written where the records are."""
    try:
        if sys.version_info < (3, 11):  # noqa: UP036
            raise RuntimeError("rotcheck needs Python 3.11 or newer")
        sys.path.insert(0, _PACKAGES)
        try:
            from rotcheck.watch.inside import process_watch
        finally:
            sys.path.remove(_PACKAGES)
        process_watch.begin(folder)
    except Exception as error:  # the program must run as it would without a watch
        _say_why_not(folder, error)


def _say_why_not(folder, error):
    import json

    version = ".".join(map(str, sys.version_info[:3]))
    line = {"kind": "unwatched", "time": 0.0, "pid": os.getpid(), "python": version}
    line["why"] = "%s: %s" % (type(error).__name__, error)  # noqa: UP031
    try:
        with open(os.path.join(folder, "%d-0.jsonl" % os.getpid()), "a") as file:  # noqa: UP031
            file.write(json.dumps(line) + "\n")
    except OSError:  # the watch is over, or this process may write nothing
        pass


def _import_the_next():
    """Import the module of this name that Python would have found."""
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != _HERE]
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        if ours is not None:
            sys.modules.setdefault("sitecustomize", ours)


if os.environ.get("ROTCHECK_WATCH"):
    _begin(os.environ["ROTCHECK_WATCH"])
_import_the_next()
