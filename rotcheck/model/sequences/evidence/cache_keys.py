"""Are the keys that a cache gives to the attention those of the pass over the whole sequence?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from rotcheck.model.sequences.evidence.row_difference import tokens_in_words
from rotcheck.model.turned_values import MOST, share
from rotcheck.rotary.frequencies import wrap
from rotcheck.witness.attention import AttentionCall
from rotcheck.witness.call_record import CallRecord, TensorTurn
from rotcheck.witness.turning import LOOSE, find_turn, measure_turn, real_lanes

ROUNDED_KEYS = 10  # so much of `tolerance`, of their length: layers before add their rounding
EQUAL = 1e-4  # relative: two values that are nearer are one


@dataclass(frozen=True, slots=True)
class KeyDifference:
    """Keys of earlier tokens that are not those of the whole pass.

    `rotation`: what a rotation has to do with it, in words; empty: nothing.
    """

    owner: str
    tokens: tuple[int, ...]
    rotation: str

    @property
    def words(self) -> str:
        """Which keys enter the attention, and how."""
        where = f"the attention of {self.owner}" if self.owner else "the attention"
        return f"{where} gets k of {tokens_in_words(self.tokens)} {self.rotation}"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The keys of one attention in a step, and of the same tokens in the whole pass."""

    owner: str
    k: Tensor  # (..., L, D)
    truth: Tensor  # (..., L, D)


def key_pairs(step: Sequence[AttentionCall], whole: Sequence[AttentionCall]) -> list[KeyPair]:
    """Pair the keys of a step with those of the whole pass; empty: they do not fit each other."""
    if len(step) != len(whole):
        return []
    pairs = []
    for call, reference in zip(step, whole):
        length = min(call.k.shape[-2], reference.k.shape[-2])  # a cache may have rows to spare
        k, truth = call.k[..., :length, :], reference.k[..., :length, :]
        if k.shape == truth.shape:
            pairs.append(KeyPair(call.owner, k, truth))
    return pairs


def key_difference(
    pairs: Iterable[KeyPair], records: Iterable[CallRecord], tolerance: float
) -> KeyDifference | None:
    """Find the first attention whose keys differ from those of the whole pass.

    Args:
        pairs: the keys of each attention.
        records: the calls that turned tensors in the whole pass.
        tolerance: radians: angles that are nearer are the same.
    """
    turns = [turn for record in records for turn in record.turns]
    for pair in pairs:
        k, truth = pair.k, pair.truth
        off = (k - truth).norm(dim=-1) / truth.norm(dim=-1).clamp_min(1e-30)  # (..., L)
        tokens = (off.flatten(0, -2).amax(0) > ROUNDED_KEYS * tolerance).nonzero().flatten()
        if len(tokens):
            words = _explain(k[..., tokens, :], truth[..., tokens, :], turns, tolerance)
            return KeyDifference(pair.owner, tuple(tokens.tolist()), words)
    return None


def _explain(k: Tensor, truth: Tensor, turns: Sequence[TensorTurn], tolerance: float) -> str:
    """What a rotation has to do with the difference of keys (..., n, D); empty: nothing."""
    if any(_stands_in(k, turn.before) for turn in turns):
        return "as they were before the rotation"
    forms = [turn.turn for turn in turns if turn.before.shape[-1] == k.shape[-1]]
    fits = [measure_turn(form, truth, k) for form in forms if not k.is_complex()]
    if any(turn.error < LOOSE and _is_even(turn.angles, tolerance) for turn in fits):
        return "turned by other angles than in the whole pass"
    if find_turn(truth, k) is not None:
        return "turned by other angles than in the whole pass"
    return ""


def _is_even(angles: Tensor, tolerance: float) -> bool:
    """Whether the angles (..., n, P) are one set for all heads."""
    rows = angles.reshape(-1, *angles.shape[-2:])  # (X, n, P)
    return float(wrap(rows - rows[:1]).abs().max()) <= ROUNDED_KEYS * tolerance


def _stands_in(k: Tensor, x: Tensor) -> bool:
    """Whether the values of k are among those of another tensor."""
    values = real_lanes(x).flatten().sort().values
    return share(values, real_lanes(k).flatten(), EQUAL) >= MOST
