"""`rotcheck train`: a model trained a few steps with each implementation, held against float64."""

from typing import Annotated

import typer

from rotcheck.cli import options
from rotcheck.cli.options import Names
from rotcheck.cli.session import Session, command

Device = Annotated[
    Names,
    options.names("DEVICE", "cpu, cuda, mps, ..., interpreter. Repeatable, comma separated."),
]
Dtype = Annotated[Names, options.dtypes("float32 (default), bfloat16, float16.")]
Steps = Annotated[int, typer.Option(metavar="N", help="Number of training steps.")]
Seed = Annotated[
    int, typer.Option(metavar="N", help="Seed of the initial weights, the batches and the noise.")
]
Fasta = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Your protein sequences; default: 28 that come with rotcheck."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="FACTORY", help="Your model: package.module:factory or path/to/file.py:factory."
    ),
]
Timeout = Annotated[float, options.seconds("For one step.")]


@command("train")
def train(
    session: Session,
    implementations: options.Implementations = None,
    device: Device = None,
    dtype: Dtype = None,
    steps: Steps = 5,
    seed: Seed = 0,
    fasta: Fasta = None,
    model: Model = None,
    timeout: Timeout = 60.0,
) -> int:
    """Train with each implementation, gradients against float64.

    A wrong rotation trains: its loss falls. Its gradient tells.

    \b
    Examples:
      rotcheck train
      rotcheck train native mine.py:function --dtype float32,bfloat16
      rotcheck train native --steps 20 --fasta proteins.fasta
      rotcheck train native --model model.py:factory

    \b
    Your own model: factory(rotary) returns a torch.nn.Module.
      module(tokens)  tokens (B, S) of int64; returns the scalar loss
      rotary(qkv)     qkv (B, S, 3, H, D); returns it with q and k rotated
    A factory without an argument keeps the rotation it has; docs/train.md has an
    example.

    Exit code 0: all that ran agrees. 1: a finding, or a function that was not identified. 2:
    cannot be done as asked. 5: nothing ran.
    """
    progress = session.begin()
    from rotcheck.train.run import train as run

    training = run(
        implementations or (),
        devices=device or (),
        dtypes=dtype or (),
        steps=steps,
        seed=seed,
        fasta=fasta,
        model=model,
        timeout=timeout,
        on_plan=lambda count: progress.plan(count, "steps"),
        on_step=progress.step,
    )
    return session.show(training)
