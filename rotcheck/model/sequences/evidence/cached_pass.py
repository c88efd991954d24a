"""Tokens that are handed to a model part by part, with a cache, held against one pass over them."""

from collections.abc import Sequence

from rotcheck.model.sequences.evidence.cache_keys import key_difference, key_pairs
from rotcheck.model.sequences.evidence.outcome_words import output_note, same_angle
from rotcheck.model.sequences.evidence.row_difference import RowDifference, row_difference
from rotcheck.model.sequences.evidence.static_cache import cached_call
from rotcheck.model.sequences.evidence.token_angles import chain_steps, row_angles
from rotcheck.model.sequences.evidence.token_call import TokenPass
from rotcheck.model.sequences.way import WayOutcome, WaySubject


def cached_pass(subject: WaySubject, way: str, starts: Sequence[int]) -> WayOutcome:
    """Hand a model one row of tokens in parts, and judge how each token turns.

    Args:
        subject: the model.
        way: the way in words.
        starts: the first token of each part; 0 is the first one.
    """
    call, cache_call = cached_call(subject)
    tokens = call.rows(cache_call.batch)
    whole = call.run(tokens)
    parts = tokens.tensor_split(list(starts[1:]), dim=1)
    steps = [cache_call.run(part) for part in parts]
    tolerance = same_angle(subject.dtype)
    row = row_angles(chain_steps([step.angles for step in steps]), 0)
    difference = row_difference(row, row_angles(whole.angles, 0), tolerance)
    if difference.tokens:
        words = difference.words + _hint(difference, starts)
        return WayOutcome(way, difference.error, "cache-positions", words)
    return _judge_keys(way, difference.error, whole, steps[-1], tolerance)


def _hint(difference: RowDifference, starts: Sequence[int]) -> str:
    def without_cache(token: int) -> int:
        return token - max(start for start in starts if start <= token)

    return ": the cache's length is not added" if difference.follows(without_cache) else ""


def _judge_keys(
    way: str, error: float, whole: TokenPass, last: TokenPass, tolerance: float
) -> WayOutcome:
    """Hold the keys that the last part attends to, and what comes of it, against the whole pass."""
    pairs = key_pairs(last.attention, whole.attention)
    keys = key_difference(pairs, whole.calls, tolerance)
    if keys is not None and keys.rotation:
        return WayOutcome(way, error, "cache-keys", keys.words)
    words = output_note(last.output[:, -1:], whole.output[:, -1:])
    if words and (keys is not None or not pairs):
        return WayOutcome(way, error, message=f"each token is turned as in the whole pass; {words}")
    return WayOutcome(way, error, note=words or None)
