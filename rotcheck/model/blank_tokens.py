"""Tokens of which a rotation leaves nothing: attention looks at them all the same, or they are
padding, which it does not see."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from rotcheck.model.attention_inputs import AttentionInputs
from rotcheck.model.forward_pass import ForwardPass
from rotcheck.model.judged_call import JudgedCall
from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.witness.blank_rows import NOT_KNOWN_PADDING, BlankRows
from rotcheck.witness.call_record import CallRecord, tensors_in

CODE = "blank-tokens"


def judge_blank_tokens(
    calls: Sequence[JudgedCall], inputs: Sequence[AttentionInputs], forward: ForwardPass
) -> list[JudgedCall]:
    """The calls, and of those that leave nothing of some tokens whether that is wrong.

    Args:
        calls: that turn tensors.
        inputs: what entered each attention.
        forward: the pass in which they were made.
    """
    names = _names(calls, inputs)

    def judge(turn: JudgedTurn) -> JudgedTurn:
        blank = turn.tensor.turn.blank
        if blank is None or turn.finding or turn.doubt:
            return turn
        is_hidden = _is_hidden(turn, blank, inputs, forward)
        words = f"{names[turn.call.name]} of {_count(blank, inputs, forward)} become {blank.result}"
        words += ", since cos and sin are both 0 there" * _has_blank_table(blank, turn.call)
        if is_hidden is None:
            return replace(turn, doubt=f"{words}: {NOT_KNOWN_PADDING}")
        message = f"{words}, and attention ignores what they held"
        return turn if is_hidden else replace(turn, finding=CODE, message=message)

    return [replace(call, turns=tuple(map(judge, call.turns))) for call in calls]


def _names(calls: Sequence[JudgedCall], inputs: Sequence[AttentionInputs]) -> dict[str, str]:
    """Of each function what it blanks: as what attention takes it, else its argument."""
    names: dict[str, dict[str, None]] = {}
    for call in calls:
        for turn in call.turns:
            if turn.tensor.turn.blank is not None:
                roles = [
                    slot.name
                    for entry in inputs
                    for slot in (entry.q, entry.k, entry.v)
                    if slot.turn is turn.tensor
                ]
                of_function = names.setdefault(call.record.name, {})
                of_function |= dict.fromkeys(roles or [turn.tensor.name])
    return {function: " and ".join(roles) for function, roles in names.items()}


def _count(blank: BlankRows, inputs: Sequence[AttentionInputs], forward: ForwardPass) -> str:
    """How many of the tokens they are; of what else lies along their axis, where these are none."""
    lengths = {forward.length, *(entry.call.q.shape[-2] for entry in inputs)}
    is_sequence = any(blank.by_row(length) is not None for length in lengths)
    words = blank.words
    return words if is_sequence else words.replace("tokens", f"places along axis {blank.axes[0]}")


def _has_blank_table(blank: BlankRows, call: CallRecord) -> bool:
    """Whether a tensor that a call was handed is 0 in just the rows that become zeros."""
    if blank.value or len(blank.axes) > 1:
        return False
    tensors = (x for value in call.arguments.values() for _, x in tensors_in(value))
    return any(
        torch.equal((x == 0).movedim(axis, 0).flatten(1).all(1).cpu(), blank.mask)
        for x in tensors
        for axis, size in enumerate(x.shape)
        if size == len(blank.mask) and x.dim() > 1
    )


def _is_hidden(
    turn: JudgedTurn, blank: BlankRows, inputs: Sequence[AttentionInputs], forward: ForwardPass
) -> bool | None:
    """Whether no other token sees those that became blank; None: nobody knows."""
    positions = forward.positions
    if positions is not None and _are_ignored(blank, positions):
        return True
    answers = [
        _are_unseen(blank, entry.call.sees)
        for entry in inputs
        if any(slot.turn is turn.tensor for slot in (entry.q, entry.k, entry.v))
    ]
    if False in answers:
        return False
    return True if answers and None not in answers else None


def _are_ignored(blank: BlankRows, positions: Tensor) -> bool:
    """Whether a model is told by negative positions (S,) or (B, S) to ignore them."""
    mask = blank.by_row(positions.shape[-1])
    return (
        mask is not None and positions.dim() < 3 and not bool((mask & (positions.cpu() >= 0)).any())
    )


def _are_unseen(blank: BlankRows, sees: Tensor | None) -> bool | None:
    """Whether no query of another token looks at their keys; None: nobody knows."""
    if sees is None:
        return None
    mask = blank.by_row(sees.shape[-2])
    sees = sees if sees.dim() > 2 else sees[None]  # (B or 1, S, T)
    if mask is None or sees.shape[-1] < mask.shape[-1]:
        return None
    batch = max(len(mask), len(sees))
    rows = zip(mask.expand(batch, -1), sees[..., : mask.shape[-1]].expand(batch, -1, -1))
    answers = [_are_unseen_in_row(*row) for row in rows]
    return False if False in answers else None if None in answers else True


def _are_unseen_in_row(mask: Tensor, sees: Tensor) -> bool | None:
    """The same of one sequence: those of a mask (S,), by what each query sees, (S, S)."""
    if bool(sees[~mask][:, mask].any()):
        return False
    seers = (~mask).nonzero().flatten()
    last = int(seers[-1]) if len(seers) else len(mask)
    behind = mask.clone()
    behind[: last + 1] = False  # tokens that no query of another one could see
    return None if bool(sees.diagonal()[behind].any()) else True
