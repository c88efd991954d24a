"""The names in a policy: what cannot name anything is refused, since it would hold for nothing."""

import difflib
import re
from collections.abc import Callable, Collection

from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.preflight.policy import Policy, alike
from rotcheck.probe.devices import families

TORCH_DEVICES = (
    *("cpu", "cuda", "mps", "xpu", "npu", "hpu", "mtia", "xla"),
    *("maia", "vulkan", "ipu", "privateuseone", "meta", "interpreter"),
)
# what people call torch's cuda
TORCH_NAMES = {"gpu": "cuda", "nvidia": "cuda", "rocm": "cuda", "hip": "cuda"}


def check(policy: Policy, here: Callable[[], Collection[str]]) -> None:
    """Raise `RequestError` for a device that torch cannot name, and for an excuse that excuses
    nothing.

    `here` finds the names of the devices of this machine, which takes seconds: a plug-in of torch
    has its own.
    """
    plugin_devices = _plugin_devices(policy, here)
    for device in policy.devices:
        if not _is_device(device) and device not in plugin_devices:
            raise _unknown_name(policy, "devices", device, "a device", _devices())
    registered = (*registry.names(), *registry.exhibits(), *registry.libraries())
    implementations = [*policy.implementations, *registered]
    for name in policy.may_be_unavailable:
        is_device = _is_device(name) or name in plugin_devices
        if not is_device and not any(alike(name, existing) for existing in implementations):
            existing = [*_devices(), *(path.rpartition("/")[2] for path in implementations)]
            kind = "an implementation or a device"
            raise _unknown_name(policy, "may-be-unavailable", name, kind, existing)


def _plugin_devices(policy: Policy, here: Callable[[], Collection[str]]) -> set[str]:
    """The names and families of this machine's devices, if the policy has a device of an unknown
    name."""
    if all(map(_is_device, policy.devices)):
        return set()
    return {part for name in here() for part in (name, name.partition(":")[0])}


def _is_device(name: str) -> bool:
    kind, colon, index = name.partition(":")
    return kind in _devices() and (not colon or re.fullmatch("[0-9]+", index) is not None)


def _devices() -> list[str]:
    return list(dict.fromkeys((*TORCH_DEVICES, *families())))


def _unknown_name(
    policy: Policy, key: str, name: str, kind_words: str, existing: Collection[str]
) -> RequestError:
    kind = name.partition(":")[0].lower()
    near = [TORCH_NAMES[kind]] if kind in TORCH_NAMES else []
    for text in (name, kind):
        near = near or difflib.get_close_matches(text, existing, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return RequestError(
        f"{policy.source}: {key} names {name!r}, which is not {kind_words}; {hint}"
        f"Known: {', '.join(dict.fromkeys(existing))}"
    )
