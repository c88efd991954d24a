"""Tables for half of the lanes: do the others stay as they are?"""

from rotcheck.identify.asking.call_refinement import in_sizes
from rotcheck.identify.asking.question import Answer, CallQuestion
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.defects import find_defect
from rotcheck.identify.remarks import remark


def _ask(match: Match) -> Answer:
    """Call a function that is handed tables for all lanes with narrower ones."""
    probe, convention = match.caller.probe, match.convention
    if not convention.takes_tables or not match.exact or probe.rotary != probe.width:
        return Answer()
    narrow = in_sizes(match, rotary=probe.width // 2)
    if narrow is None or narrow.exact:
        return Answer()
    defect = find_defect(narrow.response, probe.positions)
    if not defect.words or defect.vague:
        return Answer()
    message = f"with tables for half of the lanes, {defect.words}"
    evidence = f"tables for {probe.width // 2} lanes of {probe.width}"
    return Answer((remark("rotary-dim", message, evidence),))


QUESTION = CallQuestion(rank=60, ask=_ask)
