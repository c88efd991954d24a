"""Does a kernel write outside of its tensor? Asked in heads whose width is no power of two."""

from functools import partial

from rotcheck.identify.asking.question import Answer, CallQuestion
from rotcheck.identify.call_outcome import result_or_none
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.caller import watches_memory
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.identify.remarks import remark
from rotcheck.measure.outside_writes import outside

WIDTHS = (16, 24)  # a kernel rounds the second up to 32


def _ask(match: Match) -> Answer:
    """Call it with marked memory around its tensors, where that can be watched."""
    if not watches_memory(match.caller.device):
        return Answer()
    probe = match.caller.probe
    for width in (probe.width, *WIDTHS):
        rotary = width * probe.rotary // probe.width
        caller = match.caller.with_sizes(width=width, rotary=rotary)
        inputs = caller.random(match.convention)
        outputs = result_or_none(partial(caller.call, match.convention, inputs))
        if outputs is not None and caller.wrote_outside:
            evidence = f"marked values around its tensors, in {call_words(match.convention)}"
            message = outside(f"its tensor in heads of {width} lanes")
            return Answer((remark("writes-outside", message, evidence),))
    return Answer()


QUESTION = CallQuestion(rank=80, ask=_ask, explains_all=True)
