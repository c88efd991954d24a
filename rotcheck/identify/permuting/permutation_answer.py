"""The answer for a function that permutes the rows of q's and k's projections: which permutation it is, or why none."""

import re
from dataclasses import dataclass
from typing import Any

from rotcheck.identify.calling.untried_arguments import untried_arguments
from rotcheck.identify.permuting import weight_permutations
from rotcheck.identify.permuting.weight_permutations import STAYS, WIDTH, Call, Kind, Moved
from rotcheck.identify.remarks import remark
from rotcheck.identify.telling import demonstration, doubt
from rotcheck.implementations.instances import copied
from rotcheck.implementations.target import Target
from rotcheck.results import Remark, Told

ROWS = "it permutes the rows of a checkpoint's weights, and rotates nothing"
NUMBERED = "weights whose elements all differ: which row of them arrives where"
NEXT = "convert a small checkpoint, and hold its logits against those of the original"
SHOWN_ROWS = 6
# it means to permute rows
_NAME = re.compile(r"permut|rotary|rope|interleav|neox|reorder", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A call and what became of each weight, or why nothing came back."""

    call: Call
    moved: tuple[Moved | None, ...] | str

    @property
    def kinds(self) -> tuple[Kind | None, ...]:
        """What is done in each weight, where all its heads are alike."""
        every = self.moved if not isinstance(self.moved, str) else ()
        return tuple(one.kind if one else None for one in every)


def answer(target: Target) -> dict[str, Any] | None:
    """Return what is told of a function, as fields of an `Identification`; None: it permutes no rows."""
    given = weight_permutations.roles(target.function)
    if given is None:
        return None
    function = copied(target.function)
    asked = [
        Asked(call, weight_permutations.ask(function, call))
        for call in weight_permutations.calls(given)
    ]
    moves = [one for each in asked if not isinstance(each.moved, str) for one in each.moved]
    if not any(one and one.rows != tuple(range(len(one.rows))) for one in moves):
        return None
    words = _words(asked)
    wrong = [] if words or not _NAME.search(_name(target)) else _mistakes(target, asked)
    first = asked[0].call
    return {
        "follows": words is not None,
        "convention": None,
        "permutation": words,
        "call": f"f({first.shown()})",
        "findings": tuple(wrong),
        "message": ROWS if words else None if wrong else _unknown(asked),
        "evidence": (Told(field="rows", says=words, because=NUMBERED),) if words else (),
        "untried": untried_arguments(
            target.function, [f"{name}=x" if name else "x" for name, _ in given], ()
        ),
        "advice": () if words or wrong else (NEXT,),
    }


def _unknown(asked: list[Asked]) -> str:
    """Return what is seen of one that follows no permutation that is known."""
    raised = next((each for each in asked if isinstance(each.moved, str)), None)
    if raised is not None:
        return f"it permutes rows, and f({raised.call.shown()}) {raised.moved}"
    fewer = [
        each for each in asked if each.call.rows == (each.call.kv_heads,) != (each.call.heads,)
    ]
    idle = len(asked) == 3 and asked[0].kinds == asked[2].kinds and asked[0].kinds[0] is not None
    if idle and fewer:
        return f"right for q; told of {fewer[0].call.kv_heads} heads of k it permutes k as for {fewer[0].call.heads}"
    return "it permutes rows, and not as any conversion between halves and neighbours does"


def _name(target: Target) -> str:
    return getattr(target.function, "__name__", type(target.function).__name__)


def _words(asked: list[Asked]) -> str | None:
    """Return which permutation it is; None: it is none that is known, or not in each of the calls."""
    roles = [role for _, role in asked[0].call.roles]
    if "qkv" in roles:
        return _of_packed(asked[0])
    every = [kind for each in asked[:2] for kind in each.kinds]
    turning = [kind for kind in every if kind and kind[0] != STAYS]
    values = [
        kind
        for each in asked[:1]
        for kind, role in zip(each.kinds, _weights(each.call))
        if role == "v"
    ]
    same = len(set(turning)) == 1 and len(turning) + len(values) == len(every)
    came = not any(isinstance(each.moved, str) for each in asked[:2])
    if not (same and came and all(kind and kind[0] == STAYS for kind in values)):
        return _of_queries(asked, roles)
    return f"{_of_head(turning[0])} in each of {_heads(asked)}"


def _of_queries(asked: list[Asked], roles: list[str]) -> str | None:
    """Return the permutation of a function of q's weight alone, which is told of k's heads as well."""
    right = [each.kinds[0] for each in (asked[0], asked[-1]) if each.kinds]
    known = len(asked) > 1 and len(right) == 2 and right[0] == right[1]
    if "q" in roles and known and right[0] and right[0][0] != STAYS:
        return f"{_of_head(right[0])} in each of {asked[0].call.heads} heads of q"
    return None


def _of_packed(asked: Asked) -> str | None:
    """Return the permutation of q's and k's heads in a weight that holds v's too, wherever these lie."""
    moved = asked.moved[0] if not isinstance(asked.moved, str) else None
    kinds = moved.kinds() if moved else []
    turning = [kind for kind in kinds if kind and kind[0] != STAYS]
    values = sum(kind is not None and kind[0] == STAYS for kind in kinds)
    call = asked.call
    if (
        len(set(turning)) != 1
        or len(turning) != call.heads + call.kv_heads
        or values != call.kv_heads
    ):
        return None
    return f"{_of_head(turning[0])} in each of {call.heads} heads of q and {call.kv_heads} of k; v stays as it is"


def _of_head(kind: Kind) -> str:
    name, count, first = kind
    if count == WIDTH:
        return name
    return f"{name} in the {'last' if first else 'first'} {count} of {WIDTH} rows"


def _heads(asked: list[Asked]) -> str:
    call, last = asked[0].call, asked[-1].call
    weights = _weights(call)
    if len(weights) > 1:
        return f"{call.heads} heads of q and {call.kv_heads} of k{'; v stays as it is' * ('v' in weights)}"
    return (
        f"{call.heads} heads of q and {last.kv_heads} of k"
        if len(asked) > 1
        else f"{call.rows[0]} heads"
    )


def _weights(call: Call) -> list[str]:
    return [role for _, role in call.roles if role in (*weight_permutations.SLOTS, "qkv", "w")]


def _mistakes(target: Target, asked: list[Asked]) -> list[Remark]:
    """Return what is beyond doubt: rows that are lost, and k's heads that are permuted otherwise than q's."""
    for each in asked:
        for at, one in enumerate(each.moved if not isinstance(each.moved, str) else ()):
            if one and not one.complete:
                return _settled(
                    target, each, at, remark("rows-lost", _lost(one), _seen(each)), None
                )
    found = _of_fewer_heads(asked)
    if found is None:
        return []
    each, at, words = found
    return _settled(
        target, each, at, remark("rows-across-heads", words, _seen(each)), asked[0].kinds[0]
    )


def _seen(asked: Asked) -> str:
    call = asked.call
    return f"f({call.shown()}), weights of {' and '.join(map(str, call.rows))} heads of {WIDTH} rows: {NUMBERED}"


def _lost(moved: Moved) -> str:
    lost = sorted(set(range(len(moved.rows))) - set(moved.rows))
    shown = ", ".join(map(str, lost[:SHOWN_ROWS])) + (", ..." if len(lost) > SHOWN_ROWS else "")
    return f"loses {len(lost)} of {len(moved.rows)} rows, and takes others twice: {shown}"


def _of_fewer_heads(asked: list[Asked]) -> tuple[Asked, int, str] | None:
    """Return the call in which k is permuted otherwise than q, k's place, and what is wrong, if q's is known."""
    queries = asked[0].kinds[0] if asked[0].kinds else None
    if queries is None or queries[0] == STAYS:
        return None
    weights = _weights(asked[0].call)
    if "k" in weights[1:]:
        each, at = asked[0], weights.index("k")
    # it is no function of q alone, either
    elif len(asked) == 3 and asked[2].kinds != asked[0].kinds:
        each, at = asked[1], 0
    else:
        return None
    moved = each.moved[at] if not isinstance(each.moved, str) else None
    if moved is None or (moved.kind is not None and moved.kind[0] == STAYS):
        return None
    return each, at, _across(moved, queries)


def _across(moved: Moved, queries: Kind) -> str:
    heads = f"of {moved.heads} heads"
    if moved.kind is not None:
        return f"permutes k from {moved.kind[0]}, and q from {queries[0]}"
    leaving = sum(row // WIDTH != at // WIDTH for at, row in enumerate(moved.rows))
    why = f", as if it had {moved.as_for}" if moved.as_for else ""
    if not leaving:
        return f"permutes a k {heads} otherwise than q{why}"
    return f"moves rows of a k {heads} into other heads{why}: {leaving} of {len(moved.rows)} rows"


def _settled(target: Target, asked: Asked, at: int, one: Remark, kind: Kind | None) -> list[Remark]:
    """Return a mistake that is shown; `kind`: how each head should be permuted, where that is known."""
    told = doubt.settled(
        one, [], _demonstration(target, asked, at, kind), written=":" in target.specification
    )
    return [told]


def _demonstration(target: Target, asked: Asked, at: int, kind: Kind | None) -> str | None:
    """Return Python that shows which rows arrive in a head, or in the whole weight where some are lost."""
    call, weights, moved = asked.call, _weights(asked.call), asked.moved[at]
    if isinstance(moved, str) or moved is None:
        return None
    result = f"torch.as_tensor(returned{f'[{at}]' if len(weights) > 1 else ''})"
    value = [
        f"came = {result}[:, 0].sort().values[:{WIDTH}]  # the first of the rows that arrive",
        f"right = torch.arange({WIDTH}.0)  # each of them once",
    ]
    if kind is not None:
        right = weight_permutations.permuted(kind)
        heads = [moved.rows[first : first + WIDTH] for first in range(0, len(moved.rows), WIDTH)]
        head = next(
            at for at, rows in enumerate(heads) if rows != tuple(at * WIDTH + row for row in right)
        )
        value = [
            f"came = {result}[{head * WIDTH}:{head * WIDTH + WIDTH}, 0]  # what arrives in head {head} of k",
            f"right = torch.tensor({[head * WIDTH + row for row in right]}).float()",
        ]
    to = ".numpy()" if weight_permutations.takes_arrays(target.function) else ""
    made = [
        f"{role} = torch.arange({heads * WIDTH}.0)[:, None].repeat(1, {weight_permutations.COLUMNS}){to}"
        f"  # {heads} heads of {WIDTH} rows; each row holds its number"
        for role, heads in zip(weights, call.rows)
    ]
    call_line = f"returned = f({call.shown({role: role for role in weights})})"
    source = doubt.source_of(target)
    code = [*source.lines, "", *made, call_line, *value, *demonstration.PRINT]
    return demonstration.shown(source, "\n".join(code))
