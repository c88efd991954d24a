"""What an earlier call leaves behind: a function that is right by itself, and wrong once it was called before."""

from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from rotcheck.convention import Convention
from rotcheck.identify.remarks import remark
from rotcheck.identify.telling import demonstration
from rotcheck.identify.telling.demonstration import FEW, Attempt, Source
from rotcheck.measure.case import Sizes
from rotcheck.results import Remark

OTHERS = (4, 5, 6, 7)  # positions of the earlier call
MOST = 2  # calls


def of_earlier_call(source: Source, conventions: Sequence[Convention], width: int) -> Remark | None:
    """Return that a call which is right by itself is wrong after one as large, with what shows it."""
    for convention in conventions[:MOST]:
        few = convention.heads or 2
        alone = Attempt(convention, Sizes(2, few, few, convention.head_dim or width, FEW))
        counts = convention.tables == "positions" and convention.positions == "from 0"
        after = replace(alone, earlier=FEW if counts else OTHERS)
        if demonstration.of_value(source, [alone]):
            continue
        shown = demonstration.of_value(source, [after])
        if shown:
            what = "positions" if convention.tables == "positions" else "tables"
            earlier = "a call like it" if counts else f"a call with other {what}"
            words = f"keeps something from call to call: right by itself, wrong after {earlier}"
            seen = f"the same call by itself, and after one with rows {after.earlier[0]} to {after.earlier[-1]}"
            return structs.replace(remark("kept-call", words, seen), demonstration=shown)
    return None
