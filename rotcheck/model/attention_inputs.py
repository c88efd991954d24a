"""What entered the attention, held against what came out of the rotations before it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import torch

from rotcheck.model.graph_paths import derives_from
from rotcheck.model.turned_values import TurnValues, feeds, region_start
from rotcheck.witness.attention import AttentionCall
from rotcheck.witness.call_record import CallRecord, TensorTurn


@dataclass(frozen=True, slots=True)
class AttentionInput:
    """One of q, k and v as it entered an attention.

    `state`: "turned", "unturned" (the tensor as it was before the rotation), "twice" (turned by two
    calls one after the other), "inside" (the kernel of the attention turns it), "zeros" (and what
    was turned is lost), "plain" (nothing that was turned led to it), or "other": not recognised.
    `turn`: the rotation that it comes from.
    """

    name: str
    state: str
    turn: TensorTurn | None = None
    start: int | None = None  # the first lane of a head that turned
    is_cut: bool = False  # the gradient was cut after the rotation


@dataclass(frozen=True, slots=True)
class AttentionInputs:
    """One attention, and what became of the tensors that were turned before it."""

    call: AttentionCall
    q: AttentionInput
    k: AttentionInput
    v: AttentionInput
    records: tuple[CallRecord, ...]  # the rotations since the attention before

    @property
    def where(self) -> str:
        """Which attention it is."""
        return f"the attention of {self.call.owner}" if self.call.owner else "the attention"

    @property
    def finding(self) -> tuple[str, str]:
        """The code and the words of what is wrong; empty: nothing is."""
        for slot in (self.q, self.k, self.v):
            if slot.name in self.call.turns and slot.state in ("turned", "twice"):
                words = (
                    f"{self.where} turns {slot.name} itself, and gets one that was turned before"
                )
                return "rotated-twice", words
            if slot.state == "twice":
                return (
                    "rotated-twice",
                    f"{self.where} gets a {slot.name} that was turned by two calls in a row",
                )
        if self.v.state == "turned" and not self.is_meant:
            return "v-rotated", f"{self.where} gets a v that was turned like q and k"
        for slot, partner in ((self.q, self.k), (self.k, self.q)):
            if slot.state == "zeros":
                words = f"{self.where} gets zeros for {slot.name}, and what was turned is lost"
                return "copy-dropped", words
            if slot.state == "unturned":
                also = (
                    f", and {partner.name} turned" if partner.state in ("turned", "inside") else ""
                )
                words = f"{self.where} gets {slot.name} as it was before the rotation{also}"
                return "copy-dropped", words
            if slot.state == "plain" and partner.state in ("turned", "inside"):
                words = f"{self.where} gets {slot.name} without rotation, and {partner.name} turned"
                return "not-rotated", words
        return self._cut_off()

    @property
    def is_meant(self) -> bool:
        """Whether v turned in the call that turned q and k, as an argument of its own: some models
        do so by design."""
        turns = {id(slot.turn) for slot in (self.q, self.k, self.v)}
        return any(
            not record.inline  # where names are those of variables
            and len({turn.argument for turn in record.turns if id(turn) in turns}) == len("qkv")
            for record in self.records
        )

    @property
    def has_one_kv(self) -> bool:
        """Whether v is k, as in DeepSeek V4, which turns the result back."""
        k, v = self.call.k, self.call.v
        return k is not None and v is not None and k.shape == v.shape and torch.equal(k, v)

    def _cut_off(self) -> tuple[str, str]:
        for slot in (self.q, self.k):
            if slot.is_cut:
                words = f"{slot.name} is cut off from its gradient between its rotation and"
                return "no-gradient", f"{words} {self.where}"
        return "", ""

    @property
    def words(self) -> str:
        """What entered, in words."""
        if self.call.turns == "qk" and self.q.state == self.k.state == "inside":
            return "q and k turned by the kernel itself"
        if self.q.state == self.k.state == "turned" and self.v.state == "other":
            return "q and k turned once" + ", v not turned" * (self.call.v is not None)
        if self.q.state == self.k.state == self.v.state == "turned" and self.has_one_kv:
            return "q and k turned once, v is k"
        return ", ".join(f"{slot.name} {_WORDS[slot.state]}" for slot in (self.q, self.k, self.v))


_WORDS = {
    "turned": "turned",
    "unturned": "as before the rotation",
    "twice": "turned twice",
    "inside": "turned by the kernel",
    "zeros": "zeros",
    "plain": "not turned",
    "other": "not turned, or not recognised",
}


def attention_inputs(
    calls: Sequence[CallRecord],
    attention: Sequence[AttentionCall],
    idle: Sequence[CallRecord] = (),
) -> list[AttentionInputs]:
    """Hold what entered each attention against the rotations since the one before it.

    Args:
        calls: that turned tensors.
        attention: what entered each attention.
        idle: calls that were handed tables and turned nothing, as far as was understood.
    """
    inputs: list[AttentionInputs] = []
    last = 0
    for entry, following in zip_longest(attention, attention[1:]):
        records = tuple(_records_before(entry, last, calls, attention))
        doubts = any(last < call.order < entry.order for call in idle)
        turns = [TurnValues(turn) for record in records for turn in record.turns]
        q, k, v = (_input(entry, name, turns) for name in "qkv")
        entries = {id(slot.turn) for slot in (q, k, v)}
        rest = [turn.turn for turn in turns if id(turn.turn) not in entries]
        q, k = _lose(entry, q, rest), _lose(entry, k, rest)
        if not doubts:
            q, k = _trace(entry, q, k, calls, attention), _trace(entry, k, q, calls, attention)
        q, k = _of_kernel(entry, q), _of_kernel(entry, k)
        if q.state == k.state == "other" and _is_aside(entry, following, records, attention):
            records = ()  # these are not for this one
        else:
            last = entry.order
        inputs.append(AttentionInputs(entry, q, k, v, records))
    return inputs


def _records_before(
    entry: AttentionCall,
    last: int,
    calls: Sequence[CallRecord],
    attention: Sequence[AttentionCall],
) -> Iterator[CallRecord]:
    """Yield the calls that turned tensors since the attention before, or around this one."""
    for call in calls:
        around = [a.order for a in attention if call.first < a.order < call.order]
        if call.inline and around:
            if entry.order in around:
                yield call
        elif last < call.order < entry.order:
            yield call


def _is_aside(
    entry: AttentionCall,
    following: AttentionCall | None,
    records: Sequence[CallRecord],
    attention: Sequence[AttentionCall],
) -> bool:
    """Whether an attention has to do with no rotation: it makes the mask of the one that follows,
    or looks at tokens that nothing turns, as those of a text beside an image."""
    turns = [turn for record in records for turn in record.turns]
    if entry.v is None and following and following.owner == entry.owner:
        slots = following.q, following.k
        return any(TurnValues(turn).is_after_in(slot) for turn in turns for slot in slots)
    sources = [turn.node for turn in turns if turn.node is not None]
    is_turned = any(entry.k.shape[-2] in turn.after.shape[:-1] for turn in turns)
    return bool(sources) and not is_turned and not _derives(entry.nodes[1], sources, attention)


def _derives(node: Any, sources: Sequence[Any], attention: Sequence[AttentionCall]) -> bool:
    """Whether autograd's graph leads from a node to what was turned; True where there is none."""
    ends = [call.nodes[2] for call in attention if call.nodes[2] is not None]
    return node is None or derives_from(node, sources, ends)


