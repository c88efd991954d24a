"""The rotations that were witnessed, judged in the call that the model made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rotcheck.identify.reading.computed_angles import XPOS_WORDS, grows_as_xpos
from rotcheck.measure import mistake_names
from rotcheck.measure.judge import ROUNDING
from rotcheck.model.angle_mistakes import angle_mistake
from rotcheck.model.row_zeros import fit_values, rows_of_values
from rotcheck.model.turn_angles import NARROW, NARROW_ERROR, TurnAngles, turn_angles
from rotcheck.model.turn_fit import TurnFit, fit_rows
from rotcheck.rotary.recognition import TWICE
from rotcheck.rotary.schedules import Linear, Schedule
from rotcheck.witness.call_record import CallRecord, TensorTurn


@dataclass(frozen=True, slots=True)
class JudgedTurn:
    """One tensor of a call: by which angles its rows turn, and how exactly."""

    call: CallRecord
    tensor: TensorTurn
    angles: TurnAngles
    fit: TurnFit
    error: float  # units: the worst departure from the rotation by the angles that `fit` explains
    finding: str = ""
    message: str = ""
    doubt: str = ""  # why it is neither right nor wrong

    @property
    def frequencies(self) -> Tensor:
        """Radians a position, (P,), signed by the direction; empty where they are not known."""
        return self.fit.direction * self.fit.frequencies

    @property
    def words(self) -> str:
        """What the function does to the tensor."""
        turn = self.tensor.turn
        width = self.tensor.before.shape[-1] * (2 if self.tensor.before.is_complex() else 1)
        part = f"{turn.lanes} of " if turn.lanes != width else ""
        text = f"{turn.pairing}, {part}{width} lanes"
        text += f" in {turn.blocks} blocks" if turn.blocks > 1 else ""
        text += f", written {turn.output_lanes}" if turn.output_lanes != "same" else ""
        digits = 2 if self.tensor.before.dtype in NARROW else 4
        text += f", times {turn.amplitude:.{digits}g}" if turn.amplitude != 1 else ""
        return text + (", backwards" if self.fit.direction < 0 else "")


def judge_turn(
    call: CallRecord,
    tensor: TensorTurn,
    length: int,
    positions: Tensor | None,
    candidates: Sequence[Schedule] = (),
) -> JudgedTurn:
    """Judge one tensor that a call turned.

    Args:
        call: as it was witnessed.
        tensor: that came back turned.
        length: tokens of the sequence.
        positions: (S,) or (B, S), where they are known; None: 0, 1, 2, ...
        candidates: schedules to try beside the usual ones.
    """
    blank = tensor.turn.blank
    if blank is not None:
        rest = blank.length(length), blank.positions(positions, length)
        return replace(judge_turn(call, tensor.rest, *rest, candidates), tensor=tensor)
    angles = turn_angles(tensor.turn, tensor.before.dtype, length)
    width = tensor.turn.width
    values = rows_of_values(tensor.turn, angles.axis)

    def explain(rows: Tensor, places: Tensor | None) -> TurnFit:
        return fit_rows(rows, angles.noise, places, width, candidates)

    ways = list(_positions_of(angles.angles.shape[1], positions, length))
    fits = (explain(angles.angles, places) for places in ways)
    fit = next((fit for fit in fits if fit.kind != "none"), None)
    if fit is None and values is not None:
        fits = (fit_values(angles.angles, values, places, explain) for places in ways)
        fit = next((fit for fit in fits if fit.kind != "none"), None)
    if fit is None:
        finding, why = angle_mistake(angles.angles, angles.noise, ways[0], explain) or ("", "")
        fit = replace(explain(angles.angles, ways[0]), finding=finding, why=why)
    error = _error(tensor, angles, fit)
    if error > ROUNDING and grows_as_xpos(_lengths(tensor, angles.axis)):
        return JudgedTurn(call, tensor, angles, fit, error, doubt=f"{tensor.name}: {XPOS_WORDS}")
    finding, message = _mistake(tensor, angles, fit, error, length)
    if not finding and _is_twice(fit, candidates):
        finding, message = mistake_names.TWICE[0], f"{tensor.name} {mistake_names.TWICE[1]}"
    return JudgedTurn(call, tensor, angles, fit, error, finding, message)


def _lengths(tensor: TensorTurn, axis: int) -> Tensor:
    """By which factor the pairs of each row, (S, P), became longer."""
    turn = tensor.turn
    x, y = turn.pairs(tensor.before).abs(), turn.written_pairs(tensor.after).abs()  # (..., P) each
    rest = [side for side in range(x.dim() - 1) if side != axis]
    return y.sum(rest) / x.sum(rest) if rest else y / x


def _is_twice(fit: TurnFit, candidates: Sequence[Schedule]) -> bool:
    """Whether each pair turns by twice the angle of a plain schedule, which nobody asked for."""
    schedule = fit.schedule
    return isinstance(schedule, Linear) and schedule.factor == TWICE and schedule not in candidates


def _positions_of(rows: int, positions: Tensor | None, length: int) -> Iterator[Tensor | None]:
    """Yield which positions so many rows may have; None: 0, 1, 2, ..."""
    if positions is not None and positions.shape[-1] == rows:
        yield positions
    elif positions is not None and positions.dim() < 3 and rows % positions.numel() == 0:
        yield positions.reshape(-1).repeat(rows // positions.numel())
    else:
        yield None
        if rows > length > 1 and rows % length == 0:  # the rows of a batch, one after another
            yield torch.arange(length).repeat(rows // length)


def _error(tensor: TensorTurn, angles: TurnAngles, fit: TurnFit) -> float:
    """Units of rounding between what came back and the rotation by the angles that were found."""
    turn = tensor.turn
    x, y = turn.pairs(tensor.before), turn.written_pairs(tensor.after)  # (..., P) each
    right = _spread(fit.truth, angles, x)
    right_pairs = torch.polar(torch.full_like(right, turn.amplitude), right) * x
    if angles.still is not None:
        axis, places = angles.still
        index = torch.tensor(places)
        right_pairs.index_copy_(axis, index, x.index_select(axis, index))
    eps = torch.finfo(tensor.before.dtype).eps
    # a phase that was computed in float32 is off by so much itself
    step = turn.amplitude * (eps + torch.finfo(torch.float32).eps * right.abs())
    return float(((y - right_pairs).abs() / (step * x.abs()).clamp_min(1e-30)).max())


def _spread(rows: Tensor, angles: TurnAngles, like: Tensor) -> Tensor:
    """Angles (B or 1, S, P) on the axes of a tensor's pairs (..., P), of each block the same."""
    rows = rows.repeat(1, 1, like.shape[-1] // rows.shape[-1])
    shape = [1] * (like.dim() - 1) + [rows.shape[-1]]
    shape[angles.axis] = rows.shape[1]
    if rows.shape[0] > 1:
        shape[0] = rows.shape[0]
        order = rows if angles.axis > 0 else rows.transpose(0, 1)
        return order.reshape(shape).expand(like.shape)
    return rows[0].reshape(shape).expand(like.shape)


def _mistake(
    tensor: TensorTurn, angles: TurnAngles, fit: TurnFit, error: float, length: int
) -> tuple[str, str]:
    """The code and the words of what is wrong with a turn; empty: nothing is."""
    if angles.uneven is not None and tensor.before.shape[angles.axis] != length:
        return "", ""  # which axis is the sequence is not known
    if angles.uneven is not None:
        size = tensor.before.shape[angles.uneven]
        words = (
            f"the {size} parts of {tensor.name} along axis {angles.uneven} turn by different angles"
        )
        return "per-head", words
    if angles.aside and fit.kind != "grid":
        return _along_another_axis(tensor, angles, length)
    if fit.finding:
        return fit.finding, f"{tensor.name}: {fit.why}"
    if fit.kind == "rows" and error > ROUNDING:
        why = f": {fit.why}" if fit.why else ""
        words = f"{tensor.name} is {error:.3g} rounding steps off the rotation by its own angles"
        return "low-precision", words + why
    if tensor.turn.error > NARROW_ERROR and tensor.before.dtype not in NARROW:
        words = f"pairs of {tensor.name} are up to {tensor.turn.error:.1%} longer or shorter than before"
        return "low-precision", words
    return "", ""


def _along_another_axis(tensor: TensorTurn, angles: TurnAngles, length: int) -> tuple[str, str]:
    words = f"{tensor.name} turns along axis {angles.axis}, and not along the sequence"
    batch = 1 if tensor.before.shape[0] == length else 0
    is_batch = angles.axis == batch and tensor.before.dim() > 3
    return ("per-batch" if is_batch else "per-head"), words
