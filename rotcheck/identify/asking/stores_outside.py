"""Does a kernel write outside of the tensor that it is handed? Asked in heads whose width is no power of two."""

from dataclasses import replace

from rotcheck.identify.calling.match import Match
from rotcheck.identify.reading.caller import Caller, watches_memory
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark

WIDTHS = (16, 24)  # a kernel rounds the second up to 32


def of_other_widths(found: Match) -> list[Remark]:
    """Return what is wrong with the memory around the tensors of a call, where they can be watched."""
    if not watches_memory(found.caller.device):
        return []
    probe = found.caller.probe
    for width in (probe.width, *WIDTHS):
        lanes = width * probe.rotary // probe.width
        other = Caller(
            found.caller.function, found.caller.device, replace(probe, width=width, rotary=lanes)
        )
        try:
            other.call(found.convention, other.random(found.convention))
        except Exception:  # it does not take heads of this width
            continue
        if other.wrote_outside:
            seen = f"marked values around its tensors, in {call_words(found.convention)}"
            words = f"writes outside of its tensor in heads of {width} lanes: look at the masks of its stores"
            return [remark("writes-outside", words, seen)]
    return []
