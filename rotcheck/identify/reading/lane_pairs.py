"""From the matrices of a response to what the function does with a pair of lanes, exactly or not at all."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rotcheck.convention import OutputLanes, Pairing, pairs
from rotcheck.identify.reading.matrix_reading import MatrixReading
from rotcheck.identify.reading.mistake_matrices import explained
from rotcheck.identify.reading.response import TOLERANCE, Response

SMALL = 1e-6
# lanes that one is made of, as far as it is asked which entries of the tables they are
MOST_SOURCES = 4
POWER = 5e-6  # what float32 leaves of the log of a length
# cos and sin in bfloat16 are off by half of that of themselves at most; xPos scales by more
NARROW = 2**-8


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a matrix: the lane that it takes from, and the table's entry that it is."""

    lane: int
    kind: str  # "c", "s", "1" or "?"
    sign: int
    at: int  # lane of the table
    shift: int = 0


def read_tables(matrix: Tensor, response: Response) -> MatrixReading:
    """Read a matrix (S, D, D) made of known tables."""
    assert response.cos is not None, "tables were handed over"
    assert response.sin is not None, "tables were handed over"
    found = _read_tables(matrix, response.cos, response.sin)
    return (
        explained(matrix, response.cos, response.sin) or found
        if found.problem == "no-convention"
        else found
    )


def _read_tables(matrix: Tensor, cos: Tensor, sin: Tensor) -> MatrixReading:
    support = matrix.abs().amax(0) > TOLERANCE  # (D, D)
    if int(support.sum(-1).max()) > MOST_SOURCES:
        return MatrixReading(
            problem="no-convention", words="a lane is made of more than two others"
        )
    rows = _entries(matrix, cos, sin, support)
    if any(entry.kind == "?" for row in rows for entry in row):
        return MatrixReading(
            problem="no-convention", words="lanes hold what is neither cos nor sin of the table"
        )
    turning = [
        lane for lane, row in enumerate(rows) if [(e.lane, e.kind) for e in row] != [(lane, "1")]
    ]
    if not turning:
        return MatrixReading(problem="not-rotated", words="returns its input unrotated")
    kinds = {"".join(sorted(e.kind for e in rows[lane])) for lane in turning}
    if kinds == {"c"}:
        return MatrixReading(problem="imaginary-dropped", words="multiplies with cos and drops sin")
    if kinds != {"cs"}:
        return MatrixReading(
            problem="no-convention", words="a lane is not made of one cos and one sin"
        )
    return _of_turns({lane: rows[lane] for lane in turning}, cos.shape[-1], len(rows))


def _entries(matrix: Tensor, cos: Tensor, sin: Tensor, support: Tensor) -> list[list[_Entry]]:
    """Return the entries of each lane that are not zero, which `support` (D, D) tells."""
    lanes, sources = support.nonzero().unbind(-1)  # (N,) each
    values = matrix[:, lanes, sources]  # (S, N)
    size, signs = values.abs(), torch.sign(values)
    best, column = size.new_full(lanes.shape, torch.inf), torch.zeros_like(lanes)
    kind, shifted = ["?"] * len(lanes), torch.zeros_like(lanes)
    for shift in (0, 1, -1):
        for name, table in (("c", cos.abs()), ("s", sin.abs())):
            moved = table.roll(-shift, 0)
            # rows that do not wrap around
            inner = slice(max(0, -shift), len(table) - max(0, shift))
            # (N,) each
            nearest, at = (size[inner, :, None] - moved[inner, None]).abs().amax(0).min(-1)
            better = (nearest < best) & (nearest < TOLERANCE)
            best, column = torch.where(better, nearest, best), torch.where(better, at, column)
            shifted = torch.where(better, shift, shifted)
            kind = [name if one else known for one, known in zip(better.tolist(), kind)]
    ones = ((size - 1).abs().amax(0) < TOLERANCE).tolist()
    steady = (signs == signs[0]).all(0).tolist()
    rows: list[list[_Entry]] = [[] for _ in range(len(support))]
    for number, (lane, source) in enumerate(zip(lanes.tolist(), sources.tolist())):
        known = "?" if not steady[number] else "1" if ones[number] else kind[number]
        values_of = (int(one[number]) for one in (signs[0], column, shifted))
        rows[lane].append(_Entry(source, known, *values_of))
    return rows


