"""What entered the attention, held against what came out of the rotations before it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.witness.attention import AttentionCall
from rotcheck.witness.call_record import CallRecord, TensorTurn

MOST_VALUES = 64  # that are looked for
SAME = 2e-6  # relative: two values that differ by less are one
MOST = 0.95  # of the values looked for must be there


@dataclass(frozen=True, slots=True)
class AttentionInputs:
    """One attention, and what became of the tensors that were turned before it.

    `q`, `k`, `v`: "turned", "unturned" (the tensor as it was before the rotation), "twice" (turned
    by two calls one after the other), or "other": none of these, or nothing was turned before it.
    """

    call: AttentionCall
    q: str
    k: str
    v: str
    records: tuple[CallRecord, ...]  # the rotations since the attention before

    @property
    def finding(self) -> tuple[str, str]:
        """The code and the words of what is wrong; empty: nothing is."""
        where = f"the attention of {self.call.owner}" if self.call.owner else "the attention"
        slots = {"q": self.q, "k": self.k, "v": self.v}
        for name in ("q", "k", "v"):
            if slots[name] == "twice":
                return (
                    "rotated-twice",
                    f"{where} gets a {name} that was turned by two calls in a row",
                )
        if self.v == "turned":
            return "rotates-v", f"{where} gets a v that was turned like q and k"
        for name, partner in (("q", "k"), ("k", "q")):
            if slots[name] == "unturned":
                also = f", and {partner} turned" if slots[partner] == "turned" else ""
                words = f"{where} gets {name} as it was before the rotation{also}"
                return "copy-dropped", words
        return "", ""

    @property
    def words(self) -> str:
        """What entered, in words."""
        if self.q == self.k == "turned":
            return "q and k as they came from the rotation, v not turned"
        return f"q {_WORDS[self.q]}, k {_WORDS[self.k]}, v {_WORDS[self.v]}"


_WORDS = {
    "turned": "turned",
    "unturned": "as before the rotation",
    "twice": "turned twice",
    "other": "not turned, or not recognised",
}


def attention_inputs(
    calls: Sequence[CallRecord], attention: Sequence[AttentionCall]
) -> list[AttentionInputs]:
    """Hold what entered each attention against the rotations since the one before it."""
    inputs: list[AttentionInputs] = []
    last = 0
    for entry in attention:
        records = [call for call in calls if last < call.order < entry.order]
        last = entry.order
        slots = (entry.q, entry.k, entry.v)
        q, k, v = (_origin(slot, records) for slot in slots)
        inputs.append(AttentionInputs(entry, q, k, v, tuple(records)))
    return inputs


def _origin(slot: Tensor | None, records: Sequence[CallRecord]) -> str:
    """Where the values of a slot come from."""
    if slot is None:
        return "other"
    values = _sorted_values(slot)
    turns = [turn for record in records for turn in record.turns]
    for index, turn in reversed(list(enumerate(turns))):
        if _holds(values, turn.after, turn):
            again = any(_feeds(earlier, turn) for earlier in turns[:index])
            return "twice" if again else "turned"
    for turn in turns:
        if _holds(values, turn.before, turn):
            return "unturned"
    return "other"


def enters(slot: Tensor, turn: TensorTurn) -> bool:
    """Whether what an attention got holds a tensor that was turned."""
    return _holds(_sorted_values(slot), turn.after, turn)


def _sorted_values(slot: Tensor) -> Tensor:
    slot = torch.view_as_real(slot) if slot.is_complex() else slot
    return slot.detach().flatten().double().cpu().sort().values


def _holds(values: Tensor, x: Tensor, turn: TensorTurn) -> bool:
    """Whether sorted values hold those of the lanes of a tensor which the rotation changed; all of
    them may have been multiplied by one factor, that of the scores."""
    values_of_turn = _changed_values(x, turn)
    if not len(values_of_turn):
        return False
    width = x.shape[-1]
    factors = (1.0, width**-0.5, width**-0.25)
    return any(_share(values, values_of_turn * factor) >= MOST for factor in factors)


def _changed_values(x: Tensor, turn: TensorTurn) -> Tensor:
    """Some of a tensor's values, of elements which the rotation changed."""
    before, after, x = (
        torch.view_as_real(y) if y.is_complex() else y for y in (turn.before, turn.after, x)
    )
    values = x.detach()[(before != after) & (x != 0)].double().cpu()
    step = max(1, len(values) // MOST_VALUES)
    return values[::step]


def _share(values: Tensor, values_of_turn: Tensor) -> float:
    """Which share of the values values_of_turn is there."""
    at = torch.searchsorted(values, values_of_turn).clamp(1, len(values) - 1)
    off = torch.minimum(
        (values[at] - values_of_turn).abs(), (values[at - 1] - values_of_turn).abs()
    )
    return float((off <= SAME * values_of_turn.abs()).double().mean())


def _feeds(earlier: TensorTurn, later: TensorTurn) -> bool:
    """Whether what came out of one rotation went into another one, which turned the same lanes."""
    first, second = earlier.turn, later.turn
    overlap = min(first.start + first.lanes, second.start + second.lanes) - max(
        first.start, second.start
    )
    if overlap <= 0 or earlier.after.is_complex() != later.before.is_complex():
        return False
    region = slice(max(first.start, second.start), max(first.start, second.start) + overlap)
    values_of_turn = _changed_values(earlier.after, earlier)
    if earlier.after.is_complex():
        return _share(_sorted_values(later.before), values_of_turn) >= MOST
    return _share(_sorted_values(later.before[..., region]), values_of_turn) >= MOST


def summary_of(inputs: Iterable[AttentionInputs]) -> str:
    """What entered several attentions, each way once."""
    return "; ".join(dict.fromkeys(entry.words for entry in inputs))
