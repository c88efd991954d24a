"""`rotcheck model`: which rotary code runs in a model, is it right, does it do what the config
says?"""

from collections.abc import Sequence
from typing import Annotated

import typer

from rotcheck.cli import options
from rotcheck.cli.options import Names
from rotcheck.cli.session import Session, command

Spec = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="transformers:ARCHITECTURE, diffusers:CLASS, timm:NAME, a folder or file with a config.json, "
        "a .gguf file, package.module:factory or path/to/file.py:factory.",
    ),
]
Device = Annotated[Names, options.names("DEVICE", "cpu, cuda, mps, ... All that run by default.")]
Dtype = Annotated[
    Names, options.dtypes("float32 (default; of a factory: its own), bfloat16, float16.")
]
Way = Annotated[
    Names,
    options.names(
        "WAY",
        "decode, left-padding, packing, ...: call it in these ways. All by default; none: no.",
    ),
]
Text = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Judge trained weights by this text, or by the `sample` of rotcheck."
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        metavar="OTHER",
        help="Another model, of any kind that SPEC may be: do both turn q and k alike?",
    ),
]
Timeout = Annotated[float, options.seconds("For the one pass, and for each way.")]


def _ways(names: Names) -> Sequence[str] | None:
    from rotcheck.model.sequences import names as all_names

    if names is None:
        return None
    return {"all": all_names(), "none": ()}.get(names[0], names) if len(names) == 1 else names


@command("model")
def model(
    session: Session,
    spec: Spec,
    device: Device = None,
    dtype: Dtype = None,
    way: Way = None,
    text: Text = None,
    against: Against = None,
    timeout: Timeout = 300.0,
    memory_limit: options.MemoryLimit = None,
) -> int:
    """Run a model once and judge its rotary code where it runs.

    The model is built small: few layers, its rotary part untouched. Each function that
    turns a tensor, and each that makes tables, is found by what it does, and judged in
    the call that the model makes. So is what enters the attention.

    \b
    Examples:
      rotcheck model transformers:llama
      rotcheck model path/to/checkpoint/config.json
      rotcheck model path/to/file.py:factory --device cuda --dtype bfloat16
      rotcheck model path/to/checkpoint --text sample
      rotcheck model path/to/checkpoint --against path/to/port.py:factory

    A factory takes no argument and returns a torch.nn.Module, or that and its inputs.

    Exit code 0: all that ran is right. 1: a finding, or something that was not
    understood. 2: cannot be done as asked. 5: no rotary code ran.
    """
    progress = session.begin()
    from rotcheck.model.run import model as run

    report = run(
        spec,
        devices=device or (),
        dtypes=dtype or (),
        ways=_ways(way),
        text=text,
        against=against,
        timeout=timeout,
        memory_limit=memory_limit,
        on_plan=lambda count: progress.plan(count, "runs"),
        on_row=progress.step,
    )
    return session.show(report)
