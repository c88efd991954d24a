"""`rotcheck context`: how far in context is it right, and what must not be done to it?"""

from typing import Annotated

from rotcheck.cli import options
from rotcheck.cli.options import Names
from rotcheck.cli.session import Session, command

Specifications = Annotated[
    list[str],
    options.specs(
        "SPEC",
        "path/to/file.py:Class, package.module:function, or a file.py: all rotary functions in it.",
    ),
]
Condition = Annotated[
    Names,
    options.names(
        "CONDITION", "half, bfloat16, autocast, meta, grown, ... All by default. Repeatable."
    ),
]
Device = Annotated[str, options.device("Where to run it: cpu (default), cuda, mps.")]
Timeout = Annotated[float, options.seconds("For one condition.")]


@command("context")
def context(
    session: Session,
    specification: Specifications,
    condition: Condition = None,
    device: Device = "cpu",
    timeout: Timeout = 60.0,
    memory_limit: options.MemoryLimit = None,
    plot: options.Plot = None,
) -> int:
    """Measure how far in context angles and tables are right.

    Its phases are compared with float64, in radians: as constructed, cast, under autocast, with
    TF32, built on meta, after its table grew, and beyond that table.

    \b
    Examples:
      rotcheck context path/to/file.py:RotaryEmbedding
      rotcheck context package.module:RotaryEmbedding --plot reach.svg
      rotcheck context path/to/file.py --condition bfloat16,meta

    Exit code 0: right in what it claims. 1: a finding. 2: cannot be done as asked. 5: nothing ran.
    """
    progress = session.begin()
    from rotcheck.context.run import context as run
    from rotcheck.report import curves

    result = run(
        *specification,
        conditions=condition or (),
        device=device,
        timeout=timeout,
        memory_limit=memory_limit,
        on_plan=lambda rows: progress.plan(rows, "rows"),
        on_row=progress.step,
    )
    code = session.show(result)
    if plot is not None:
        curves.draw(result, plot)
    return code
