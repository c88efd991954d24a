"""The names in a policy: what cannot name anything is refused, since it would hold for nothing."""

import difflib
import re
from collections.abc import Callable, Collection

from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.preflight.policy import Policy, alike
from rotcheck.probe.devices import families

TORCH = (
    *("cpu", "cuda", "mps", "xpu", "npu", "hpu", "mtia", "xla"),
    *("maia", "vulkan", "ipu", "privateuseone", "meta", "interpreter"),
)
# what people call torch's cuda
MEANT = {"gpu": "cuda", "nvidia": "cuda", "rocm": "cuda", "hip": "cuda"}


def check(policy: Policy, here: Callable[[], Collection[str]]) -> None:
    """Raise `RequestError` for a device that torch cannot name, and for an excuse that excuses nothing.

    `here` finds the names of the devices of this machine, which takes seconds: a plug-in of torch has its own.
    """
    plugged = _plugged(policy, here)
    for device in policy.devices:
        if not _is_device(device) and device not in plugged:
            raise _unknown(policy, "devices", device, "a device", _devices())
    implementations = [
        *policy.implementations,
        *registry.names(),
        *registry.exhibits(),
        *registry.libraries(),
    ]
    for name in policy.may_be_unavailable:
        if (
            _is_device(name)
            or name in plugged
            or any(alike(name, known) for known in implementations)
        ):
            continue
        known = [*_devices(), *(known.rpartition("/")[2] for known in implementations)]
        raise _unknown(policy, "may-be-unavailable", name, "an implementation or a device", known)


def _plugged(policy: Policy, here: Callable[[], Collection[str]]) -> set[str]:
    """Return the names and families of this machine's devices, where the policy has a device of an unknown name."""
    if all(map(_is_device, policy.devices)):
        return set()
    return {part for name in here() for part in (name, name.partition(":")[0])}


def _is_device(name: str) -> bool:
    kind, colon, index = name.partition(":")
    return kind in _devices() and (not colon or re.fullmatch("[0-9]+", index) is not None)


def _devices() -> list[str]:
    return list(dict.fromkeys((*TORCH, *families())))


def _unknown(
    policy: Policy, key: str, name: str, what: str, known: Collection[str]
) -> RequestError:
    kind = name.partition(":")[0].lower()
    near = [MEANT[kind]] if kind in MEANT else difflib.get_close_matches(name, known, 1, 0.5)
    near = near or difflib.get_close_matches(kind, known, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return RequestError(
        f"{policy.source}: {key} names {name!r}, which is not {what}; {hint}"
        f"Known: {', '.join(dict.fromkeys(known))}"
    )
