"""What a configuration says of rotations, which a small model has to keep."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rotcheck.model.build.small_sizes import Config, parts

_ROTARY = re.compile(
    r"rope|rotary|head_dim|d_head|theta|max_position|original_max|section|base_freq"
)
_WIDTHS = ("hidden_size", "n_embd", "d_model", "embed_dim")
_HEADS = ("num_attention_heads", "n_head", "num_heads")


def differences(before: Config, after: Config) -> list[str]:
    """What two configurations say differently of rotations; lists of layers may be shorter."""
    rotary_before, rotary_after = dict(_statements(before)), dict(_statements(after))
    return [
        f"{key} {value} -> {rotary_after.get(key)}"
        for key, value in rotary_before.items()
        if value != rotary_after.get(key)
    ]


def _statements(config: Config) -> Iterator[tuple[str, Any]]:
    for path, part in parts(config):
        for key, value in part.items():
            if _ROTARY.search(key) and not isinstance(value, list):
                yield ".".join((*path, key)), value
        for width in _WIDTHS:
            for heads in _HEADS:
                if _divides(part, width, heads):
                    yield ".".join((*path, f"{width} / {heads}")), part[width] // part[heads]


def _divides(part: Mapping[str, Any], width: str, heads: str) -> bool:
    """Whether a head's size follows from a width and a count of heads."""
    numbers = part.get(width), part.get(heads)
    return all(isinstance(number, int) and number > 0 for number in numbers) and (
        part[width] % part[heads] == 0 or not part.get("head_dim")
    )