def _input(entry: AttentionCall, name: str, turns: Sequence[TurnValues]) -> AttentionInput:
    """What became of one tensor on its way into an attention."""
    slot = getattr(entry, name)
    if slot is None:
        return AttentionInput(name, "other")
    for index, turn in reversed(list(enumerate(turns))):
        if turn.is_after_in(slot):
            twice = any(feeds(earlier.turn, turn.turn) for earlier in turns[:index])
            node = dict(zip("qk", entry.nodes)).get(name)
            is_cut = name != "v" and turn.turn.node is not None and node is None
            start = region_start(slot, turn.turn)
            return AttentionInput(name, "twice" if twice else "turned", turn.turn, start, is_cut)
    if any(turn.is_before_in(slot) for turn in turns):
        return AttentionInput(name, "unturned")
    return AttentionInput(name, "other")


def _of_kernel(entry: AttentionCall, slot: AttentionInput) -> AttentionInput:
    """The same; "inside" where it has yet to be turned, and the kernel does that."""
    turns = slot.name in entry.turns and slot.state not in ("turned", "twice")
    return AttentionInput(slot.name, "inside") if turns else slot


def _lose(
    entry: AttentionCall, slot: AttentionInput, turns: Sequence[TensorTurn]
) -> AttentionInput:
    """The same; "zeros" where it is all zeros, and something of its size was turned in vain."""
    x = getattr(entry, slot.name)
    if slot.state != "other" or bool(x.any()):
        return slot
    afters = [turn.after for turn in turns]
    fills = any(y.shape[-1] == x.shape[-1] and y.numel() == x.numel() for y in afters)
    return AttentionInput(slot.name, "zeros") if fills else slot


def _trace(
    entry: AttentionCall,
    slot: AttentionInput,
    partner: AttentionInput,
    calls: Sequence[CallRecord],
    attention: Sequence[AttentionCall],
) -> AttentionInput:
    """The same; "plain" where autograd's graph shows that nothing which was turned led to it."""
    node = entry.nodes["qk".index(slot.name)]
    if slot.state != "other" or partner.state != "turned" or node is None:
        return slot
    if not bool(getattr(entry, slot.name).any()):
        return slot  # zeros do not show whether they turned
    all_turns = [turn for call in calls for turn in call.turns]
    if all(getattr(entry, slot.name).shape[-2] not in turn.after.shape[:-1] for turn in all_turns):
        return slot  # tokens that nothing turns, as those of a text beside an image
    turns = [turn.node for turn in all_turns if turn.node is not None]
    if not turns or _derives(node, turns, attention):
        return slot
    return AttentionInput(slot.name, "plain")
