"""The files and table makers of a policy: checked as `rotcheck check` does, on each device of the
policy."""

from collections.abc import Callable, Mapping, Sequence

from rotcheck import __version__
from rotcheck.check import plan
from rotcheck.check.run import check
from rotcheck.implementations.spec import NothingRotary
from rotcheck.preflight.policy import Policy
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import Check, Machine

OnPlan = Callable[[int], None] | None
OnStep = Callable[[str], None] | None


def names_to_check(policy: Policy) -> tuple[str, ...]:
    """The files and makers of a policy; raises `RequestError` when it names one that is not
    there."""
    names = (*policy.files, *policy.makers)
    try:
        plan.make_request(names or ("native",), policy.context.dtypes, policy.context.to, "cpu")
    # no mistake in the policy: that it holds nothing is found when it is checked
    except NothingRotary:
        return names
    return names


def devices(policy: Policy) -> list[str]:
    """Where files are checked: on the devices of the policy without stand-ins, else on the CPU."""
    return [device for device in policy.devices if device not in STAND_INS] or ["cpu"]


def checks(
    policy: Policy,
    absent: Mapping[str, str],
    machine: Machine | None,
    on_plan: OnPlan,
    on_step: OnStep,
) -> list[Check]:
    """Check what the policy names on each device; `absent`: why a device is not here, with the
    machine."""
    return [
        _absent(policy, device, absent[device], machine)
        if machine and device in absent
        else check(
            *policy.files, *policy.makers, dtypes=policy.context.dtypes, to=policy.context.to, device=device,
            timeout=3 * policy.timeout, on_plan=on_plan, on_step=on_step,
        )
        for device in devices(policy)
    ]  # fmt: skip


def _absent(policy: Policy, device: str, reason: str, machine: Machine) -> Check:
    """The check of a device that is not on this machine."""
    return Check(
        rotcheck=__version__,
        machine=machine,
        asked=tuple(map(plan.short_path, (*policy.files, *policy.makers))),
        device=device,
        dtypes=policy.context.dtypes,
        to=policy.context.to,
        answer=None,
        headline=reason,
        parts=(),
    )


def bad(policy: Policy, checks: Sequence[Check]) -> list[Check]:
    """The checks that do not hold: all that are not right, except on devices that need not be
    here."""
    wrong = (check for check in checks if check.answer != "right")
    return [check for check in wrong if _is_there(check) or not policy.excuses("", check.device)]


def _is_there(check: Check) -> bool:
    """Whether its device is on this machine."""
    running = [name for name, line in check.machine.devices().items() if line.state == "runs"]
    return check.answer is not None or any(
        check.device in (name, name.partition(":")[0]) for name in running
    )


def reason(check: Check) -> str:
    """The result of a check in a few words."""
    return f"{', '.join(check.asked)}: {check.headline}"
