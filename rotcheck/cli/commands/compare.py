"""`rotcheck compare`: the matrix."""

from typing import Annotated

from rotcheck.cli import options
from rotcheck.cli.options import Names
from rotcheck.cli.session import Session, command
from rotcheck.compare import checks as check_files
from rotcheck.compare.checks import CONVENTION

Device = Annotated[
    Names,
    options.names(
        "DEVICE", "cpu, cuda, cuda:1, mps, ..., meta, interpreter. Repeatable, comma separated."
    ),
]
Dtype = Annotated[Names, options.dtypes("float32, bfloat16, float16, float64.")]
_QUICK = ", ".join([CONVENTION, *check_files.names("quick")])
_FULL = ", ".join(check_files.names("full"))
Check = Annotated[Names, options.names("CHECK", f"{_QUICK}; by --full or by name: {_FULL}.")]
Full = Annotated[
    bool,
    options.flag("--full", "All checks: more shapes, transforms and compilers too. Takes minutes."),
]
Everything = Annotated[
    bool,
    options.flag("--all", "Also those of libraries and other installed packages. Takes minutes."),
]
Pairwise = Annotated[bool, options.flag("--pairwise", "Also measure each two against each other.")]
Timeout = Annotated[float, options.seconds("For one cell.")]


@command("comparison")
def compare(
    session: Session,
    implementations: options.Implementations = None,
    device: Device = None,
    dtype: Dtype = None,
    check: Check = None,
    full: Full = False,
    all_: Everything = False,
    pairwise: Pairwise = False,
    timeout: Timeout = 20.0,
    memory_limit: options.MemoryLimit = None,
) -> int:
    """Hold rotary implementations against a float64 truth.

    \b
    Examples:
      rotcheck compare
      rotcheck compare native mine.py:rotary --device cpu,meta --dtype bfloat16
      rotcheck compare mine.py
      rotcheck compare mine.py:rotary --full
      rotcheck compare transformers-llama timm liger --device cpu,interpreter
      rotcheck compare --pairwise -o report.json -o report.md

    \b
    Your own function, path/to/file.py:function or package.module:function:
      by itself             it is identified first, and judged in its convention
      @rotcheck.declare     above it: it is held to what it declares
      pyproject.toml        [tool.rotcheck.implementations] gives it a name
    docs/compare.md says more; rotcheck identify shows one in full.

    Exit code 0: all that ran agrees. 1: a finding, or a function that was not identified. 2:
    cannot be done as asked. 5: nothing ran.
    """
    progress = session.begin()
    from rotcheck.compare.implementation_lines import places
    from rotcheck.compare.run import compare as run
    from rotcheck.report.pages.comparison import Comparison

    report = run(
        implementations or (),
        devices=device or (),
        dtypes=dtype or (),
        checks=check or (),
        full=full,
        everything=all_,
        pairwise=pairwise,
        timeout=timeout,
        memory_limit=memory_limit,
        on_plan=progress.plan,
        on_cell=progress.cell,
    )
    advice = () if implementations or all_ else _plugins()
    return session.show(Comparison(report, places=places(implementations or ()), advice=advice))


def _plugins() -> tuple[str, ...]:
    """A word on what other installed packages register: it runs only when named."""
    from rotcheck.implementations import registry

    names = list(registry.of_packages())
    if not names:
        return ()
    return (f"`rotcheck compare {' '.join(names)}`: of other installed packages, and not shown",)
