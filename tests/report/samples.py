"""Reports and probes made by hand, for what shows them."""

from collections.abc import Sequence
from typing import Any

from rotcheck.results import (
    Cell,
    Check,
    Fault,
    Identification,
    Line,
    Machine,
    Pair,
    Part,
    Probe,
    Report,
    summarise,
)

CHECKS = ("forward", "backward", "dtype", "inputs", "strides", "repeat", "offset")
DTYPES = ("float32", "bfloat16", "float16", "float64")
ERRORS = {"float32": 0.52, "bfloat16": 1.19, "float16": 0.75, "float64": 0.5}


def machine(**changes: Any) -> Machine:
    """Return a machine of two cores with a CPU and nothing else."""
    lines = (
        Line(
            group="devices",
            name="cpu",
            state="runs",
            detail="8 dtypes",
            runs=3,
            values={"dtypes": ["float64"]},
        ),
        Line(
            group="devices",
            name="cuda",
            state="not built in",
            detail="this build of torch has no CUDA",
        ),
        Line(group="devices", name="meta", state="runs", runs=3, stand_in=True),
        Line(
            group="torchscript",
            name="legacy executor on meta",
            state="raises",
            detail="NotImplementedError: Unknown device for graph fuser",
            runs=3,
            stand_in=True,
            failure="J1",
            cause="The legacy fuser knows only cpu, cuda and xpu.",
            fix="torch._C._jit_set_profiling_executor(True)",
        ),
        Line(group="switches", name="PYTORCH_JIT", state="not set"),
    )
    plain = {
        "system": "Linux 6.1.0 x86_64, glibc 2.36",
        "processor": "Intel(R) Xeon(R)",
        "cores": 2,
    }
    given = {"memory_gib": 7.8, "python": "3.11.7", "torch": "2.13.0+cpu", "lines": lines}
    return Machine(**{**plain, **given, **changes})


def cell(implementation: str = "native", **changes: Any) -> Cell:
    """Return a cell that agrees."""
    plain = {
        "device": "cpu",
        "dtype": "float32",
        "check": "forward",
        "verdict": "agrees",
        "seconds": 0.001,
    }
    return Cell(implementation=implementation, **{**plain, **changes})


def cells(implementation: str, device: str = "cpu", **changes: Any) -> list[Cell]:
    """Return a cell for each dtype and check."""
    return [
        cell(
            implementation,
            **{"device": device, "dtype": dtype, "check": check, "error": ERRORS[dtype], **changes},
        )
        for dtype in DTYPES
        for check in CHECKS
    ]


def report(found: Sequence[Cell], **changes: Any) -> Report:
    """Return a report of these cells."""
    plain = {
        "rotcheck": "0.1.0",
        "machine": machine(),
        "cells": tuple(found),
        "planned": len(found),
    }
    return Report(**{**plain, "summary": summarise(found), **changes})


def healthy() -> Report:
    """Return a report in which everything that ran agrees."""
    found = cells("native") + cells("torchscript") + cells("interleaved")
    absent = "its rotary is a Triton kernel for CUDA and HIP devices"
    found += cells("flash-attn", verdict="unavailable", error=None, message=absent)
    why = "flash-attn's rotary does not run on cpu"
    return report(found + cells("fallback", path="native", note=why))


def sick() -> Report:
    """Return a report with a finding of each verdict, on the CPU and the meta stand-in."""
    found = list(healthy().cells)
    found += [
        cell(
            "seed-native",
            dtype=dtype,
            check="forward",
            verdict="disagrees",
            error=error,
            message=f"V is rotated as well: it differs by {error} rounding steps",
            where={"batch": 1, "row": 3, "head": 2, "pair": 5},
            failure="N12",
            cause="The tables have no V slot, so every third of qkv is multiplied by cos.",
            fix="Rotate q and k only: `qkv[:, :, :2]`.",
        )
        for dtype, error in (("float32", 3.1e7), ("bfloat16", 412.5), ("float16", 8.05))
    ]
    raising = {
        "verdict": "raises",
        "error": None,
        "message": "NotImplementedError: Unknown device for graph fuser",
    }
    known = {
        "failure": "J1",
        "cause": "The legacy fuser knows only cpu, cuda and xpu.",
        "fix": "Drop the flags.",
    }
    traced = {"trace": ("rotcheck/implementations/builtin/torchscript.py:31 in apply",)}
    found += cells("torchscript-legacy", "meta", stand_in=True, **raising, **known, **traced)
    found += [
        cell(
            "models/mine.py:rotary", verdict="crashes", message="the process was killed by SIGSEGV"
        ),
        cell(
            "models/mine.py:rotary",
            dtype="bfloat16",
            verdict="hangs",
            message="no answer within 20 s",
        ),
        cell(
            "models/mine.py:rotary",
            dtype="float16",
            error=2.4,
            note="2.40 units: more roundings than needed",
        ),
        cell(
            "native",
            device="meta",
            verdict="skipped",
            message="tensors on meta have no values",
            stand_in=True,
        ),
        cell("native", device="meta", check="dtype", stand_in=True),
    ]
    return report(found)


def with_pairs() -> Report:
    """Return a report with one pair of each relation."""
    plain = {"device": "cpu", "dtype": "float32"}
    pairs = (
        Pair(first="native", second="torchscript", largest=0.0, relation="bit-identical", **plain),
        Pair(first="native", second="interleaved", largest=1.25, relation="differs", **plain),
        Pair(first="native", second="fallback", largest=None, relation="same path", **plain),
        Pair(
            first="native",
            second="flash-attn",
            largest=None,
            relation="not comparable",
            reason="flash-attn did not run",
            **plain,
        ),
    )
    return report(healthy().cells, pairs=pairs)


def probe(**changes: Any) -> Probe:
    """Return what a probe of that machine found."""
    return Probe(rotcheck="0.1.0", machine=machine(**changes))


def checked(**changes: Any) -> Check:
    """Return the check of a file with one right function,
    a wrong one and one that was not understood."""
    wrong = Fault(
        answer="wrong",
        by="context",
        rule="N1",
        message="after `.bfloat16()`: right up to position 23, off by 100% at 24",
        cause="inv_freq is a buffer.",
        fix="Keep inv_freq in float32.",
        failure="N1",
        demonstration="import torch\nprint(torch.tensor(257.0).bfloat16())",
    )
    unknown = Fault(
        answer="unknown",
        by="identify",
        rule="unidentified",
        message="no call: none",
        fix="declare it",
    )
    parts = (
        Part(name="model.py:apply", answer="right", file="models/model.py", line=3, kind="applies"),
        Part(
            name="model.py:Rotary",
            answer="wrong",
            file="models/model.py",
            line=12,
            kind="builds",
            needed=4096,
            right_to=24,
            faults=(wrong,),
        ),
        Part(
            name="other.py:rope", answer="unknown", faults=(unknown,), notes=("not tried: offset",)
        ),
    )
    plain = {
        "rotcheck": "0.1.0",
        "machine": machine(),
        "asked": ("models/model.py", "other.py"),
        "device": "cpu",
    }
    given = {
        "dtypes": ("bfloat16",),
        "to": None,
        "answer": "wrong",
        "headline": "wrong: Rotary",
        "parts": parts,
    }
    told = tuple(
        Identification(
            rotcheck="0.1.0",
            specification=part.name,
            torch=None,
            device="cpu",
            follows=False,
            convention=None,
        )
        for part in parts
    )
    return Check(
        **{**plain, **given, "conventions": told, "advice": ("`rotcheck explain N1`",), **changes}
    )
