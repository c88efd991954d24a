"""Models that are told the positions of their tokens as `input_pos` and set up a cache at once: in
the manner of gpt-fast, litgpt and torchtune, right ones and each with one thing wrong."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

WORDS, HEADS, KEY_HEADS, LANES, LONGEST = 53, 4, 2, 16, 32
WIDTH = HEADS * LANES


def turned(x: Tensor, cis: Tensor) -> Tensor:
    """Adjacent lanes of x (B, S, H, D) turned by complex numbers (S, P), or (B, S, P)."""
    numbers = torch.view_as_complex(x.unflatten(-1, (-1, 2)))  # (B, S, H, P)
    return torch.view_as_real(numbers * cis.unsqueeze(-2)).flatten(-2)


class Cache(nn.Module):
    """Keys and values (B, H, L, D), the key of a position in its row."""

    def __init__(self, rows: int, length: int) -> None:
        super().__init__()
        self.register_buffer("k", torch.zeros(rows, KEY_HEADS, length, LANES), persistent=False)
        self.register_buffer("v", torch.zeros(rows, KEY_HEADS, length, LANES), persistent=False)

    def update(self, places: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        for row, at in enumerate(places.expand(len(k), -1)):
            self.k[row, :, at], self.v[row, :, at] = k[row], v[row]
        return self.k, self.v


class CountingCache(Cache):
    """Keys in the order in which they come, as in torchtune."""

    def __init__(self, rows: int, length: int) -> None:
        super().__init__(rows, length)
        self.size = 0

    def update(self, places: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        self.size += k.shape[2]
        return super().update(torch.arange(self.size - k.shape[2], self.size), k, v)


class Attention(nn.Module):
    """One layer; without a cache it is causal."""

    keeps_unturned = False

    def __init__(self) -> None:
        super().__init__()
        self.q, self.kv = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.cache: Cache | None = None

    def forward(self, x: Tensor, cis: Tensor, places: Tensor, mask: Tensor | None) -> Tensor:
        q = turned(self.q(x).unflatten(-1, (HEADS, LANES)), cis)
        k, v = self.kv(x).unflatten(-1, (2 * KEY_HEADS, LANES)).chunk(2, -2)
        kept = k if self.keeps_unturned and self.cache else turned(k, cis)
        q, k, v = (y.transpose(1, 2) for y in (q, kept, v))
        if self.cache is not None:
            k, v = self.cache.update(places, k, v)
        k, v = (y.repeat_interleave(HEADS // KEY_HEADS, 1) for y in (k, v))
        y = scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        return self.out(y.transpose(1, 2).flatten(-2))


class KeepsUnturned(Attention):
    keeps_unturned = True


class Model(nn.Module):
    """What all three have in common."""

    layer: type[Attention] = Attention
    cache: type[Cache] = Cache

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(WORDS, WIDTH), nn.Linear(WIDTH, WORDS)
        self.layers = nn.ModuleList(self.layer() for _ in range(2))
        rates = 10000.0 ** (-torch.arange(0, LANES, 2) / LANES)  # (P,)
        angles = torch.outer(torch.arange(LONGEST), rates)  # (N, P)
        self.register_buffer("cis", torch.polar(torch.ones_like(angles), angles), persistent=False)

    def rows(self, places: Tensor) -> Tensor:
        """The complex numbers of these positions."""
        return self.cis[places]

    def through(self, tokens: Tensor, places: Tensor, mask: Tensor | None) -> Tensor:
        x, cis = self.embed(tokens), self.rows(places)
        for layer in self.layers:
            x = x + layer(x, cis, places, mask)
        return self.head(x)

    def give_caches(self, rows: int, length: int) -> None:
        for layer in self.layers:
            layer.cache = self.cache(rows, length)


class Fast(Model):
    """Always called with a cache, as gpt-fast is: its factory sets it up."""

    def setup_caches(self, max_batch_size: int, max_seq_length: int) -> None:
        if self.layers[0].cache is not None:
            return
        self.give_caches(max_batch_size, max_seq_length)
        causal = torch.ones(max_seq_length, max_seq_length, dtype=torch.bool).tril()
        self.register_buffer("causal", causal, persistent=False)

    def forward(self, idx: Tensor, input_pos: Tensor) -> Tensor:
        return self.through(idx, input_pos, self.causal[None, None, input_pos])


class Lit(Model):
    """Called with `input_pos` where it has a cache, as litgpt is."""

    def set_kv_cache(
        self, batch_size: int, max_seq_length: int | None = None, dtype: torch.dtype | None = None
    ) -> None:
        self.give_caches(batch_size, max_seq_length or LONGEST)

    def forward(self, idx: Tensor, input_pos: Tensor | None = None) -> Tensor:
        if input_pos is None:
            return self.through(idx, torch.arange(idx.shape[1]), None)
        length = self.layers[0].cache.k.shape[2]
        mask = torch.arange(length) <= input_pos[..., None]  # (S, L), or (B, S, L)
        return self.through(idx, input_pos, mask if mask.dim() == 2 else mask[:, None])


class Tune(Model):
    """Wants a mask where it has a cache, as torchtune does."""

    cache = CountingCache

    def setup_caches(
        self, batch_size: int, dtype: torch.dtype, *, decoder_max_seq_len: int | None = None
    ) -> None:
        self.give_caches(batch_size, decoder_max_seq_len or LONGEST)

    def forward(
        self, tokens: Tensor, *, mask: Tensor | None = None, input_pos: Tensor | None = None
    ) -> Tensor:
        if self.layers[0].cache is not None and (mask is None or input_pos is None):
            raise ValueError("causal masks must be provided!")
        places = torch.arange(tokens.shape[1]) if input_pos is None else input_pos
        return self.through(tokens, places, None if mask is None else mask[:, None])


class OneLate(Lit):
    """Its cached tokens turn one position late."""

    def rows(self, places: Tensor) -> Tensor:
        return self.cis[places - 1] if self.layers[0].cache and int(places[0]) else self.cis[places]


class FromZero(Tune):
    """Each call begins at position 0."""

    def rows(self, places: Tensor) -> Tensor:
        return self.cis[: len(places)]


class FastFromZero(Fast):
    """The same, with a cache in its one pass too."""

    def rows(self, places: Tensor) -> Tensor:
        return self.cis[: len(places)]


class TuneFirstRow(Tune):
    """Takes the positions of the first row for all."""

    def rows(self, places: Tensor) -> Tensor:
        return self.cis[places[0] if places.dim() > 1 else places]


class LitFirstRow(Lit):
    """The same."""

    def rows(self, places: Tensor) -> Tensor:
        return self.cis[places[0] if places.dim() > 1 else places]


class TuneCountsPadding(Tune):
    """Its cached tokens turn by their place in the cache, padding counted."""

    def rows(self, places: Tensor) -> Tensor:
        at = self.layers[0].cache.size if self.layers[0].cache else 0
        return self.cis[torch.arange(places.shape[-1]) + at] if at else self.cis[places]


class LitKeepsUnturned(Lit):
    layer = KeepsUnturned


class TuneKeepsUnturned(Tune):
    layer = KeepsUnturned


class TurnsOnReading(Attention):
    """Keeps keys as they are, and turns all of them when they are read, which is right."""

    def forward(self, x: Tensor, cis: Tensor, places: Tensor, mask: Tensor | None) -> Tensor:
        q = turned(self.q(x).unflatten(-1, (HEADS, LANES)), cis)
        k, v = self.kv(x).unflatten(-1, (2 * KEY_HEADS, LANES)).chunk(2, -2)
        k, v = k.transpose(1, 2), v.transpose(1, 2)
        if self.cache is not None:
            k, v = self.cache.update(places, k, v)
        k = turned(k.transpose(1, 2), self.all_rows[: k.shape[2]]).transpose(1, 2)
        k, v = (y.repeat_interleave(HEADS // KEY_HEADS, 1) for y in (k, v))
        y = scaled_dot_product_attention(
            q.transpose(1, 2), k, v, attn_mask=mask, is_causal=mask is None
        )
        return self.out(y.transpose(1, 2).flatten(-2))


class LitTurnsOnReading(Lit):
    layer = TurnsOnReading

    def __init__(self) -> None:
        super().__init__()
        for layer in self.layers:
            layer.all_rows = self.cis


class Unknown(Lit):
    """Its cache wants what nobody knows."""

    def set_kv_cache(self, pages: int) -> None:
        raise NotImplementedError


class Without(Lit):
    set_kv_cache = None
