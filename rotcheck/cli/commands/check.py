"""`rotcheck check`: is this file right, and how far?"""

from typing import Annotated

import typer

from rotcheck.cli import options
from rotcheck.cli.options import Names
from rotcheck.cli.session import Session, command

Files = Annotated[
    list[str],
    options.specs(
        "FILE",
        "path/to/file.py: all rotary functions and classes in it; or one, as path/to/file.py:function.",
    ),
]
Dtype = Annotated[
    Names,
    options.dtypes("The dtype of the model: bfloat16 (default), float16, float32. Repeatable."),
]
To = Annotated[
    int | None,
    typer.Option(
        metavar="POSITIONS",
        help="How many positions must be right. Default: as many as each claims.",
    ),
]
Device = Annotated[str, options.device("Where it runs: cpu (default), cuda, mps.")]
Timeout = Annotated[float, options.seconds("For identifying one function.")]


@command("check")
def check(
    session: Session,
    file: Files,
    dtype: Dtype = None,
    to: To = None,
    device: Device = "cpu",
    timeout: Timeout = 60.0,
    memory_limit: options.MemoryLimit = None,
) -> int:
    """Say in one line whether a file is right, and how far.

    Everything in it is identified, judged, and measured as far as its positions must reach. A class
    is built as the file itself builds it.

    \b
    Examples:
      rotcheck check path/to/file.py
      rotcheck check path/to/file.py --dtype bfloat16 --to 32768
      rotcheck check path/to/file.py --format github

    Exit code 0: right. 1: wrong, or not understood. 2: cannot be done as asked. 5:
    nothing there to check.
    """
    progress = session.begin()
    from rotcheck.check.run import check as run

    result = run(
        *file,
        dtypes=dtype or ("bfloat16",),
        to=to,
        device=device,
        timeout=timeout,
        memory_limit=memory_limit,
        on_plan=lambda steps: progress.plan(steps, "steps"),
        on_step=progress.step,
    )
    if result.interrupted and not result.parts:
        raise KeyboardInterrupt
    return session.show(result)
