"""Decoders with one thing wrong about their positions or their cache, and others that are right."""

from typing import Any

import torch
from small_decoder import HEADS, WIDTH, CacheAttention, SmallDecoder, appended, turn
from torch import Tensor

Kept = tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]


class EachCallFromZero(SmallDecoder):
    """Wrong: the cache's length is not added."""

    def positions(self, tokens: Tensor, past: int, *_: Any) -> Tensor:
        return torch.arange(tokens.shape[1])[None]


class PartsFromZero(SmallDecoder):
    """Wrong: the cache's length is added to single tokens only."""

    def positions(self, tokens: Tensor, past: int, *_: Any) -> Tensor:
        length = tokens.shape[1]
        return torch.arange(length)[None] + (past if length == 1 else 0)


class OneLate(SmallDecoder):
    """Wrong: a token that follows stands where the last one stood."""

    def positions(self, tokens: Tensor, past: int, *_: Any) -> Tensor:
        return torch.arange(tokens.shape[1])[None] + max(past - 1, 0)


class AtTheEnd(SmallDecoder):
    """Wrong: each following token is turned as the last one that the cache may hold."""

    def positions(self, tokens: Tensor, past: int, *_: Any) -> Tensor:
        return torch.arange(tokens.shape[1])[None] + (31 if past else 0)


class CountsMaskAlongBatch(SmallDecoder):
    """Wrong: positions are counted along the wrong axis of the mask."""

    def positions(self, tokens: Tensor, past: int, mask: Tensor | None, *rest: Any) -> Tensor:
        if mask is None:
            return super().positions(tokens, past, mask, *rest)
        return mask.cumsum(0)[:, -tokens.shape[1] :] - 1


class CountsPadding(SmallDecoder):
    """Wrong: positions grow at padding, and stand still at tokens."""

    def positions(self, tokens: Tensor, past: int, mask: Tensor | None, *rest: Any) -> Tensor:
        if mask is None:
            return super().positions(tokens, past, mask, *rest)
        return (1 - mask).cumsum(1)[:, -tokens.shape[1] :] + torch.arange(tokens.shape[1]) // 2


class FromTheRight(SmallDecoder):
    """Wrong: positions are counted from the end of each row."""

    def positions(self, tokens: Tensor, past: int, mask: Tensor | None, *rest: Any) -> Tensor:
        if mask is None:
            return super().positions(tokens, past, mask, *rest)
        return mask.flip(1).cumsum(1).flip(1)[:, -tokens.shape[1] :] - 1


class CountsMaskInPrefillOnly(SmallDecoder):
    """Wrong: the prefill skips padding, the tokens that follow do not."""

    def positions(self, tokens: Tensor, past: int, mask: Tensor | None, *rest: Any) -> Tensor:
        if mask is None or past:
            return super().positions(tokens, past, mask, *rest)
        return (mask.cumsum(1) - 1).clamp_min(0)


class CountsMask(SmallDecoder):
    """Right: padding is skipped."""

    def positions(self, tokens: Tensor, past: int, mask: Tensor | None, *rest: Any) -> Tensor:
        if mask is None:
            return super().positions(tokens, past, mask, *rest)
        return (mask.cumsum(1) - 1).clamp_min(0)[:, -tokens.shape[1] :]


class StartsAtTwo(SmallDecoder):
    """Right: the first token of a row stands at position 2, in each call alike."""

    def positions(self, *arguments: Any) -> Tensor:
        return super().positions(*arguments) + 2


class IgnoresPositions(SmallDecoder):
    """Wrong: positions that are handed in are not used."""

    def positions(self, tokens: Tensor, past: int, *_: Any) -> Tensor:
        return torch.arange(past, past + tokens.shape[1])[None]


class ClampsPositions(SmallDecoder):
    """Wrong: positions may not fall along a row."""

    def positions(self, *arguments: Any) -> Tensor:
        return super().positions(*arguments).cummax(1).values


class KeepsUnturnedKeys(CacheAttention):
    """Wrong: the cache keeps k as it was before the rotation, and nothing turns it later."""

    def turn_and_keep(
        self, q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor, past: Any
    ) -> Kept:
        keys, values = appended(past, turn(k, cos, sin), v)
        return turn(q, cos, sin), keys, values, appended(past, k, v)


class TurnsKeysAgain(CacheAttention):
    """Wrong: keys that the cache holds are turned again with each token."""

    def turn_and_keep(
        self, q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor, past: Any
    ) -> Kept:
        q, k = turn(q, cos, sin), turn(k, cos, sin)
        if past is not None:
            past = turn(past[0], cos[:, :, -1:], sin[:, :, -1:]), past[1]
        k, v = appended(past, k, v)
        return q, k, v, (k, v)


