"""`rotcheck preflight`: the step in front of a job."""

from typing import Annotated

import typer

from rotcheck.cli.session import Session, command

PolicyFile = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="The policy, a TOML file. Default: [tool.rotcheck] of the nearest pyproject.toml that has it; "
        "without one, native and fallback must hold on every device here.",
    ),
]


@command("comparison")
def preflight(session: Session, policy: PolicyFile = None) -> int:
    """Say in one line whether a job may start on this machine.

    \b
    Examples:
      rotcheck preflight
      rotcheck preflight --policy gpu.toml -o preflight.json -o preflight.xml

    \b
    Policy:
      [tool.rotcheck]
      implementations = ["native", "flash-attn"]
      devices = ["cpu", "cuda"]
      may-be-unavailable = ["cuda"]
      files = ["models/llama.py"]
      context = { to = 32768, dtypes = ["bfloat16"] }

    Exit code 0: the policy holds. 1: it does not. 2: the policy cannot be read. 5: nothing ran.
    """
    from rotcheck.preflight.policy import load

    rules = load(policy)
    progress = session.begin()
    from rotcheck.compare.implementation_lines import places
    from rotcheck.preflight.run import preflight as run

    decision = run(
        rules,
        on_plan=progress.plan,
        on_cell=progress.cell,
        on_steps=lambda steps: progress.plan(steps, "steps"),
        on_step=progress.step,
    )
    return session.show(decision.page(places(rules.implementations)))
