"""Is one tensor another one, turned? Which lanes form pairs, and by which angles they turn."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rotcheck.convention import OutputLanes, Pairing
from rotcheck.convention.pairings import written_order
from rotcheck.rotary.frequencies import wrap
from rotcheck.witness.blank_rows import BlankRows, blank_rows, blanks

LOOSE = 0.02  # relative: bfloat16 tables leave so much of a pair's norm
STILL = 1e-4  # radians: two angles of float32 values that are nearer are one
OUTSTANDING = 10  # times the error of the norms: the largest angle of a row
MOST_ROWS = 0.9  # of them; the others may turn further by chance, v and a prefix may stand still
SAME_ANGLE = 0.05  # radians
SAME_PART = 0.1  # of the largest angle
EXACT_NORM = 1e-4  # relative: what float32 leaves of a pair's norm
SAMPLE = 32  # rows that are looked at first
FEW = 2  # rows by which most forms are ruled out
FLAT_BLOCKS = 256  # heads that lie side by side in the last axis, at most


@dataclass(frozen=True, slots=True)
class TurnForm:
    """Which lanes of a tensor form pairs, and where these are written.

    `start`: the first lane that turns; `width`: the lanes of a block; `blocks`: how many blocks lie
    side by side, each paired for itself.
    """

    pairing: Pairing
    output_lanes: OutputLanes
    start: int
    width: int
    blocks: int

    @property
    def lanes(self) -> int:
        """How many lanes turn."""
        return self.width * self.blocks

    @property
    def region(self) -> slice:
        """The lanes that turn."""
        return slice(self.start, self.start + self.lanes)

    def pairs(self, x: Tensor) -> Tensor:
        """The pairs (..., P) of a tensor (..., D) that goes in, as complex numbers in float64."""
        return pairs_of(real_lanes(x)[..., self.region], self.pairing, self.blocks)

    def written_pairs(self, x: Tensor) -> Tensor:
        """The pairs (..., P) of a tensor (..., D) that came out, as complex numbers in float64."""
        order = written_order(self.output_lanes, self.pairing)
        return pairs_of(real_lanes(x)[..., self.region], order, self.blocks)


@dataclass(frozen=True, slots=True)
class Turn(TurnForm):
    """How a tensor came back turned.

    `error`: the worst departure of a pair's norm from `amplitude` times the norm that went in,
    relative to that. `weights`: the squared length of each pair, which tells how exact its angle
    is. `blank`: rows of which nothing is left; the angles are those of the others.
    """

    amplitude: float
    error: float
    angles: Tensor  # (..., blocks * width / 2), float64, in (-pi, pi]
    weights: Tensor  # of the same shape
    blank: BlankRows | None = None


def find_turn(before: Tensor, after: Tensor) -> Turn | None:
    """Find out how `after` is `before` with its pairs of lanes turned; None: it is not.

    A tensor that did not change, one that was multiplied, and one whose pairs all turn by the same
    angle everywhere (`rotate_half` turns by 90 degrees) is not a turned one.

    Args:
        before: what went into a call, (..., D), floating or complex.
        after: what came out, of the same shape.
    """
    if before.shape != after.shape or before.dim() < 2:
        return None
    before, after = real_lanes(before), real_lanes(after)  # (..., D) float64
    if before.shape[-1] < 2 or not before.numel():
        return None
    if not bool(torch.isfinite(before).all() & torch.isfinite(after).all()):
        return None
    changes = (before != after).flatten(0, -2).any(0).nonzero().flatten()  # lanes that changed
    if len(changes) < 2:
        return None
    blank = blank_rows(before[..., changes], after[..., changes])
    if blank is not None:
        turn = find_turn(blank.rest(before), blank.rest(after))
        return turn and _with_blank(turn, blank, before, after)
    if not _keeps_energy(before, after, changes):
        return None
    first, last = int(changes[0]), int(changes[-1])
    few = [x.reshape(-1, x.shape[-1])[:FEW] for x in (before, after)]  # (FEW, D) each
    for form in _forms(first, last, before.shape[-1]):
        if measure_turn(form, *few).error > 3 * LOOSE:  # their amplitude is a little off
            continue
        turn = _turn_of(form, before, after)
        if turn is not None and _is_rotation(turn):
            return turn
    return None


def may_turn(before: Tensor, after: Tensor) -> bool:
    """Whether some rows of a tensor have the lengths that they had before, and other values: a
    quick look at what `find_turn` looks at in full."""
    if before.shape != after.shape or before.dim() < 2 or before.is_complex() != after.is_complex():
        return False
    width = before.shape[-1]
    rows = torch.linspace(0, before.numel() // width - 1, SAMPLE).long()
    x, y = (real_lanes(z.reshape(-1, width)[rows.to(z.device)]) for z in (before, after))
    changes = (x != y).any(0)  # (D,)
    x, y = x[:, changes], y[:, changes]
    if not x.numel():
        return False
    rest = ~blanks(x, y)  # (SAMPLE,)
    lengths, lengths_after = x[rest].norm(dim=-1), y[rest].norm(dim=-1)
    factor = lengths_after.sum() / lengths.sum().clamp_min(1e-30)
    near = (lengths_after - factor * lengths).abs() <= 2 * LOOSE * lengths
    return bool(rest.any()) and bool(near.all())


def real_lanes(x: Tensor) -> Tensor:
    """A tensor's values in float64; of a complex one the two parts of each number side by side."""
    x = x.detach()
    return (
        (torch.view_as_real(x.resolve_conj()).flatten(-2) if x.is_complex() else x).cpu().double()
    )


