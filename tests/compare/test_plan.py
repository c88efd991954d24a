"""What the jobs of a comparison may take on each device."""

import pytest

from rotcheck.compare import plan
from rotcheck.isolation import Job
from rotcheck.results import Machine

MACHINE = Machine(
    system="Linux", processor="", cores=2, memory_gib=8.0, python="3.11", torch="2.13.0"
)


def jobs(device: str, timeout: float) -> list[Job]:
    wanted = plan.make_request(["native"], [device], ["float32"], ["forward", "vmap"])
    return plan.jobs(wanted, [device], MACHINE, timeout=timeout, outputs=False)


@pytest.mark.parametrize("device", ["cpu", "meta", "interpreter"])
def test_without_a_device_to_compile_for_the_limits_are_those_that_were_asked_for(
    device: str,
) -> None:
    quick, full = jobs(device, 2.0)
    assert (quick.limit, full.limit, quick.opening_limit) == (2.0, 20.0, 6.0)
    assert not quick.slow_start
    assert not quick.fresh_after_raising


@pytest.mark.parametrize("device", ["cuda:0", "mps", "xpu"])
def test_a_device_has_time_to_compile_what_it_runs(device: str) -> None:
    quick, full = jobs(device, 2.0)
    assert (quick.limit, full.limit, quick.opening_limit, quick.least) == (15.0, 150.0, 45.0, 15.0)
    assert quick.slow_start
    assert quick.fresh_after_raising
    assert [job.limit for job in jobs(device, 60.0)] == [60.0, 600.0]
