"""Python that shows which rows arrive in a head, or in the whole weight if some are lost."""

from rotcheck.identify.permuting.row_moves import HEAD_DIM, Kind, RowMoves, permutation
from rotcheck.identify.permuting.weight_calls import COLUMNS, WeightCall, takes_arrays
from rotcheck.identify.showing.function_source import source_of
from rotcheck.implementations.target import Target


def snippet(
    target: Target, call: WeightCall, moves: RowMoves, at: int, kind: Kind | None
) -> str | None:
    """The call with numbered rows, and the rows that arrive beside those that are right.

    `at`: the place of the weight. `kind`: how each head should be permuted, if that is known.
    """
    roles = call.weight_roles
    result = f"torch.as_tensor(returned{f'[{at}]' if len(roles) > 1 else ''})"
    to = ".numpy()" if takes_arrays(target.function) else ""
    weights = [
        f"{role} = torch.arange({heads * HEAD_DIM}.0)[:, None].repeat(1, {COLUMNS}){to}"
        f"  # {heads} heads of {HEAD_DIM} rows; each row holds its number"
        for role, heads in zip(roles, call.rows)
    ]
    code = [
        *weights,
        f"returned = f({call.code({role: role for role in roles})})",
        *(_of_lost_rows(result) if kind is None else _of_head(result, moves, kind)),
    ]
    return source_of(target).show(code)


def _of_lost_rows(result: str) -> list[str]:
    return [
        f"came = {result}[:, 0].sort().values[:{HEAD_DIM}]  # the first of the rows that arrive",
        f"right = torch.arange({HEAD_DIM}.0)  # each of them once",
    ]


def _of_head(result: str, moves: RowMoves, kind: Kind) -> list[str]:
    """The first head of k whose rows are not those that are right."""
    right = permutation(kind)
    firsts = range(0, len(moves.rows), HEAD_DIM)
    first = next(
        at for at in firsts if moves.rows[at : at + HEAD_DIM] != tuple(at + row for row in right)
    )
    head = f"head {first // HEAD_DIM} of k"
    return [
        f"came = {result}[{first}:{first + HEAD_DIM}, 0]  # what arrives in {head}",
        f"right = torch.tensor({[first + row for row in right]}).float()",
    ]
