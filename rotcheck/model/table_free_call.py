"""A call that multiplied a tensor with cos and sin of its own and turned nothing: which mistake is
it? Much is multiplied with a sine and is no rotary code: what no known mistake explains exactly is
passed over."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.convention import Pairing
from rotcheck.identify.reading.computed_angles import read_computed_angles
from rotcheck.identify.reading.matrix_reading import MatrixReading
from rotcheck.measure import mistake_names
from rotcheck.model.idle_call import IdleCall
from rotcheck.model.lane_matrices import lane_matrices
from rotcheck.rotary.frequencies import wrap
from rotcheck.witness.call_record import CallRecord

SAME = 1e-5  # two elements of a matrix in float32
EXACT = 1e-4  # radians, and the lengths of pairs
FEWEST_ROWS = 4
MOST_ROWS = 1024
XPOS = "xpos"


@dataclass(frozen=True, slots=True)
class PairTerms:
    """What becomes of the pairs of lanes in each row, (S, P) each.

    The first lane is made of `ca` times itself and `sa` times the second; that of `cb` times
    itself and `sb` times the first.
    """

    pairing: Pairing
    ca: Tensor
    sa: Tensor
    cb: Tensor
    sb: Tensor

    @property
    def has_circles(self) -> bool:
        """Whether both lanes have the cos and sin of an angle."""
        return _is_circle(self.ca, self.sa) and _is_circle(self.cb, self.sb)

    @property
    def lane_angles(self) -> Tensor:
        """The angle of each lane, (S, 2 P), in the order of lanes."""
        a, b = torch.atan2(-self.sa, self.ca), torch.atan2(self.sb, self.cb)
        return (
            torch.cat((a, b), -1) if self.pairing == "half" else torch.stack((a, b), -1).flatten(1)
        )


def explain_table_free(call: CallRecord, length: int) -> IdleCall | None:
    """Measure what a call does to each lane; None: it is no rotary code as far as is known.

    Args:
        call: that multiplied some of its arguments with cos and sin which it was not handed.
        length: tokens of the sequence; 0: not known.
    """
    for name in call.lanes:
        whole = lane_matrices(call, name, call.arguments[name])
        rows = None if whole is None else _rows(whole, length)  # (S, D, D)
        reading = None if rows is None else _read(rows)
        if reading is not None:
            finding = "" if reading.problem in ("", XPOS) else reading.problem
            return IdleCall(call, name, finding, f"{name} {reading.words}")
    return None


def _rows(whole: Tensor, length: int) -> Tensor | None:
    """The matrices (S, D, D) of the rows, of the one axis along which they differ; None: there is
    not one."""
    sizes = whole.shape[:-2]
    axes = [
        axis
        for axis in range(len(sizes))
        if bool((whole - whole.narrow(axis, 0, 1)).abs().max() > SAME)
    ]
    axes = [axis for axis in axes if sizes[axis] == length] or axes
    if len(axes) > 1 and axes[0] == 0:  # the batch
        axes = axes[1:]
    if len(axes) != 1:
        return None
    rows = whole.movedim(axes[0], 0)[:MOST_ROWS]  # (S, ..., D, D)
    return rows.reshape(len(rows), -1, *whole.shape[-2:])[:, 0]


def _read(rows: Tensor) -> MatrixReading | None:
    """What rows (S, D, D) are, exactly: a known mistake, xPos or a rotation; None: neither."""
    width = rows.shape[-1]
    if len(rows) < FEWEST_ROWS or width < 4:
        return None
    if _is_cos_alone(rows):
        return MatrixReading().with_problem(*mistake_names.SIN_DROPPED)
    reading = read_computed_angles(rows)
    if reading.problem == XPOS or (not reading.problem and reading.angles is not None):
        words = (
            reading.words or "turns its pairs in a way that was not seen in the model's own call"
        )
        return MatrixReading(problem=reading.problem, words=words)
    terms = (pair_terms(rows, pairing) for pairing in ("half", "interleaved"))
    mistakes = (_mistake(term, reading) for term in terms if term)
    mistake = next((mistake for mistake in mistakes if mistake), None)
    return MatrixReading().with_problem(*mistake) if mistake else None


def pair_terms(rows: Tensor, pairing: Pairing) -> PairTerms | None:
    """The terms of pairs in matrices (S, D, D); None: lanes are mixed otherwise."""
    lanes = torch.arange(rows.shape[-1])
    if len(lanes) % 2:
        return None
    firsts, seconds = lanes.chunk(2) if pairing == "half" else (lanes[::2], lanes[1::2])
    rest = rows.clone()
    terms = []
    for result, source in ((firsts,) * 2, (firsts, seconds), (seconds,) * 2, (seconds, firsts)):
        terms.append(rows[:, result, source])  # (S, P)
        rest[:, result, source] = 0.0
    return None if bool(rest.abs().max() > SAME) else PairTerms(pairing, *terms)


def _mistake(terms: PairTerms, reading: MatrixReading) -> tuple[str, str] | None:
    """The mistake that these terms are, exactly."""
    moves = bool((terms.sa.abs() > EXACT).any())
    if not moves:
        return None
    alike = _are_same(terms.ca, terms.cb) and _are_same(terms.sa, terms.sb)
    if alike and terms.has_circles:
        return mistake_names.ONE_SIGN
    if terms.has_circles and _has_other_tables(terms):
        return mistake_names.OTHER_TABLES
    if reading.problem == mistake_names.ALIASING[0] and (
        _is_circle(terms.ca, terms.sa) or _is_circle(terms.cb, terms.sb)
    ):
        return mistake_names.ALIASING
    return None


def _has_other_tables(terms: PairTerms) -> bool:
    """Whether the angles of lanes repeat as those of the other pairing do, and not as its own."""
    angles = terms.lane_angles  # (S, D)
    repeats = {
        "half": angles.chunk(2, -1),
        "interleaved": (angles[:, ::2], angles[:, 1::2]),
    }
    first, second = repeats.pop(terms.pairing)
    (angle_sets,) = repeats.values()
    differs = bool(wrap(first - second).abs().max() > 10 * EXACT)
    return differs and bool(wrap(angle_sets[0] - angle_sets[1]).abs().max() <= EXACT)


def _is_cos_alone(rows: Tensor) -> bool:
    """Whether each lane is multiplied with cos of its position times a frequency of its pair, and
    nothing else: cos of the next row is twice cos of one step times cos, less that of the row
    before."""
    cos = rows.diagonal(dim1=1, dim2=2)  # (S, D)
    if bool((rows - torch.diag_embed(cos)).abs().max() > SAME) or rows.shape[-1] % 2:
        return False
    if bool((cos[0] - 1).abs().max() > EXACT):
        return False
    pairs = cos.chunk(2, -1), (cos[:, ::2], cos[:, 1::2])
    next_rows = 2 * cos[1] * cos[1:-1] - cos[:-2]  # (S - 2, D)
    follows = bool((cos[2:] - next_rows).abs().max() <= EXACT * len(cos))
    return follows and any(_are_same(first, second) for first, second in pairs)


def _is_circle(c: Tensor, s: Tensor) -> bool:
    return bool((torch.hypot(c, s) - 1).abs().max() <= EXACT)


def _are_same(first: Tensor, second: Tensor) -> bool:
    return bool((first - second).abs().max() <= SAME)