def _of_turns(rows: dict[int, list[_Entry]], width: int, lanes: int) -> MatrixReading:
    """Read lanes of which each is one cos and one sin entry."""
    cosines = {lane: next(e for e in row if e.kind == "c") for lane, row in rows.items()}
    sines = {lane: next(e for e in row if e.kind == "s") for lane, row in rows.items()}
    swapped = any(e.sign < 0 for e in cosines.values()) and all(e.sign > 0 for e in sines.values())
    if swapped:
        cosines, sines = sines, cosines
    if any(e.sign < 0 for e in cosines.values()):
        return MatrixReading(
            problem="no-convention",
            words="the cos of some lanes has a minus sign",
            sin_first=swapped,
        )
    shifts = {e.shift for e in (*cosines.values(), *sines.values())}
    found = paired(
        {lane: e.lane for lane, e in cosines.items()},
        {lane: (e.lane, e.sign) for lane, e in sines.items()},
        lanes,
    )
    if found.problem:
        return found
    if found.blocks > 1:
        words = f"rotates halves within each of {found.blocks} blocks of lanes, as RoPE2D does, by tables handed in"
        return replace(found, pairing=None, problem="no-convention", words=words)
    if shifts != {0}:
        shift = next(iter(shifts - {0}))
        whose = "next row's angle" if shift > 0 else "angle of the row before it"
        words = f"rotates each row with the {whose}"
        return _with(found, swapped, problem="shifted", shift=shift, words=words)
    taken = {lane: (cosines[lane].at, sines[lane].at) for lane in rows}
    return _of_columns(found, taken, width, swapped)


