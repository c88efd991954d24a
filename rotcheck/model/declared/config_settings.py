"""The settings of every rotation that a configuration speaks of, whichever stack it is of."""

from collections.abc import Mapping
from typing import Any

from rotcheck.model.declared.config_parts import part_settings, parts
from rotcheck.model.declared.diffusers_config import diffusers_settings
from rotcheck.model.declared.gguf_metadata import gguf_settings
from rotcheck.model.declared.megatron_arguments import megatron_settings
from rotcheck.model.declared.meta_params import meta_settings
from rotcheck.model.declared.rotation_settings import RotationSettings

_STACKS = (gguf_settings, diffusers_settings, meta_settings, megatron_settings)


def config_settings(config: Mapping[str, Any]) -> tuple[RotationSettings, ...]:
    """The settings of each rotation of a configuration; empty where it declares none."""
    for stack in _STACKS:
        settings = stack(config)
        if settings is not None:
            return settings
    return tuple(
        settings for part, values in parts(config) for settings in part_settings(part, values)
    )
