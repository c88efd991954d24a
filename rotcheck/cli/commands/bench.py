"""`rotcheck bench`: what each implementation takes, and what that is worth."""

from typing import Annotated

import typer

from rotcheck.cli import options
from rotcheck.cli.options import Names
from rotcheck.cli.session import Session, command

Implementations = Annotated[
    Names,
    options.specs(
        "IMPLEMENTATION", f"{options.IMPLEMENTATION}all registered, and native-compiled."
    ),
]
Device = Annotated[Names, options.names("DEVICE", "cpu, cuda, cuda:1, mps, ... No stand-ins.")]
Dtype = Annotated[Names, options.dtypes("float32 and bfloat16 by default; float16, float64.")]
Shape = Annotated[
    Names,
    options.names(
        "BxSx3xHxD|BxSxH/KxD",
        "Batch, sequence, 3, heads, width of packed qkv; or heads of q / heads of k, as 1x2048x32/8x128. "
        "Repeatable, comma separated.",
    ),
]
Pass = Annotated[Names, options.names("PASS", "forward, forward+backward.", "--pass")]
Against = Annotated[str, typer.Option(metavar="IMPLEMENTATION", help="The baseline.")]
Seconds = Annotated[float, options.seconds("To time each of the three things in a row.")]
Timeout = Annotated[float, options.seconds("For one row, compiling included.")]


@command("bench")
def bench(
    session: Session,
    implementations: Implementations = None,
    device: Device = None,
    dtype: Dtype = None,
    shape: Shape = None,
    passes: Pass = None,
    against: Against = "native",
    seconds: Seconds = 0.5,
    timeout: Timeout = 300.0,
    memory_limit: options.MemoryLimit = None,
    plot: options.Plot = None,
) -> int:
    """Time rotary implementations beside a copy and a baseline.

    In each round an implementation, a copy of its input and the baseline take turns in one process,
    and their ratios are taken round by round. A row takes 4 seconds or more; the progress line says
    about how long all take. Run `rotcheck compare` first: what is wrong can be fast.

    \b
    Examples:
      rotcheck bench
      rotcheck bench native mine.py:rotary --shape 1x2048x3x16x64 --dtype bfloat16
      rotcheck bench --against torchscript -o bench.json --plot bench.svg

    Exit code 0: all rows ran. 1: one raised, crashed or hung, or its function is wrong or was not
    identified. 2: cannot be done as asked. 5: nothing ran.
    """
    progress = session.begin()
    from rotcheck.bench.run import bench as run
    from rotcheck.report import plot as picture

    result = run(
        implementations or (),
        devices=device or (),
        dtypes=dtype or (),
        shapes=shape or (),
        passes=passes or (),
        against=against,
        seconds=seconds,
        timeout=timeout,
        memory_limit=memory_limit,
        on_plan=lambda rows: progress.plan(rows, "rows"),
        on_estimate=progress.estimate,
        on_row=lambda row: progress.step(
            f"{row.implementation} {row.device} {row.dtype} {row.shape} {row.pass_}"
        ),
    )
    code = session.show(result)
    if plot is not None:
        picture.draw(result, plot)
    return code
