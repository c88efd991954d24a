"""Does one tensor come from another? Autograd's graph knows, whatever ran between them."""

from collections.abc import Sequence
from typing import Any


def derives_from(node: Any, sources: Sequence[Any], ends: Sequence[Any]) -> bool:
    """Whether a way leads back from a node of the graph to one of the sources.

    Args:
        node: where to begin.
        sources: nodes that are looked for.
        ends: nodes beyond which nothing is looked for.
    """
    goals, stops = set(map(id, sources)), set(map(id, ends))
    visits: dict[int, Any] = {}  # kept, so that no id is given again
    rest = [node]
    while rest:
        at = rest.pop()
        if id(at) in visits or id(at) in stops:
            continue
        if id(at) in goals:
            return True
        visits[id(at)] = at
        rest += [before for before, _ in at.next_functions if before is not None]
    return False
