"""The elements in which flash-attn's kernel differs from ours."""

import importlib.util

import torch
from record import Step, run
from tensors import Maker, Plain, different

SHAPE = (2, 512, 16, 128)


def main(step: Step) -> None:
    """Count them in each dtype and pairing."""
    question = "elements in whose bits flash-attn's kernel differs from ours"
    if step.kind != "cuda":
        step.pass_over(question, f"its kernel runs on CUDA devices, and this is {step.device}")
    elif importlib.util.find_spec("flash_attn") is None:
        step.pass_over(question, "flash-attn is not installed")
    else:
        step.ask(question, lambda: count(step, question))


def count(step: Step, question: str) -> None:
    """Rotate the same values by both."""
    from flash_attn.layers.rotary import apply_rotary_emb

    from rotcheck.rotary import apply_rotary, explain

    maker = Maker(torch.device(step.device))
    told = []
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        x = maker.normal(*SHAPE, dtype=dtype)  # (B, S, H, D)
        tables = maker.tables(SHAPE[1], SHAPE[3] // 2, dtype)  # (S, P) each
        for pairing in ("half", "interleaved"):
            # (B, S, H, D)
            theirs = apply_rotary_emb(x, *tables, interleaved=pairing == "interleaved")
            with Plain():
                # (B, S, H, D), the bits of our kernel
                ours = apply_rotary(x, *tables, pairing=pairing)
            off = different(theirs, ours)
            told.append(f"{str(dtype)[6:]} {pairing} {off / x.numel():.3%}")
    step.tell(question, f"of {x.numel()} elements: {', '.join(told)}")
    step.tell("the path that rotcheck takes beside flash-attn", explain(x, *tables).path)


if __name__ == "__main__":
    run(main)
