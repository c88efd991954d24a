"""Rows that what is free on a device has no room for."""

from types import SimpleNamespace

import pytest
import torch
from benching import row

from rotcheck.bench.worker import _lacks_memory
from rotcheck.probe.devices import other
from rotcheck.probe.inside.device_memory import memory_of

GIB = 1 << 30
CUDA = torch.device("cuda", 0)


def test_a_row_is_skipped_when_others_hold_the_memory_of_its_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large = row("native", 1e-3, device="cuda:0", shape="4x4096x3x32x128")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3 * GIB, 80 * GIB))
    assert _lacks_memory(large, CUDA) == (
        "timing 4x4096x3x32x128 in float32 takes about 9.0 GiB, and free on cuda:0 are 3.0 GiB"
    )
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (70 * GIB, 80 * GIB))
    assert _lacks_memory(large, CUDA) is None
    assert _lacks_memory(large, torch.device("cpu")) is None


def test_a_device_of_another_family_is_asked_as_the_accelerator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        torch, "accelerator", SimpleNamespace(get_memory_info=lambda device: (GIB, 2 * GIB))
    )
    monkeypatch.setattr(
        torch, "privateuseone", SimpleNamespace(get_device_name=lambda device: "NPU"), raising=False
    )
    assert memory_of(torch.device("privateuseone:0")) == (GIB, 2 * GIB)
    assert other.facts("privateuseone:0") == {"name": "NPU", "memory_gib": 2.0}


@pytest.mark.parametrize("told", ["raises", "absent"])
def test_a_device_that_counts_no_memory_refuses_nothing(
    told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_count(device: torch.device) -> tuple[int, int]:
        raise NotImplementedError("Allocator for privateuseone is not a DeviceAllocator.")

    known = {"get_memory_info": no_count} if told == "raises" else {}
    monkeypatch.setattr(torch, "accelerator", SimpleNamespace(**known))
    assert memory_of(torch.device("privateuseone:0")) is None
    assert other.facts("privateuseone:0") == {}