class WritesKeysLate(CacheAttention):
    """Wrong: a key enters the cache at the place of the one before it."""

    def turn_and_keep(
        self, q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor, past: Any
    ) -> Kept:
        q, k = turn(q, cos, sin), turn(k, cos, sin)
        keys, values = appended(past, k, v)
        return q, keys, values, (keys.roll(1, 2), values)


class TurnsAllKeys(CacheAttention):
    """Right: the cache keeps k as it was before the rotation, and all are turned each time."""

    def turn_and_keep(
        self, q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor, past: Any
    ) -> Kept:
        keys, values = appended(past, k, v)
        length = keys.shape[2]
        inv_freq = 10000.0 ** (-torch.arange(0, k.shape[-1], 2) / k.shape[-1])
        angles = torch.arange(length)[:, None] * inv_freq
        angles = torch.cat((angles, angles), -1)[None, None]  # (1, 1, S, D)
        turned = turn(keys, angles.cos(), angles.sin())
        return turn(q, cos, sin), turned, values, (keys, values)


class TurnsWithin(CacheAttention):
    """Right, and no call of its own: the rotation stands within the attention."""

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, past: Any, mask: Tensor) -> Any:
        q, k, v = (y.unflatten(-1, (3, 16)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        q = q * cos + torch.cat((-q[..., 8:], q[..., :8]), -1) * sin
        k = k * cos + torch.cat((-k[..., 8:], k[..., :8]), -1) * sin
        k, v = appended(past, k, v)
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(y.transpose(1, 2).flatten(-2)), (k, v)


class RoundsWithin(CacheAttention):
    """Its own products make the angles: autocast rounds them."""

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, past: Any, mask: Tensor) -> Any:
        q, k, v = (y.unflatten(-1, (3, 16)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        positions = torch.arange(5000, 5000 + q.shape[-2])[:, None].float()
        angles = positions @ (10000.0 ** (-torch.arange(0, 16, 2) / 16))[None]  # (S, P)
        cos, sin = (y.float().repeat(1, 2) for y in (angles.cos(), angles.sin()))
        q = q * cos + torch.cat((-q[..., 8:], q[..., :8]), -1) * sin
        k = k * cos + torch.cat((-k[..., 8:], k[..., :8]), -1) * sin
        y = torch.nn.functional.scaled_dot_product_attention(q.to(v), k.to(v), v, attn_mask=mask)
        return self.out(y.transpose(1, 2).flatten(-2)), (k, v)


def turn_first_lanes(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn as many lanes of x (B, H, S, D) as the tables have."""
    lanes = cos.shape[-1]
    return torch.cat((turn(x[..., :lanes], cos, sin), x[..., lanes:]), -1)


class TurnsFirstLanes(CacheAttention):
    """Turns some lanes of a head by the first frequencies."""

    def __init__(self, lanes: int) -> None:
        super().__init__()
        self.lanes = lanes

    def turn_and_keep(
        self, q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor, past: Any
    ) -> Kept:
        cos, sin = (x[..., : self.lanes // 2].repeat(1, 1, 1, 2) for x in (cos, sin))
        q, k = turn_first_lanes(q, cos, sin), turn_first_lanes(k, cos, sin)
        k, v = appended(past, k, v)
        return q, k, v, (k, v)


class Compresses(CacheAttention):
    """Right: turns the means of four tokens too, as the compressor of DeepSeek V4."""

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, *rest: Any) -> Any:
        groups = x.shape[1] // 4
        if groups:
            heads = x.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2)  # (B, H, S, D)
            means = heads[:, :, : 4 * groups].unflatten(2, (groups, 4)).mean(3)
            rows = slice(None, 4 * groups, 4)
            self.groups = turn(means, cos[:, :, rows], sin[:, :, rows])  # (B, H, S / 4, D)
        return super().forward(x, cos, sin, *rest)


class NeedsPositions(SmallDecoder):
    """Right: it makes no positions itself."""

    def forward(self, input_ids: Tensor, position_ids: Tensor) -> dict[str, Any]:
        return super().forward(input_ids, position_ids=position_ids)


class KeepsGraph(CacheAttention):
    """Right, but it is made for one backward pass: it keeps the graph of what it turned."""

    last: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("last", torch.zeros(()), persistent=False)

    def turn_and_keep(self, *args: Any) -> Kept:
        q, k, v, kept = super().turn_and_keep(*args)
        k = k + 0 * self.last
        self.last = k.mean()
        return q, k, v, kept


class LayersOfTwoKinds(SmallDecoder):
    """Right: one function turns whole heads in one layer, and half of a head in the other."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList([TurnsFirstLanes(WIDTH), TurnsFirstLanes(WIDTH // 2)])


def with_attention(kind: type[CacheAttention]) -> type[SmallDecoder]:
    """A decoder with another attention."""
    return type(kind.__name__, (SmallDecoder,), {"attention": kind})
