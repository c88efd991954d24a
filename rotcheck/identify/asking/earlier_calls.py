"""What an earlier call leaves behind: a function that is right by itself, and wrong after it."""

from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from rotcheck.convention import Convention
from rotcheck.identify.remarks import remark
from rotcheck.identify.showing.attempts import FEW, Attempt
from rotcheck.identify.showing.function_source import Source
from rotcheck.identify.showing.value_demonstration import of_value
from rotcheck.measure.case import Sizes
from rotcheck.results import Remark

EARLIER_POSITIONS = (4, 5, 6, 7)
MOST_CALLS = 2


def of_earlier_call(source: Source, conventions: Sequence[Convention], width: int) -> Remark | None:
    """The mistake of a call that is right by itself and wrong after one as large."""
    for convention in conventions[:MOST_CALLS]:
        heads = convention.heads or 2
        single = Attempt(convention, Sizes(2, heads, heads, convention.head_dim or width, FEW))
        counts = not convention.takes_tables and convention.positions == "from 0"
        repeat = replace(single, earlier=FEW if counts else EARLIER_POSITIONS)
        if of_value(source, [single]):
            continue
        snippet = of_value(source, [repeat])
        if snippet:
            changes = "tables" if convention.takes_tables else "positions"
            call = "a call like it" if counts else f"a call with other {changes}"
            message = f"keeps something from call to call: right by itself, wrong after {call}"
            rows = f"{repeat.earlier[0]} to {repeat.earlier[-1]}"
            evidence = f"the same call by itself, and after one with rows {rows}"
            return structs.replace(remark("kept-call", message, evidence), demonstration=snippet)
    return None
