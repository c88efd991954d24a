"""Which layers of a model are kept: the first of each kind, in their order, and two at least."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

FEWEST = 2
LONGEST_PERIOD = 8  # of layers that repeat by a number in the config, as attention in one of 8
_PERIOD = re.compile(
    r"(period|interval|_pattern|every_n_layers|layer_freq|sparse_step|layer_step)$"
)
_FIRST = re.compile(
    r"^(first_k_dense_replace|num_dense_layers|num_hash_layers|moe_layer_start_index)$"
)
_LAST = re.compile(r"^num_kv_shared_layers$")
_KINDS = re.compile(r"(block|layer)_types$")
_POSITIONS = re.compile(r"(layers?|idxs?|indexes|indices|layer_ids)$")


def layers_to_keep(config: Mapping[str, Any], count: int) -> list[int]:
    """The indices of the layers to keep, of `count` that a config describes layer by layer.

    Two layers are of one kind if each list of the config says the same of both.
    """
    kinds = {kind: index for index, kind in reversed(list(enumerate(_kinds(config, count))))}
    choice = set(kinds.values()) | set(range(_prefix(config, count)))
    for index in range(count):
        if len(choice) >= min(FEWEST, count):
            break
        choice.add(index)
    return sorted(choice)


def layer_lists(config: Mapping[str, Any], count: int, survivors: Sequence[int]) -> dict[str, Any]:
    """The lists of a config that speak of layers, for those that are kept."""
    lists: dict[str, Any] = {
        key: [value[index] for index in survivors]
        for key, value in _by_layer(config, count).items()
    }
    for key, value in _by_position(config, count).items():
        lists[key] = [survivors.index(index) for index in value if index in survivors]
    for key, table in _tables(config).items():
        places = {
            index: str(survivors.index(int(index))) for index in table if int(index) in survivors
        }
        lists[key] = {place: table[index] for index, place in places.items()}
    return lists


def end_counts(config: Mapping[str, Any], count: int, survivors: Sequence[int]) -> dict[str, int]:
    """How many of those that are kept are among the first or the last that a number singles out."""
    return {
        key: sum(index < number for index in survivors)
        for key, number in _numbers(config, _FIRST).items()
    } | {
        key: sum(index >= count - number for index in survivors)
        for key, number in _numbers(config, _LAST).items()
    }


def _numbers(config: Mapping[str, Any], names: re.Pattern[str]) -> dict[str, int]:
    return {key: value for key, value in config.items() if names.search(key) and _is_count(value)}


def _kinds(config: Mapping[str, Any], count: int) -> list[tuple[Any, ...]]:
    """What the config says of each layer."""
    lists = list(_by_layer(config, count).values())
    sets = list(_by_position(config, count).values())
    first = _numbers(config, _FIRST).values()
    last = _numbers(config, _LAST).values()
    tables = [
        {int(index): entry for index, entry in table.items()} for table in _tables(config).values()
    ]
    return [
        (
            *(str(values[index]) for values in lists),
            *(index in positions for positions in sets),
            *(index < number for number in first),
            *(index >= count - number for number in last),
            *(str(table.get(index)) for table in tables),
        )
        for index in range(count)
    ]


def _prefix(config: Mapping[str, Any], count: int) -> int:
    """How many of the first layers show each kind that a number of the config makes."""
    if _by_layer(config, count):
        return 0
    periods = [*_numbers(config, _PERIOD).values(), *_repeat_lengths(config, count)]
    return max((period for period in periods if period <= min(LONGEST_PERIOD, count)), default=0)


def _repeat_lengths(config: Mapping[str, Any], count: int) -> list[int]:
    """The lengths of the lists of kinds that begin again until there are enough layers."""
    return [
        len(value)
        for key, value in config.items()
        if _KINDS.search(key) and isinstance(value, list | tuple) and len(value) < count
    ]


def _by_layer(config: Mapping[str, Any], count: int) -> dict[str, Sequence[Any]]:
    """The lists with an entry a layer."""
    positions = _by_position(config, count)
    return {
        key: value
        for key, value in config.items()
        if isinstance(value, list | tuple) and len(value) == count and key not in positions
    }


def _by_position(config: Mapping[str, Any], count: int) -> dict[str, Sequence[int]]:
    """The lists of the indices of layers."""
    return {
        key: value
        for key, value in config.items()
        if isinstance(value, list | tuple)
        and _POSITIONS.search(key)
        and value
        and all(_is_count(entry) and entry < count for entry in value)
        and list(value) == sorted(set(value))
    }


def _tables(config: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The tables whose keys are the indices of layers."""
    return {key: value for key, value in config.items() if is_table(value)}


def is_table(value: Any) -> bool:
    """Whether a value of a configuration says something of single layers."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(str(index).isdecimal() for index in value)
        and all(isinstance(entry, Mapping) for entry in value.values())
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