def _keeps_energy(before: Tensor, after: Tensor, changes: Tensor) -> bool:
    """Whether the lanes that changed have the same length as before, up to one factor."""
    lengths = before[..., changes].norm(dim=-1), after[..., changes].norm(dim=-1)  # (...) each
    if not bool((lengths[0] > 0).any()):
        return False
    factor = float(lengths[1].sum() / lengths[0].sum())
    rest = (lengths[1] - factor * lengths[0]).abs()  # (...)
    return bool((rest <= 2 * LOOSE * factor * lengths[0]).all())


def _forms(first: int, last: int, lanes: int) -> Iterator[TurnForm]:
    """Yield what the lanes that changed, from `first` to `last`, allow; the usual forms first."""
    regions = list(dict.fromkeys(_regions(first, last, lanes)))
    orders: list[tuple[Pairing, OutputLanes]] = [
        ("half", "same"), ("interleaved", "same"), ("interleaved", "de-interleaved"),
        ("half", "interleaved"),
    ]  # fmt: skip
    for pairing, output_lanes in orders:
        for start, width in regions:
            yield TurnForm(pairing, output_lanes, start, width, 1)
    for start, width in regions:
        for blocks in range(2, min(width // 4, FLAT_BLOCKS) + 1):
            if width % (2 * blocks) == 0:
                yield TurnForm("half", "same", start, width // blocks, blocks)
                yield TurnForm("interleaved", "de-interleaved", start, width // blocks, blocks)


def _regions(first: int, last: int, lanes: int) -> Iterator[tuple[int, int]]:
    """Yield the first lane and the number of lanes that may turn, usual parts of a head first.

    Slow pairs may stand still as far as the dtype tells, so more lanes may turn than changed.
    """
    for part in (lanes // 4, lanes // 2, 3 * lanes // 4, lanes):
        if part % 2 == 0 and part:
            for start in (0, lanes - part):
                if start <= first and last < start + part:
                    yield start, part
    even = first - first % 2
    for start in dict.fromkeys((0, even, first)):
        for width in range(last + 1 - start, lanes - start + 1):
            if width % 2 == 0:
                yield start, width


def measure_turn(form: TurnForm, before: Tensor, after: Tensor) -> Turn:
    """How `after` is `before`, turned in a given form; `error` tells how well the form fits.

    Args:
        form: the pairing and the lanes: those of a turn that was found before.
        before: what went into a call, (..., D), floating or complex.
        after: what came out, of the same shape.
    """
    x, y = form.pairs(before), form.written_pairs(after)  # (..., P) each
    lengths, lengths_after = x.abs(), y.abs()
    amplitude = float(lengths_after.sum() / lengths.sum())
    off = (lengths_after - amplitude * lengths).abs() / (amplitude * lengths).clamp_min(1e-30)
    error = float(off.max())
    amplitude = 1.0 if abs(amplitude - 1) < max(error, 1e-5) else amplitude
    angles = torch.angle(y * x.conj())  # (..., P)
    form_fields = (form.pairing, form.output_lanes, form.start, form.width, form.blocks)
    return Turn(*form_fields, amplitude, error, angles, lengths.square())


def _with_blank(turn: Turn, blank: BlankRows, before: Tensor, after: Tensor) -> Turn:
    """The turn of the other rows, with the angles of all; those of the blank ones count nothing."""
    whole = measure_turn(turn, before, after)
    angles, weights = blank.fill(whole.angles, 0), blank.fill(whole.weights, 0)
    return replace(turn, angles=angles, weights=weights, blank=blank)


def _turn_of(form: TurnForm, before: Tensor, after: Tensor) -> Turn | None:
    turn = measure_turn(form, before, after)
    return None if turn.amplitude < 1e-3 or turn.error > LOOSE else turn


def _in_blocks(turn: Turn) -> Turn:
    """The same turn, as of the smallest blocks that turn alike: heads side by side, whose
    neighbours are paired as in one wide head."""
    pairs = turn.angles.shape[-1]
    if turn.pairing != "interleaved" or turn.output_lanes != "same" or turn.blocks > 1:
        return turn
    for blocks in range(pairs // 2, 1, -1):
        if pairs % blocks == 0:
            heads = turn.angles.reshape(
                *turn.angles.shape[:-1], blocks, -1
            )  # (..., blocks, P / blocks)
            if bool(wrap(heads - heads[..., :1, :]).abs().max() <= STILL):
                return replace(turn, width=turn.width // blocks, blocks=blocks)
    return turn


def pairs_of(lanes: Tensor, pairing: str, blocks: int) -> Tensor:
    """Pairs of lanes (..., blocks * W) as complex numbers (..., blocks * W / 2)."""
    parts = lanes.reshape(*lanes.shape[:-1], blocks, lanes.shape[-1] // blocks)  # (..., blocks, W)
    if pairing == "half":
        a, b = parts.chunk(2, -1)  # (..., blocks, W / 2) each
    else:
        a, b = parts[..., ::2], parts[..., 1::2]  # (..., blocks, W / 2) each
    return torch.complex(a.contiguous(), b.contiguous()).flatten(-2)


def _is_rotation(turn: Turn) -> bool:
    """Whether angles are those of places, and no by-product of what was added."""
    if not _stands_out(turn) or not _angles_differ(turn.angles):
        return False
    return turn.error < EXACT_NORM or repeats(turn)


def _stands_out(turn: Turn) -> bool:
    """Whether the largest angle of most rows that turn is far larger than what the norms are off: a
    layer that adds a little to what went in changes both by as much."""
    rows = turn.angles.abs().amax(-1).flatten()
    usual = rows.kthvalue(math.ceil(MOST_ROWS * len(rows))).values
    return float(usual) > OUTSTANDING * turn.error


def repeats(turn: Turn) -> bool:
    """Whether angles (..., P) are the same along some axis: they depend on places, not values.

    Pairs of zeros, as a ReLU leaves them, have no angle.
    """
    angles, shows = turn.angles, turn.weights > 0
    axes = [axis for axis, size in enumerate(angles.shape[:-1]) if size > 1]
    most = min(SAME_ANGLE, SAME_PART * float(angles.abs().max()))
    differences = (wrap(angles - _of_first(angles, shows, axis))[shows].abs() for axis in axes)
    return len(axes) < 2 or any(float(difference.max()) < most for difference in differences)


def _of_first(angles: Tensor, shows: Tensor, axis: int) -> Tensor:
    """The first angle along an axis that shows, with one place there."""
    return angles.gather(axis, shows.int().argmax(axis, keepdim=True))


def _angles_differ(angles: Tensor) -> bool:
    """Whether not every place turns alike."""
    first = angles.flatten(0, -2)[:1]  # (1, P)
    return bool(wrap(angles.flatten(0, -2) - first).abs().max() > STILL)
