"""The failures rotcheck knows, read from `failures/`, one TOML file for each,
at their first use."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal

from rotcheck.diagnose import entries
from rotcheck.diagnose.entries import KnowledgeEntry, KnowledgeError
from rotcheck.diagnose.symptoms import expression


class Failure(KnowledgeEntry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A known failure: how it shows itself, why it happens and what to change."""

    tier: Literal[1, 2, 3]  # 1: frequent or expensive; 3: rare, or its signature fits many things
    # regular expressions, found in a message or a log; none: it says nothing
    signatures: tuple[str, ...]
    samples: tuple[str, ...]  # messages the signatures are found in
    # regular expressions, one of which a log must hold beside a message that is not this
    # failure's alone; ROTARY stands for whatever names rotary code or flash-attn, ROTATION for
    # the former alone. None: the signature is enough
    context: tuple[str, ...] = ()
    # expressions (symptoms.py) found in what a person writes who has no message
    symptoms: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()  # sentences of such persons, which the symptoms are found in
    # ids of failures that are its cause where the same log holds their message, if only as a
    # warning
    explained_by: tuple[str, ...] = ()
    next: tuple[str, ...] = ()  # commands to type next, each with what it finds
    findings: tuple[str, ...] = ()  # codes that rotcheck's own checks give a bad cell
    # functions that set a process-wide switch which it comes of: `rotcheck watch` names their line
    setters: tuple[str, ...] = ()
    cause: str
    fix: str
    devices: str
    versions: str
    source: tuple[str, ...]  # "run: ..." was run; the rest was read there
    reproduced: str  # how to provoke it on a machine with nothing but a CPU; empty: it cannot be


def all_failures() -> tuple[Failure, ...]:
    """Every known failure, in the order of their ids.

    Raises `KnowledgeError` when a file cannot be understood.
    """
    return tuple(_by_id().values())


def get(id: str) -> Failure | None:
    """The failure of that id, in upper or lower case, or that explains the finding of that code,
    or None.

    Raises `KnowledgeError` when a file cannot be understood.
    """
    if not _by_id.cache_info().currsize and (failure := _alone(id.upper())):
        return failure
    return _by_id().get(id.upper()) or _by_finding().get(id.lower())


def for_finding(code: str) -> Failure | None:
    """The failure that explains a finding of rotcheck's own checks, such as `pairing`, or None.

    Raises `KnowledgeError` when a file cannot be understood, or two files claim the same code.
    """
    return _by_finding().get(code)


def fields_of(failure: Failure | None) -> dict[str, Any]:
    """Id, cause and fix of a failure, as fields of a result; none where no failure is known."""
    return {"failure": failure.id, "cause": failure.cause, "fix": failure.fix} if failure else {}


def _alone(id: str) -> Failure | None:
    """The failure of that id, of which nothing but its own file was read."""
    from importlib.resources import files

    name = f"{id}.toml"
    file = files("rotcheck.diagnose").joinpath("failures", name)
    return (
        _failure(name, file.read_text("utf-8"))
        if id.isalnum() and len(id) < 9 and file.is_file()
        else None
    )


@cache
def _by_id() -> Mapping[str, Failure]:
    return entries.by_id(_failure(name, text) for name, text in _files())


@cache
def _by_finding() -> Mapping[str, Failure]:
    owners: dict[str, Failure] = {}
    for failure in all_failures():
        for code in failure.findings:
            if code in owners:
                raise KnowledgeError(
                    f"{failure.id}.toml: {owners[code].id}.toml has the finding {code!r}"
                )
            owners[code] = failure
    return owners


def _files() -> Iterator[tuple[str, str]]:
    return entries.texts("failures")


def _failure(name: str, text: str) -> Failure:
    keys = entries.keys(name, text)
    try:
        if "symptoms" in keys:
            keys["symptoms"] = [expression(symptom) for symptom in keys["symptoms"]]
    except KeyError as error:
        raise KnowledgeError(
            f"{name}: a symptom names words that symptoms.py does not have: {error}"
        ) from error
    return entries.entry(name, keys, Failure)