def _of_columns(
    found: MatrixReading, taken: dict[int, tuple[int, int]], width: int, swapped: bool
) -> MatrixReading:
    """Add how the table's lanes have to be laid out for the pairs to turn by one angle each."""
    pair_of = _pair_numbers(found)
    half = found.rotary_dim // 2
    if width == half:
        right = all(cos == sin == pair_of[lane] for lane, (cos, sin) in taken.items())
        return _with(found, swapped) if right else _columns_wrong(found, swapped)
    orders: dict[Pairing, int] = {"half": 0, "interleaved": 0}
    for lane, columns in taken.items():
        orders["half"] += {column % (width // 2) for column in columns} == {pair_of[lane]}
        orders["interleaved"] += {column // 2 for column in columns} == {pair_of[lane]}
    fitting: list[Pairing] = [order for order, count in orders.items() if count == len(taken)]
    if not fitting:
        return _columns_wrong(found, swapped)
    order = found.pairing if found.pairing in fitting else fitting[0]
    return _with(found, swapped, table_lanes=order, unread=_unread(taken, width))


def _unread(taken: dict[int, tuple[int, int]], width: int) -> str:
    """Return which half of the columns of full-width tables no lane takes cos or sin from."""
    read = {column for columns in taken.values() for column in columns}
    halves = {"first half": range(width // 2), "second half": range(width // 2, width)}
    return next((half for half, columns in halves.items() if not read & set(columns)), "")


def _columns_wrong(found: MatrixReading, swapped: bool) -> MatrixReading:
    words = "rotates one pairing's lanes with tables laid out for the other"
    return _with(found, swapped, problem="pairing-of-tables", words=words)


def _with(found: MatrixReading, swapped: bool, **changes: object) -> MatrixReading:
    return replace(found, sin_first=swapped, **changes)  # type: ignore[arg-type]


def _pair_numbers(found: MatrixReading) -> dict[int, int]:
    """Return which pair each lane of the result belongs to."""
    order: Pairing = "half" if _in_halves(found) else "interleaved"
    laid = pairs(torch.arange(found.rotary_dim), order, found.blocks)  # (P, 2)
    return {lane: pair for pair, both in enumerate(laid.tolist()) for lane in both}


def _in_halves(found: MatrixReading) -> bool:
    """Return whether the pairs of the result lie in halves."""
    return found.output_lanes == "de-interleaved" or (
        found.pairing == "half" and found.output_lanes == "same"
    )


def paired(own: dict[int, int], partner: dict[int, tuple[int, int]], lanes: int) -> MatrixReading:
    """Return pairing, direction and output lanes of lanes that are each `own` cos plus sign times `partner` sin."""
    turning = sorted(own)
    rotary_dim = len(turning)
    if turning != list(range(rotary_dim)) or rotary_dim % 2:
        words = f"lanes {turning[0]} to {turning[-1]} of {lanes} rotate, {rotary_dim} in all: not the first ones"
        return MatrixReading(rotary_dim=rotary_dim, problem="no-convention", words=words)
    half = rotary_dim // 2
    deinterleaved = {lane: 2 * lane if lane < half else 2 * (lane - half) + 1 for lane in turning}
    interleaved = {lane: lane // 2 + half * (lane % 2) for lane in turning}
    outputs: OutputLanes
    if all(own[lane] == lane for lane in turning):
        outputs, source = "same", {lane: lane for lane in turning}
    elif own == deinterleaved:
        outputs, source = "de-interleaved", deinterleaved
    elif own == interleaved:
        outputs, source = "interleaved", interleaved
    else:
        return MatrixReading(
            rotary_dim=rotary_dim,
            problem="no-convention",
            words="writes its lanes in an order of its own",
        )
    pairing: Pairing
    if all(partner[lane][0] == (source[lane] + half) % rotary_dim for lane in turning):
        pairing, first = "half", [lane for lane in turning if source[lane] < half]
    elif all(partner[lane][0] == source[lane] ^ 1 for lane in turning):
        pairing, first = "interleaved", [lane for lane in turning if source[lane] % 2 == 0]
    else:
        return _in_blocks(source, partner) or MatrixReading(
            rotary_dim=rotary_dim, problem="no-convention", words=_strange(source, partner)
        )
    return _directed(pairing, outputs, rotary_dim, partner, first)


def _in_blocks(source: dict[int, int], partner: dict[int, tuple[int, int]]) -> MatrixReading | None:
    """Read halves within each of several blocks of lanes, as RoPE2D of an image's two coordinates has them."""
    for blocks in (2, 3, 4):
        width = len(source) // blocks
        if len(source) % blocks or width % 2 or any(source[lane] != lane for lane in source):
            continue
        across = {lane: lane // width * width + (lane + width // 2) % width for lane in source}
        if all(partner[lane][0] == across[lane] for lane in source):
            first = [lane for lane in source if lane % width < width // 2]
            return replace(_directed("half", "same", len(source), partner, first), blocks=blocks)
    return None


def _directed(
    pairing: Pairing,
    outputs: OutputLanes,
    rotary_dim: int,
    partner: dict[int, tuple[int, int]],
    first: list[int],
) -> MatrixReading:
    firsts = {partner[lane][1] for lane in first}
    seconds = {partner[lane][1] for lane in partner if lane not in first}
    whole = {"pairing": pairing, "output_lanes": outputs, "rotary_dim": rotary_dim}
    if firsts == {-1} and seconds == {1}:
        return MatrixReading(direction=1, **whole)  # type: ignore[arg-type]
    if firsts == {1} and seconds == {-1}:
        return MatrixReading(direction=-1, **whole)  # type: ignore[arg-type]
    words = "adds sin times the other lane to both lanes of a pair: no rotation"
    return MatrixReading(direction=1, problem="one-sign", words=words, **whole)  # type: ignore[arg-type]


def _strange(source: dict[int, int], partner: dict[int, tuple[int, int]]) -> str:
    shown = ", ".join(f"{source[lane]} with {partner[lane][0]}" for lane in sorted(source)[:4])
    return f"pairs lanes in an order of its own: {shown}, ..."


def read_positions(matrix: Tensor) -> MatrixReading:
    """Read a matrix (S, D, D) of a function that computes its angles itself, row 0 at the first position.

    `angles` of the result (S, P) are those of the pairs at each row, as far as 2 pi goes.
    """
    size = matrix.abs()
    support = size.amax(0) > SMALL  # (D, D)
    lanes = len(support)
    if not bool(torch.isfinite(matrix).all()):
        return MatrixReading(problem="not-finite", words="returns NaN or infinite elements")
    own = {lane: int(size[0, lane].argmax()) for lane in range(lanes)}
    moved = sorted(own.values()) == list(range(lanes)) and bool(
        (size[0].amax(1) - 1).abs().max() < 1e-3
    )
    if not moved:  # the first row turns already: nothing tells where lanes are written
        own = {lane: lane for lane in range(lanes)}
    others = {
        lane: [i for i in support[lane].nonzero().flatten().tolist() if i != own[lane]]
        for lane in own
    }
    still = {
        lane
        for lane in own
        if not others[lane]
        and own[lane] == lane
        and bool((matrix[:, lane, lane] - 1).abs().amax() < SMALL)
    }
    turning = [lane for lane in range(lanes) if lane not in still]
    if not turning:
        return MatrixReading(problem="not-rotated", words="returns its input unrotated")
    if any(len(others[lane]) > 1 for lane in turning):
        return MatrixReading(
            problem="no-convention", words="a lane is made of more than two others"
        )
    if not any(others[lane] for lane in turning):
        if bool((matrix[0].diagonal()[turning] - 1).abs().max() < 1e-3):  # cos of position 0
            return MatrixReading(
                problem="imaginary-dropped", words="multiplies with cos and drops sin"
            )
        return MatrixReading(problem="no-convention", words="scales its lanes and turns none")
    return _of_own_angles(matrix, own, others, turning)


def _of_own_angles(
    matrix: Tensor, own: dict[int, int], others: dict[int, list[int]], turning: list[int]
) -> MatrixReading:
    gaps = {abs(others[lane][0] - own[lane]) for lane in turning if others[lane]}
    # pairs that stand still are pairs all the same, where others behind them turn
    if len(gaps) == 1:
        gap = next(iter(gaps))
        turning = list(
            range(
                2 * gap
                if gap > 1 and max(turning) < 2 * gap
                else max(turning) + 1 + (max(turning) + 1) % 2
            )
        )
    guessed = _partners({lane: others[lane] for lane in turning}, own)
    partner = {lane: others[lane][0] if others[lane] else guessed[lane] for lane in turning}
    signs = _signs(matrix, partner, turning)
    signed = {lane: (partner[lane], signs[lane]) for lane in turning}
    found = paired({lane: own[lane] for lane in turning}, signed, matrix.shape[-1])
    return found if found.pairing is None else _measured(matrix, found, own)


def _partners(others: dict[int, list[int]], own: dict[int, int]) -> dict[int, int]:
    """Guess the partner of lanes that do not turn in these rows from those that do."""
    halves = max((abs(others[lane][0] - own[lane]) for lane in others if others[lane]), default=0)
    if halves > 1:
        return {
            lane: own[lane] + halves if own[lane] < halves else own[lane] - halves
            for lane in others
        }
    return {lane: own[lane] ^ 1 for lane in others}


def _signs(matrix: Tensor, partner: dict[int, int], turning: list[int]) -> dict[int, int]:
    """Return with which sign each partner comes, as the slowest lanes that turn have it.

    A fast pair may pass pi between two rows; slow ones do not. All pairs turn alike, which `_measured` holds.
    """
    columns = {lane: matrix[:, lane, partner[lane]] for lane in turning}
    slow = sorted((float(column[1:].abs().max()), lane) for lane, column in columns.items())
    slow = [(size, lane) for size, lane in slow if size > SMALL]
    if not slow:
        return dict.fromkeys(turning, 1)
    lane = slow[0][1]
    sign = int(torch.sign(columns[lane][1:][columns[lane][1:].abs().argmax()]))
    other = partner[lane]
    ahead = sign if lane < other else -sign  # of the lane that lies in front
    across = (
        int(torch.sign(columns[other][1:][columns[other][1:].abs().argmax()]))
        if other in columns
        else -sign
    )
    if across == sign:  # no rotation: both lanes of the pair have the same sign
        return dict.fromkeys(turning, sign)
    return {lane: ahead if lane < partner[lane] else -ahead for lane in turning}


def _measured(matrix: Tensor, found: MatrixReading, own: dict[int, int]) -> MatrixReading:
    """Add the angles of all rows and the amplitude; say so when the pairs are no rotations."""
    order: Pairing = "half" if _in_halves(found) else "interleaved"
    laid = pairs(torch.arange(found.rotary_dim), order, found.blocks)  # (P, 2)
    first, second = (lane.tolist() for lane in laid.unbind(-1))
    a, b = [own[lane] for lane in first], [own[lane] for lane in second]
    ca, sa = matrix[:, first, a], -matrix[:, first, b]  # (S, P) each
    cb, sb = matrix[:, second, b], matrix[:, second, a]
    norm = torch.hypot((ca + cb) / 2, (sa + sb) / 2)
    angles = torch.atan2(sa + sb, ca + cb)
    if bool(((ca - cb).abs() + (sa - sb).abs()).max() > TOLERANCE):
        return _no_rotation(replace(found, angles=angles), ca, cb, sa, sb)
    amplitude = float(norm.mean())
    if TOLERANCE < float((norm - amplitude).abs().max()) < NARROW:
        words = "has cos and sin rounded to less than float32: the lengths of its pairs are off"
        return replace(found, angles=angles, problem="low-precision", words=words)
    if bool((norm - amplitude).abs().max() > TOLERANCE):
        if _as_xpos(norm):
            words = (
                "scales each pair by a power of the position as well as turning it, as xPos does"
            )
            return replace(found, angles=angles, problem="xpos", words=words)
        words = "scales the pairs by the position as well as turning them"
        return replace(found, angles=angles, problem="scaled", words=words)
    return replace(
        found, angles=angles, amplitude=amplitude if abs(amplitude - 1) > TOLERANCE else 1.0
    )


def _as_xpos(norm: Tensor) -> bool:
    """Return whether lengths (S, P) grow by a factor a row, another one for each pair. Source: arXiv 2212.10554."""
    steps = norm.log().diff(dim=0)  # (S - 1, P)
    even = bool((steps - steps.mean(0)).abs().max() < POWER)
    return even and bool((steps[0] - steps[0, 0]).abs().max() > POWER)


def _no_rotation(
    found: MatrixReading, ca: Tensor, cb: Tensor, sa: Tensor, sb: Tensor
) -> MatrixReading:
    if bool((ca - cb).abs().max() < TOLERANCE) and bool((sa + sb).abs().max() < TOLERANCE):
        words = "adds sin times the other lane to both lanes of a pair: no rotation"
        return replace(found, problem="one-sign", words=words)
    if bool((sa - sb).abs().max() < TOLERANCE * 10) and bool(
        (cb - (ca - sa * sa)).abs().max() < TOLERANCE * 10
    ):
        return replace(
            found, problem="aliasing", words="uses the first half's new values to make the second"
        )
    if bool((sb - sa * ca).abs().max() < TOLERANCE * 10):
        return replace(
            found, problem="aliasing", words="uses the first half's new values to make the second"
        )
    return replace(
        found, problem="pairing-of-tables", words="the two lanes of a pair turn by different angles"
    )
