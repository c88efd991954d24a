"""Does a kernel write outside of the tensor that it is handed? Asked in heads whose width is no power of two."""

from dataclasses import replace

from rotcheck.identify.asking.remarks import remark
from rotcheck.identify.calling.search import Found
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.identify.reading.response import Trier, watched
from rotcheck.results import Remark

WIDTHS = (16, 24)  # a kernel rounds the second up to 32


def of_other_widths(found: Found) -> list[Remark]:
    """Return what is wrong with the memory around the tensors of a call, where they can be watched."""
    if not watched(found.trier.device):
        return []
    probe = found.trier.probe
    for width in (probe.width, *WIDTHS):
        lanes = width * probe.rotary // probe.width
        other = Trier(
            found.trier.function, found.trier.device, replace(probe, width=width, rotary=lanes)
        )
        try:
            other.call(found.convention, other.random(found.convention))
        except Exception:  # it does not take heads of this width
            continue
        if other.outside:
            seen = f"marked values around its tensors, in {call_words(found.convention)}"
            words = f"writes outside of its tensor in heads of {width} lanes: look at the masks of its stores"
            return [remark("writes-outside", words, seen)]
    return []
