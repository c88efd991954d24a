"""The answer for a function that permutes rows of q's and k's projections: how, or why not."""

import re
from dataclasses import dataclass
from typing import Any

from rotcheck.identify.calling.untried_arguments import untried_arguments
from rotcheck.identify.permuting.permutation_snippet import snippet
from rotcheck.identify.permuting.row_moves import HEAD_DIM, STAYS, Kind, RowMoves
from rotcheck.identify.permuting.weight_calls import WeightCall, permute, roles_of, weight_calls
from rotcheck.identify.remarks import remark, settle
from rotcheck.implementations.instances import copy_of
from rotcheck.implementations.target import Target
from rotcheck.results import FieldEvidence, Remark

PERMUTES_ROWS = "it permutes the rows of a checkpoint's weights, and rotates nothing"
EVIDENCE = "weights with different elements everywhere: where each row arrives"
NEXT = "convert a small checkpoint, and hold its logits against those of the original"
SHOWN_ROWS = 6
# it means to permute rows
_NAME = re.compile(r"permut|rotary|rope|interleav|neox|reorder", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WeightTrial:
    """A call and what became of each weight, or in words why nothing came back."""

    call: WeightCall
    result: tuple[RowMoves | None, ...] | str

    @property
    def moves(self) -> tuple[RowMoves | None, ...]:
        """What became of each weight; empty: nothing came back."""
        return self.result if not isinstance(self.result, str) else ()

    @property
    def kinds(self) -> tuple[Kind | None, ...]:
        """What is done in each weight, if all its heads are alike."""
        return tuple(moves.kind if moves else None for moves in self.moves)


def answer(target: Target) -> dict[str, Any] | None:
    """What is said of a function, as fields of an `Identification`; None: it permutes no rows."""
    roles = roles_of(target.function)
    if roles is None:
        return None
    function = copy_of(target.function)
    trials = [WeightTrial(call, permute(function, call)) for call in weight_calls(roles)]
    moves = [moves for trial in trials for moves in trial.moves if moves]
    if all(weight.rows == tuple(range(len(weight.rows))) for weight in moves):
        return None
    permutation = permutation_words(trials)
    mistakes = [] if permutation or not _NAME.search(_name(target)) else _mistakes(target, trials)
    arguments = [f"{name}=x" if name else "x" for name, _ in roles]
    return {
        "follows": permutation is not None,
        "convention": None,
        "permutation": permutation,
        "call": f"f({trials[0].call.code()})",
        "findings": tuple(mistakes),
        "message": PERMUTES_ROWS if permutation else None if mistakes else _why_unknown(trials),
        "evidence": (FieldEvidence(field="rows", says=permutation, because=EVIDENCE),)
        if permutation
        else (),
        "untried": untried_arguments(target.function, arguments, ()),
        "advice": () if permutation or mistakes else (NEXT,),
    }


def _why_unknown(trials: list[WeightTrial]) -> str:
    """What is seen of a function that follows no permutation that is known."""
    for trial in trials:
        if isinstance(trial.result, str):
            return f"it permutes rows, and f({trial.call.code()}) {trial.result}"
    fewer = [
        trial.call
        for trial in trials
        if trial.call.rows == (trial.call.kv_heads,) != (trial.call.heads,)
    ]
    idle = len(trials) == 3 and trials[0].kinds == trials[2].kinds and trials[0].kinds[0]
    if idle and fewer:
        call = fewer[0]
        return f"right for q; given {call.kv_heads} heads of k it permutes k as for {call.heads}"
    return "it permutes rows, and not as any conversion between halves and neighbours does"


def _name(target: Target) -> str:
    return getattr(target.function, "__name__", type(target.function).__name__)


def permutation_words(trials: list[WeightTrial]) -> str | None:
    """Which permutation it is; None: it is none that is known, or not in each of the calls."""
    first = trials[0]
    roles = [role for _, role in first.call.roles]
    if "qkv" in roles:
        return _of_packed(first)
    kinds = [kind for trial in trials[:2] for kind in trial.kinds]
    moving = [kind for kind in kinds if kind and kind[0] != STAYS]
    values = [kind for kind, role in zip(first.kinds, first.call.weight_roles) if role == "v"]
    alike = len(set(moving)) == 1 and len(moving) + len(values) == len(kinds)
    ran = not any(isinstance(trial.result, str) for trial in trials[:2])
    if not (alike and ran and all(kind and kind[0] == STAYS for kind in values)):
        return _of_queries(trials, roles)
    return f"{_of_head(moving[0])} in each of {_heads(trials)}"


def _of_queries(trials: list[WeightTrial], roles: list[str]) -> str | None:
    """The permutation of a function of q's weight alone, which is told of k's heads as well."""
    right = [trial.kinds[0] for trial in (trials[0], trials[-1]) if trial.kinds]
    alike = len(trials) > 1 and len(right) == 2 and right[0] == right[1]
    if "q" in roles and alike and right[0] and right[0][0] != STAYS:
        return f"{_of_head(right[0])} in each of {trials[0].call.heads} heads of q"
    return None


def _of_packed(trial: WeightTrial) -> str | None:
    """The permutation of q's and k's heads in a weight that holds v's too, wherever these lie."""
    moves = trial.moves[0] if trial.moves else None
    kinds = moves.kinds() if moves else []
    moving = [kind for kind in kinds if kind and kind[0] != STAYS]
    values = sum(kind is not None and kind[0] == STAYS for kind in kinds)
    heads, kv_heads = trial.call.heads, trial.call.kv_heads
    if len(set(moving)) != 1 or len(moving) != heads + kv_heads or values != kv_heads:
        return None
    return (
        f"{_of_head(moving[0])} in each of {heads} heads of q and {kv_heads} of k; v stays as it is"
    )


def _of_head(kind: Kind) -> str:
    name, count, first = kind
    if count == HEAD_DIM:
        return name
    return f"{name} in the {'last' if first else 'first'} {count} of {HEAD_DIM} rows"


def _heads(trials: list[WeightTrial]) -> str:
    call, last = trials[0].call, trials[-1].call
    if len(call.weight_roles) > 1:
        v = "; v stays as it is" if "v" in call.weight_roles else ""
        return f"{call.heads} heads of q and {call.kv_heads} of k{v}"
    if len(trials) > 1:
        return f"{call.heads} heads of q and {last.kv_heads} of k"
    return f"{call.rows[0]} heads"


def _mistakes(target: Target, trials: list[WeightTrial]) -> list[Remark]:
    """What is beyond doubt: rows that are lost, k's heads permuted otherwise than q's."""
    for trial in trials:
        for at, moves in enumerate(trial.moves):
            if moves and not moves.complete:
                finding = remark("rows-lost", _lost_rows(moves), _evidence(trial.call))
                return [_settle(target, trial, at, finding, None)]
    fault = _of_fewer_heads(trials)
    if fault is None:
        return []
    trial, at, message = fault
    across = remark("rows-across-heads", message, _evidence(trial.call))
    return [_settle(target, trial, at, across, trials[0].kinds[0])]


def _evidence(call: WeightCall) -> str:
    heads = " and ".join(map(str, call.rows))
    return f"f({call.code()}), weights of {heads} heads of {HEAD_DIM} rows: {EVIDENCE}"


def _lost_rows(moves: RowMoves) -> str:
    rows = sorted(set(range(len(moves.rows))) - set(moves.rows))
    numbers = ", ".join(map(str, rows[:SHOWN_ROWS])) + (", ..." if len(rows) > SHOWN_ROWS else "")
    return f"loses {len(rows)} of {len(moves.rows)} rows, and takes others twice: {numbers}"


def _of_fewer_heads(trials: list[WeightTrial]) -> tuple[WeightTrial, int, str] | None:
    """The call in which k is permuted otherwise than q, k's place, and what is wrong."""
    queries = trials[0].kinds[0] if trials[0].kinds else None
    if queries is None or queries[0] == STAYS:
        return None
    roles = trials[0].call.weight_roles
    if "k" in roles[1:]:
        trial, at = trials[0], roles.index("k")
    # it is no function of q alone, either
    elif len(trials) == 3 and trials[2].kinds != trials[0].kinds:
        trial, at = trials[1], 0
    else:
        return None
    moves = trial.moves[at] if trial.moves else None
    if moves is None or (moves.kind is not None and moves.kind[0] == STAYS):
        return None
    return trial, at, _across_heads(moves, queries)


def _across_heads(moves: RowMoves, queries: Kind) -> str:
    if moves.kind is not None:
        return f"permutes k from {moves.kind[0]}, and q from {queries[0]}"
    heads = f"of {moves.heads} heads"
    leaving = sum(row // HEAD_DIM != at // HEAD_DIM for at, row in enumerate(moves.rows))
    why = f", as if it had {moves.fitting_heads}" if moves.fitting_heads else ""
    if not leaving:
        return f"permutes a k {heads} differently from q{why}"
    return f"moves rows of a k {heads} into other heads{why}: {leaving} of {len(moves.rows)} rows"


def _settle(
    target: Target, trial: WeightTrial, at: int, finding: Remark, kind: Kind | None
) -> Remark:
    """A mistake that is shown; `kind`: how each head should be permuted, if that is known."""
    moves = trial.moves[at] if trial.moves else None
    code = snippet(target, trial.call, moves, at, kind) if moves else None
    return settle(finding, [], code, runs_anywhere=":" in target.specification)
