"""What came back of identifying a function, as the front keeps it:
what is said of it, and how workers call it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from rotcheck import __version__
from rotcheck.identify.telling import next_step
from rotcheck.isolation import Died, Done, Returned
from rotcheck.measure.outside_writes import outside
from rotcheck.results import Description, FlagEffect, Identification, Remark

_MEMORY_SIGNALS = ("SIGSEGV", "SIGABRT", "SIGBUS")
# what the allocator says
_HEAP = re.compile(r"(munmap_chunk|malloc|free|realloc|corrupted|double free)\b.*")


@dataclass(frozen=True, slots=True)
class Identity:
    """What is said of one function, and the convention as plain data by which workers call it."""

    identification: Identification
    convention: Mapping[str, Any] | None
    call_text: str | None = None  # that call, with shapes
    no_object: bool = False  # it is a class of which no object could be made
    lacks_package: bool = False  # its module imports a package that is not installed
    lacks_gpu: bool = False  # it launches a Triton kernel, and Triton finds no GPU here
    silent: bool = False  # it died, hung, raised or is not on this machine: no call of it was seen
    flags: tuple[str, ...] = ()  # each the other way round, "interleaved=True", to be asked about
    registration: Description | None = None  # its entry, of one that is not on this machine


def identity_of(done: Done) -> Identity:
    """The identity that a worker found, or what became of the function where it found none."""
    outcome = done.outcome
    value = outcome.value if isinstance(outcome, Returned) else {}
    if "told" in value:
        return Identity(
            msgspec.convert(value["told"], Identification),
            value["convention"],
            value["called"],
            flags=tuple(value["flags"]),
            lacks_gpu=value["lacks_gpu"],
        )
    no_object = "unbuilt" in value
    registration = value.get("registered")
    return Identity(
        Identification(
            rotcheck=__version__,
            specification=done.job.setup["shown"],
            torch=None,
            device=done.job.setup["device"],
            follows=False,
            convention=None,
            message=_end(done),
            advice=next_step.of_outcome(done, unbuilt=no_object),
        ),
        None,
        no_object=no_object,
        lacks_package=next_step.lacks_a_package(done),
        silent=True,
        registration=msgspec.convert(registration, Description) if registration else None,
    )


def _end(done: Done) -> str:
    """What became of a function of which nothing was found."""
    outcome = done.outcome
    if isinstance(outcome, Returned) and "unbuilt" in outcome.value:
        return f"cannot be built: {outcome.value['unbuilt']}"
    if isinstance(outcome, Returned):
        place = "" if outcome.value["foreign"] else "not on this machine: "
        return f"{place}{outcome.value['unavailable']}"
    moment = "imported and built" if done.opening else "called"
    return f"{outcome} while it was {moment}{_out_of_bounds(done)}"


def _out_of_bounds(done: Done) -> str:
    """Where to look in a function that touched memory that is not its own,
    as a kernel without a mask does."""
    outcome = done.outcome
    if done.opening or not isinstance(outcome, Died) or outcome.signal_name not in _MEMORY_SIGNALS:
        return ""
    heap = _HEAP.search(outcome.output)
    if not heap and done.job.setup["device"] == "cpu":
        return ""
    heap_text = f" ({heap.group()})" if heap else ""
    masks = "the masks of its loads and stores"
    return f"{heap_text}: it {outside('its tensors', masks, verb='writes or reads')}"


def add_flag(identity: Identity, done: Done) -> Identity:
    """The identity with what one of the function's flags changes."""
    identification = identity.identification
    if isinstance(done.outcome, Returned):
        flag = msgspec.convert(done.outcome.value["turned"], FlagEffect)
        mistakes = msgspec.convert(done.outcome.value["wrong"], tuple[Remark, ...])
    else:
        message = str(done.outcome)
        flag = FlagEffect(flag=done.task, follows=False, convention=None, message=message)
        mistakes = ()
    identification = msgspec.structs.replace(
        identification,
        flags=(*identification.flags, flag),
        findings=(*identification.findings, *mistakes),
        follows=identification.follows and not mistakes,
    )
    return replace(identity, identification=identification)


def without_folders(spec: str) -> str:
    """A SPEC without the folders of its path."""
    return spec.rpartition("/")[2]


def distinct_names(
    specs: Sequence[str], identifications: Sequence[Identification]
) -> list[Identification]:
    """The identifications, each named by as much of its path as tells it
    from those of other files."""
    names = list(map(without_folders, specs))
    for index, spec in enumerate(specs):
        others = [
            other
            for other in dict.fromkeys(specs)
            if other != spec and without_folders(other) == without_folders(spec)
        ]
        parts = spec.split("/")
        for count in range(2, len(parts) + 1) if others else ():
            names[index] = "/".join(parts[-count:])
            if all("/".join(other.split("/")[-count:]) != names[index] for other in others):
                break
    return [
        msgspec.structs.replace(identification, specification=name)
        for identification, name in zip(identifications, names, strict=True)
    ]
