"""Runs what a policy names, and nothing more."""

from collections.abc import Callable, Sequence

import msgspec

from rotcheck import __version__
from rotcheck.compare import plan
from rotcheck.compare.run import compare
from rotcheck.errors import RequestError
from rotcheck.preflight import files, names
from rotcheck.preflight.decision import Decision, decide
from rotcheck.preflight.policy import Policy
from rotcheck.probe.run import probe
from rotcheck.results import Cell, Machine, Report, summarise
from rotcheck.study.devices import resolve_devices
from rotcheck.study.request import display_names

OnPlan = Callable[[int], None] | None
OnCell = Callable[[Cell], None] | None


def preflight(
    policy: Policy,
    *,
    on_plan: OnPlan = None,
    on_cell: OnCell = None,
    on_steps: OnPlan = None,
    on_step: Callable[[str], None] | None = None,
) -> Decision:
    """Run what the policy names and decide whether it holds.

    A device of the policy that is not on this machine is not refused, as `compare` would: its cells
    are `unavailable`, and the policy says whether that is allowed.

    Args:
        policy: what must hold.
        on_plan: called with the number of cells.
        on_cell: called with each cell as it is decided.
        on_steps: called with the number of steps that checking files and makers takes.
        on_step: called with a name for each step as it is done.

    Raises:
        RequestError: the policy names what does not exist.
    """
    names.check(policy, lambda: _machine().devices())
    names_to_check = files.names_to_check(policy)
    report, absent = _report(policy, on_plan, on_cell) if policy.implementations else (None, {})
    if not names_to_check or (report and report.interrupted):
        assert report is not None, "a policy names something"
        return decide(policy, report)
    machine = report.machine if report else _machine() if policy.devices else None
    absent = absent or (_absent(policy.devices, machine) if machine else {})
    checks = files.checks(policy, absent, machine, on_steps, on_step)
    return decide(policy, report or _empty(checks[0].machine), checks)


def _empty(machine: Machine) -> Report:
    """The report of a policy that names files alone."""
    return Report(rotcheck=__version__, machine=machine, cells=(), summary=summarise(()))


def _report(policy: Policy, on_plan: OnPlan, on_cell: OnCell) -> tuple[Report, dict[str, str]]:
    """The report of what the policy names, and why devices of it are not here."""
    try:
        return _compare(policy, policy.devices, on_plan, on_cell), {}
    except RequestError:
        machine = _machine() if policy.devices else None
        absent = _absent(policy.devices, machine) if machine else {}
        if not machine or not absent:
            raise
    here = [device for device in policy.devices if device not in absent]
    report = _compare(policy, here, on_plan, on_cell) if here else None
    return _with_absent(policy, report, machine, absent), absent


def _machine() -> Machine:
    """This machine; raises `KeyboardInterrupt`, which `probe` by itself would swallow."""
    survey = probe()
    if survey.interrupted:
        raise KeyboardInterrupt
    return survey.machine


def _compare(policy: Policy, devices: Sequence[str], on_plan: OnPlan, on_cell: OnCell) -> Report:
    return compare(
        policy.implementations,
        devices=devices,
        dtypes=policy.dtypes,
        checks=policy.checks,
        full=policy.full,
        timeout=policy.timeout,
        on_plan=on_plan,
        on_cell=on_cell,
    )


def _absent(devices: Sequence[str], machine: Machine) -> dict[str, str]:
    """The devices that are not on this machine, each with the reason."""
    absent = {}
    for device in devices:
        try:
            resolve_devices([device], machine)
        except RequestError as refusal:
            absent[device] = str(refusal)
    return absent


def _with_absent(
    policy: Policy, report: Report | None, machine: Machine, absent: dict[str, str]
) -> Report:
    """The report with the cells of the devices that are not here."""
    request = plan.make_request(policy.implementations, list(absent), policy.dtypes, policy.checks)
    labels = display_names(request.implementations)
    missing = [
        Cell(
            implementation=labels[job.setup["implementation"]],
            device=job.setup["device"],
            dtype=dtype,
            check=check,
            verdict="unavailable",
            message=absent[job.setup["device"]],
        )
        for job in plan.jobs(request, list(absent), machine, timeout=policy.timeout)
        for dtype, check in job.tasks
    ]
    ran = report or Report(rotcheck=__version__, machine=machine, cells=(), summary={})
    cells = (*ran.cells, *missing)
    return msgspec.structs.replace(
        ran, cells=cells, summary=summarise(cells), planned=ran.planned + len(missing)
    )
