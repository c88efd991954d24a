"""Smaller hidden sizes with fewer heads of the same size, the same all over a configuration."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

_WIDTH = re.compile(
    r"(hidden_size|d_model|n_embd|embed_dim|emb_dim|hidden_dim|(^|_)dim|output_dim|out_dim|in_dim|input_size"
    r"|output_size|projection_dim|embedding_size|embedding_dim|hidden_size_global|lru_width|width|groups)$"
)
_OWN_WIDTH = re.compile(
    r"^(hidden_size|d_model|n_embd|embed_dim|dim|hidden_dim|encoder_hidden_dim)$"
)
_HEADS = re.compile(
    r"^(num_attention_heads|n_heads?|num_heads|attention_heads|(en|de)coder_attention_heads)$"
)
_ANY_HEADS = re.compile(r"(^|_)n?heads(_per_layer)?$|(^|_)n_head$")
_KEY_HEADS = re.compile(
    r"(num_key_value|kv_n|num_kv|n_kv|key_value)_?(attention_)?heads(_per_layer)?$|num_query_groups$"
)
_NO_WIDTH = re.compile(r"head_dim|rotary|rope|(^|_)max_|lora|patch|position|dim_head")

APART = 32  # what a width is a multiple of whose heads have sizes of their own

Part = Mapping[str, Any]


class Widths:
    """Which small width stands for each width of a configuration."""

    def __init__(self, configs: Iterable[Part], fewest_heads: int) -> None:
        units: dict[int, list[int]] = {}
        for part in configs:
            for width, heads in _own_width(part):
                units.setdefault(width, []).append(_unit(part, width, heads))
        self._small = {
            width: _smallest(width, sizes, fewest_heads) for width, sizes in units.items()
        }

    def small(self, part: Part) -> dict[str, Any]:
        """The widths and counts of heads of a part of the configuration."""
        widths = {
            key: small
            for key, value in part.items()
            if _WIDTH.search(key) and not _NO_WIDTH.search(key) and _is_size(value)
            for small in [self._width(value)]
            if small
        }
        scales = [(self._small[width], width) for width, _ in _own_width(part)]
        return widths | (_heads(part, *scales[0]) if scales else {})

    def _width(self, value: int) -> int | None:
        """The small width for one of the configuration, or for a multiple of one."""
        if value in self._small:
            return self._small[value]
        multiples = {
            value // width * small for width, small in self._small.items() if value % width == 0
        }
        return multiples.pop() if len(multiples) == 1 else None


def _unit(part: Part, width: int, heads: int) -> int:
    """What a width has to be a multiple of: the size of a head, which `head_dim` may say apart."""
    return width // heads if width % heads == 0 or _divides_roughly(part) else APART


def _divides_roughly(part: Part) -> bool:
    """Whether a head has the width over the number of heads, without the rest."""
    return not any(_is_size(part.get(key)) for key in ("head_dim", "d_kv", "d_head"))


def _own_width(part: Part) -> list[tuple[int, int]]:
    """Each width of a part, with each count of heads that shares it."""
    widths = [value for key, value in part.items() if _OWN_WIDTH.search(key) and _is_size(value)]
    counts = [value for key, value in part.items() if _HEADS.search(key) and _is_size(value)]
    head_size = part.get("attention_head_dim")
    if not widths and _is_size(head_size):  # diffusers multiplies the two
        return [(heads * part["attention_head_dim"], heads) for heads in counts]
    return [(width, heads) for width in widths for heads in counts]


def _smallest(width: int, units: list[int], heads: int) -> int:
    """The smallest width that has whole heads for each size of head, and enough of the largest."""
    unit = math.lcm(*units)
    small = unit * math.ceil(heads * max(units) / unit)
    return small if small < width else width


def _heads(part: Part, small: int, width: int) -> dict[str, Any]:
    """The counts of heads of a part whose width becomes smaller."""
    counts = {
        key: _each_width(value, lambda count, key=key: _count(part, key, count, small, width))
        for key, value in part.items()
        if _ANY_HEADS.search(key) and not _KEY_HEADS.search(key) and _is_size_or_sizes(value)
    }
    for key, value in part.items():
        if match := _KEY_HEADS.search(key):
            prefix = key[: match.start()]
            query = next(
                (
                    name
                    for name in counts
                    if name.startswith(prefix) and not isinstance(value, list)
                ),
                None,
            )
            if query and _is_size(value):
                counts[key] = _key_heads(counts[query], part[query], value)
    return counts


def _count(part: Part, key: str, count: int, small: int, width: int) -> int:
    """As many heads of one size as a small width has, if that has whole ones."""
    if count * small % width == 0:
        return count * small // width
    is_rough = bool(_HEADS.search(key)) and _divides_roughly(part) and count <= width
    return (is_rough and small // (width // count)) or count


def _key_heads(heads: Any, heads_before: Any, before: int) -> Any:
    """Few heads of keys and values: as many as there are heads, or one, or a part of them."""
    if not isinstance(heads, int) or before in (1, heads_before):
        return heads if before != 1 else 1
    divisors = [count for count in range(1, heads) if heads % count == 0 and count <= before]
    return max(divisors, default=1)


def _each_width(value: Any, change: Any) -> Any:
    return [change(entry) for entry in value] if isinstance(value, list) else change(value)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_size_or_sizes(value: Any) -> bool:
    return _is_size(value) or (isinstance(value, list) and all(map(_is_size, value)))
