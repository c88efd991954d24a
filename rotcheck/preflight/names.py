"""The names in a policy: what cannot name anything is refused, since it would hold for nothing."""

import difflib
import re
from collections.abc import Collection

from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.preflight.policy import Policy, alike
from rotcheck.probe.devices import families

TORCH = (
    *("cpu", "cuda", "mps", "xpu", "npu", "hpu", "mtia", "xla"),
    *("maia", "vulkan", "ipu", "privateuseone", "meta", "interpreter"),
)
MEANT = {"gpu": "cuda", "nvidia": "cuda", "rocm": "cuda", "hip": "cuda"}  # what people call torch's cuda


def check(policy: Policy) -> None:
    """Raise `RequestError` for a device that torch cannot name, and for an excuse that excuses nothing."""
    for device in policy.devices:
        if not _is_device(device):
            raise _unknown(policy, "devices", device, "a device", _devices())
    implementations = [
        *policy.implementations,
        *registry.names(),
        *registry.exhibits(),
        *registry.libraries(),
    ]
    for name in policy.may_be_unavailable:
        if not _is_device(name) and not any(alike(name, known) for known in implementations):
            known = [*_devices(), *(known.rpartition("/")[2] for known in implementations)]
            raise _unknown(policy, "may-be-unavailable", name, "an implementation or a device", known)


def _is_device(name: str) -> bool:
    kind, colon, index = name.partition(":")
    return kind in _devices() and (not colon or re.fullmatch("[0-9]+", index) is not None)


def _devices() -> list[str]:
    return list(dict.fromkeys((*TORCH, *families())))


def _unknown(policy: Policy, key: str, name: str, what: str, known: Collection[str]) -> RequestError:
    kind = name.partition(":")[0].lower()
    near = [MEANT[kind]] if kind in MEANT else difflib.get_close_matches(name, known, 1, 0.5)
    near = near or difflib.get_close_matches(kind, known, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return RequestError(
        f"{policy.source}: {key} names {name!r}, which is not {what}; {hint}"
        f"Known: {', '.join(dict.fromkeys(known))}"
    )
