"""From a configuration to the sizes of a small model of the same kind: rules by the names of keys.

No rule touches what decides a rotation: head sizes, thetas, scalings, sections, lengths.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rotcheck.model.build import layer_choice
from rotcheck.model.build.small_widths import Widths

Config = Mapping[str, Any]
Sizes = dict[str, Any]


class Changes(dict[str, Any]):
    """What changes in a part of a configuration; a plain dictionary stands for a whole value."""


VOCABULARY = 512
_INNER = 96  # of a feed-forward layer
_EXPERTS, _TOP = 8, 2
_INTERMEDIATE = re.compile(r"(intermediate_size|ffn_dim|ffn_hidden_size|mlp_dim|intermediate_dim)$")
_EXPERT_COUNT = re.compile(r"(num_experts|num_local_experts|n_routed_experts|num_routed_experts)$")
_EXPERT_CHOICE = re.compile(r"(num_experts_per_tok(en)?|moe_topk|moe_top_?k|moe_k|top_k_experts)$")
_EXPERT_GROUPS = re.compile(r"^(n_group|num_expert_group|num_expert_groups)$")
_GROUP_CHOICE = re.compile(r"^topk_groups?$")
_VOCABULARY = re.compile(r"(vocab_size(_per_layer_input)?|_group_vocab)$")
_DEPTH = re.compile(
    r"^((.*_)?num_hidden_layers|n_layers?|(.*_)?num_layers|num_(encoder|decoder)_layers"
    r"|(.*_)?(encoder|decoder)_layers|(.*_)?depth|num_(visual_)?blocks|num_(global|single)_layers|nlayers)$"
)
_NO_PART = re.compile(r"^(rope_.*|quantization_config|.*_rope_.*)$")


def parts(config: Config, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Config]]:
    """A configuration and those inside of it, with the keys that lead there."""
    yield path, config
    for key, value in config.items():
        if isinstance(value, Mapping) and not (
            _NO_PART.search(key) or layer_choice.is_table(value)
        ):
            yield from parts(value, (*path, key))


def small_layers(config: Config) -> Sizes:
    """Few layers, each kind of them kept."""
    sizes: Sizes = {}
    for key, count in config.items():
        if not (_DEPTH.search(key) and _is_number(count) and count > layer_choice.FEWEST):
            continue
        survivors = layer_choice.layers_to_keep(config, count)
        sizes |= {key: len(survivors)} | layer_choice.layer_lists(config, count, survivors)
        sizes |= layer_choice.end_counts(config, count, survivors)
    return sizes


def small_inner(config: Config) -> Sizes:
    """Narrow feed-forward layers."""
    return _at_most(config, _INTERMEDIATE, _INNER)


def small_experts(config: Config) -> Sizes:
    """Few experts, in few groups."""
    return (
        _at_most(config, _EXPERT_COUNT, _EXPERTS)
        | _at_most(config, _EXPERT_CHOICE, _TOP)
        | _at_most(config, _EXPERT_GROUPS, 2)
        | _at_most(config, _GROUP_CHOICE, 1)
    )


def small_vocabulary(config: Config) -> Sizes:
    """A small vocabulary; `special_tokens` brings the ids of its tokens inside."""
    return _at_most(config, _VOCABULARY, VOCABULARY)


RULES: Mapping[str, Callable[[Config], Sizes]] = {
    "feed-forward": small_inner,
    "experts": small_experts,
    "vocabulary": small_vocabulary,
}


def small_sizes(config: Config, heads: int, without: tuple[str, ...] = ()) -> Changes:
    """The values to change in a configuration, nested as it is.

    Args:
        config: The configuration, with all of its values.
        heads: How many heads the widest part has at least; 0: its widths stay as they are.
        without: Names of rules that are left out; `layers` is one as well.
    """
    rules = [rule for name, rule in RULES.items() if name not in without]
    if heads:
        rules.append(Widths([part for _, part in parts(config)], heads).small)
    sizes = Changes()
    for path, part in parts(config):
        part_sizes = _of_values(part, rules) | _of_tables(part, rules)
        if "layers" not in without:  # after the others: layers that differ in size only are alike
            part_sizes |= small_layers({**part, **part_sizes})
        changes = {key: value for key, value in part_sizes.items() if value != part[key]}
        if changes:
            _at(sizes, path).update(changes)
    return sizes


def _of_values(part: Config, rules: Iterable[Callable[[Config], Sizes]]) -> Sizes:
    return {key: value for rule in rules for key, value in rule(part).items()}


def _of_tables(part: Config, rules: Iterable[Callable[[Config], Sizes]]) -> Sizes:
    """The tables of a part that say of single layers what differs from the part itself."""
    return {
        key: {index: _of_entry(part, entry, rules) for index, entry in table.items()}
        for key, table in part.items()
        if layer_choice.is_table(table)
    }


def _of_entry(part: Config, entry: Any, rules: Iterable[Callable[[Config], Sizes]]) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    sizes = _of_values({**part, **entry}, rules)
    return {key: sizes.get(key, value) for key, value in entry.items()}


def words(config: Config, sizes: Sizes, prefix: str = "") -> Iterator[str]:
    """What was made smaller, a line for each value."""
    for key, value in sizes.items():
        before = config[key]
        if isinstance(value, Changes):
            yield from words(before, value, f"{prefix}{key}.")
        elif isinstance(value, list | dict):
            yield f"{prefix}{key}: {len(before or ())} entries -> {len(value)}"
        else:
            yield f"{prefix}{key} {before} -> {value}"


def _at(sizes: Sizes, path: tuple[str, ...]) -> Sizes:
    for key in path:
        sizes = sizes.setdefault(key, Changes())
    return sizes


def _at_most(config: Config, names: re.Pattern[str], most: int) -> Sizes:
    return {
        key: _cap(value, most)
        for key, value in config.items()
        if names.search(key) and (_is_number(value) or _are_numbers(value))
    }


def _cap(value: Any, most: int) -> Any:
    return [min(entry, most) for entry in value] if isinstance(value, list) else min(value, most)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(_is_number(entry) for entry in value)
