"""Our kernel against PyTorch's operations, bit by bit."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import torch
from record import Step, run
from tensors import Maker, Plain, different
from torch import Tensor

sys.modules["flash_attn"] = None  # type: ignore[assignment]  # it is not here: our own kernel is what is asked
from rotcheck.rotary import apply_rotary, explain  # noqa: E402  # behind the line above

BATCH, LENGTH, HEADS, WIDTH = 2, 33, 5, 64
SHAPES = {
    "bshd": (BATCH, LENGTH, HEADS, WIDTH),
    "bhsd": (BATCH, HEADS, LENGTH, WIDTH),
    "sbhd": (LENGTH, BATCH, HEADS, WIDTH),
    "thd": (LENGTH, HEADS, WIDTH),
    "qkv": (BATCH, LENGTH, 3, HEADS, WIDTH),
}
LARGE = (1, 131073, 128, 128)  # 2**31 + 16384 elements
LARGE_BYTES = 12 << 30  # that it takes in bfloat16, and what the operations take of a part of it
PART = 4096  # positions


class Case(NamedTuple):
    """A call: what it rotates, by which tables, and how."""

    x: Tensor
    tables: tuple[Tensor, ...]
    options: dict[str, Any]

    def rotate(self, x: Tensor) -> Tensor:
        """Rotate x."""
        return apply_rotary(x, *self.tables, **self.options)

    def path(self) -> str:
        """Return which code the call takes."""
        return explain(self.x, *self.tables, **self.options).path


How = Callable[[Case], Tensor]
Group = Callable[[Maker], Iterator[Case]]


def main(step: Step) -> None:
    """Ask one group of calls after another."""
    maker = Maker(torch.device(step.device))
    for group in (dtypes, layouts, forms, partial, views):
        ask(step, group.__doc__ or "", group, maker, forward)
    ask(step, "in place", layouts, maker, in_place)
    ask(step, "gradients", layouts, maker, gradient)
    ask_where(step, "into a tensor that is given, out=", layouts, maker, into_given, without_out())
    ask_where(step, "on a side stream", layouts, maker, side_stream, without_cuda(step))
    for question, order in (("lanes innermost", (0, 1, 2, 3)), ("lanes outermost", (3, 0, 1, 2))):
        question = f"more than 2**31 elements, {question}"
        reason = without_cuda(step) or too_little(step)
        if reason:
            step.pass_over(question, reason)
        else:
            step.ask(question, functools.partial(large, step, maker, question, order))
    for group in (layouts, forms):  # last: a capture that fails may leave the process unfit
        question = f"replayed from a CUDA graph, {group.__doc__}"
        ask_where(step, question, group, maker, graph_replay, without_cuda(step))


def ask(step: Step, question: str, group: Group, maker: Maker, how: How) -> None:
    """Compare one group of calls."""
    step.ask(question, lambda: compare(step, question, list(group(maker)), how))


def ask_where(
    step: Step, question: str, group: Group, maker: Maker, how: How, reason: str | None
) -> None:
    """Compare one group of calls, unless there is a reason not to."""
    if reason:
        step.pass_over(question, reason)
    else:
        ask(step, question, group, maker, how)


def without_cuda(step: Step) -> str | None:
    """Return why what only CUDA has is not asked."""
    return (
        None if step.kind == "cuda" else f"this is asked of CUDA devices, and this is {step.device}"
    )


def without_out() -> str | None:
    """Return why nothing is written into a tensor that is given."""
    has = "out" in inspect.signature(apply_rotary).parameters
    return None if has else "this rotcheck has no out="


def dtypes(maker: Maker) -> Iterator[Case]:
    """float32, float64, bfloat16 and float16, with tables in the same and in float32"""
    for dtype in filter(maker.has, (torch.float32, torch.float64, torch.bfloat16, torch.float16)):
        x = maker.normal(*SHAPES["bshd"], dtype=dtype)  # (B, S, H, D)
        for of_tables in {dtype, torch.float32}:
            yield Case(x, maker.tables(LENGTH, WIDTH // 2, of_tables), {})


def layouts(maker: Maker) -> Iterator[Case]:
    """layouts, pairings and directions"""
    for layout, pairing, direction in product(SHAPES, ("half", "interleaved"), (1, -1)):
        options = {"layout": layout, "pairing": pairing, "direction": direction}
        x = maker.normal(*SHAPES[layout], dtype=torch.bfloat16)
        yield Case(x, maker.tables(LENGTH, WIDTH // 2), options)


def forms(maker: Maker) -> Iterator[Case]:
    """forms of the tables, rows of their own for each batch, rows behind an offset"""
    x = maker.normal(*SHAPES["bshd"], dtype=torch.bfloat16)  # (B, S, H, D)
    cos, sin = maker.tables(LENGTH + 7, WIDTH // 2)  # (S + 7, P) each
    yield Case(x, (cos, sin), {"offset": 7})
    for pairing in ("half", "interleaved"):
        repeat = {
            "half": lambda t: torch.cat((t, t), -1),
            "interleaved": lambda t: t.repeat_interleave(2, -1),
        }
        full = (repeat[pairing](cos), repeat[pairing](sin))  # (S + 7, D) each
        yield Case(x, full, {"form": "repeated", "pairing": pairing})
    own = [torch.stack((table[:LENGTH], table[7:])) for table in (cos, sin)]  # (B, S, P) each
    yield Case(x, (own[0], own[1]), {})
    yield Case(x, (maker.normal(LENGTH, WIDTH // 2),), {"form": "angles"})
    yield Case(x, (torch.arange(LENGTH, device=maker.device),), {"form": "positions"})


def partial(maker: Maker) -> Iterator[Case]:
    """heads of 64 to 576 lanes, of which 16 to all rotate, and 1 to 256 heads"""
    sizes = [
        (1, 64, 16),
        (256, 128, 2),
        (16, 576, 64),
        (3, 80, 80),
        (32, 256, 128),
        (2, 96, 96),
        (64, 128, 128),
    ]
    for (heads, width, rotary), pairing in product(sizes, ("half", "interleaved")):
        x = maker.normal(BATCH, 9, heads, width, dtype=torch.bfloat16)  # (B, S, H, D)
        yield Case(x, maker.tables(9, rotary // 2), {"pairing": pairing})


def views(maker: Maker) -> Iterator[Case]:
    """views: every second head, every second lane, transposed, parts of a larger tensor,
    not aligned"""
    cos_and_sin = maker.tables(LENGTH, WIDTH // 2)
    wide = maker.normal(BATCH, LENGTH, 2 * HEADS, 2 * WIDTH, dtype=torch.bfloat16)  # (B, S, 2H, 2D)
    # (B * S * H * D,)
    odd = maker.normal(BATCH * LENGTH * HEADS * WIDTH + 1, dtype=torch.bfloat16)[1:]
    for x in (
        wide[:, :, ::2, :WIDTH],
        wide[:, :, :HEADS, ::2],
        maker.normal(*SHAPES["bhsd"]).transpose(1, 2),
        maker.normal(WIDTH, BATCH, LENGTH, HEADS).permute(1, 2, 3, 0),
        odd.view(SHAPES["bshd"]),
    ):
        for pairing in ("half", "interleaved"):
            yield Case(x, cos_and_sin, {"pairing": pairing})


def forward(case: Case) -> Tensor:
    """Return what comes back."""
    return case.rotate(case.x)


def in_place(case: Case) -> Tensor:
    """Return what x holds behind a call in place."""
    x = case.x.clone()
    case.rotate(x)
    return x


def gradient(case: Case) -> Tensor:
    """Return the gradient of x, of what comes back times x."""
    x = case.x.clone().requires_grad_()
    rotated = case.rotate(x)
    rotated.backward(case.x.flip(-1).contiguous())
    assert x.grad is not None
    return x.grad


def into_given(case: Case) -> Tensor:
    """Return what was written into the tensor that was given."""
    out = torch.full_like(case.x, torch.nan)
    apply_rotary(case.x, *case.tables, **case.options, out=out)
    return out


def side_stream(case: Case) -> Tensor:
    """Return what a call on another stream writes, behind work that this stream has still to do."""
    stream = torch.cuda.Stream(case.x.device)
    stream.wait_stream(torch.cuda.current_stream(case.x.device))
    with torch.cuda.stream(stream):
        torch.cuda._sleep(1 << 20)
        rotated = case.rotate(case.x.clone())
    torch.cuda.current_stream(case.x.device).wait_stream(stream)
    return rotated


def graph_replay(case: Case) -> Tensor:
    """Return what a captured call writes when it is replayed on other values
    than it was captured with."""
    x = torch.zeros_like(case.x)
    case.rotate(x)  # compiles it, which cannot be captured
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        rotated = case.rotate(x)
    x.copy_(case.x)
    graph.replay()
    return rotated


def compare(step: Step, question: str, cases: list[Case], how: How) -> None:
    """Say whether every call gives the bits of the operations, and which code it took."""
    paths, wrong = set[str](), list[str]()
    for case in cases:
        options = {**case.options, "inplace": True} if how is in_place else case.options
        asked = case._replace(options=options)
        path, against = (
            asked.path(),
            in_place if how is in_place else gradient if how is gradient else forward,
        )
        paths.add(path)
        with Plain():
            right = against(asked)
        off = different(how(asked), right)
        if off:
            wrong.append(f"{off} of {right.numel()} in {words(asked)} on {path}")
    took = ", ".join(sorted(paths))
    if paths == {"operations"}:
        step.pass_over(
            question, f"{len(cases)} calls take the operations themselves on {step.device}"
        )
    elif wrong:
        step.say(
            question,
            False,
            f"{len(wrong)} of {len(cases)} calls differ ({took}): {'; '.join(wrong[:3])}",
        )
    else:
        step.say(question, True, f"{len(cases)} calls have the same bits ({took})")


def words(case: Case) -> str:
    """Return what tells a call from others."""
    options = "".join(f", {name}={value}" for name, value in case.options.items())
    return f"{str(case.x.dtype)[6:]} {tuple(case.x.shape)}{options}"


def large(step: Step, maker: Maker, question: str, order: tuple[int, ...]) -> None:
    """Rotate a tensor of more than 2**31 elements whose axes lie in memory in this order."""
    back = [order.index(axis) for axis in range(4)]
    memory = torch.empty([LARGE[axis] for axis in order], dtype=torch.bfloat16, device=step.device)
    x = memory.normal_().permute(back)  # (1, S, H, D)
    off, path = _large(Case(x, maker.tables(LARGE[1], LARGE[3] // 2), {}))
    if path == "operations":
        step.pass_over(question, f"it takes the operations themselves on {step.device}")
    else:
        step.say(question, off == 0, f"{off} of {x.numel()} elements differ ({path})")


def too_little(step: Step) -> str | None:
    """Return why the device has not the memory for the large tensor and what comes back."""
    free, _ = torch.cuda.mem_get_info(step.device)
    if free >= LARGE_BYTES:
        return None
    return f"{free / 2**30:.1f} GiB are free; it takes {LARGE_BYTES / 2**30:.0f}"


def _large(case: Case) -> tuple[int, str]:
    """Return how many elements differ from the operations on a part at a time, and the path."""
    rotated, off = case.rotate(case.x), 0  # (1, S, H, D)
    for first in range(0, LARGE[1], PART):
        rows = slice(first, first + PART)
        cos, sin = (table[rows] for table in case.tables)  # (PART, P) each
        with Plain():
            right = apply_rotary(case.x[:, rows], cos, sin)  # (1, PART, H, D)
        off += different(rotated[:, rows], right)
    return off, case.path()


if __name__ == "__main__":
    run(main)
