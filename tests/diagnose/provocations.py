"""Failures provoked for real, a function each, named after the failure's id: `J1`, `N19_polar`.

`conftest.py` runs each one in a process of its own, in an empty folder,
and keeps what it says on stderr.
"""

import contextlib
import faulthandler
import os
import signal
import subprocess
import sys
import sysconfig
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint


def _scripted() -> Callable[..., torch.Tensor]:
    def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        first, second = x.chunk(2, dim=-1)
        return x * cos + torch.cat((-second, first), dim=-1) * sin

    return torch.jit.script(rotate)


def _rotate_three_times(device: str) -> None:
    rotate, x = _scripted(), torch.randn(2, 8, device=device)
    for _ in range(3):
        rotate(x, x, x)


def J1() -> None:
    torch._C._jit_set_profiling_executor(False)
    _rotate_three_times("meta")


def J2() -> None:
    torch._C._jit_override_can_fuse_on_cpu(True)
    _rotate_three_times("cpu")


def J3() -> None:
    torch._C._jit_set_profiling_executor(False)
    torch._C._jit_override_can_fuse_on_cpu_legacy(True)
    _rotate_three_times("cpu")


def J4() -> None:
    with torch.jit.fuser("fuser3"):
        _rotate_three_times("meta")


def J5() -> None:
    with torch.jit.fuser("fuser1"):
        pass


def J6() -> None:
    _scripted()


def J6_as_error() -> None:
    warnings.simplefilter("error")
    _scripted()


def F1() -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    source = "void _ZN3c106detail14torchCheckFailEPKcS2_jRKSs(void); void f(void) { %s(); }"
    Path("stub.c").write_text(source % "_ZN3c106detail14torchCheckFailEPKcS2_jRKSs")
    library = f"flash_attn_2_cuda{suffix}"
    subprocess.run(["gcc", "-shared", "-fPIC", "stub.c", "-o", library], check=True)
    sys.path.insert(0, os.getcwd())
    import flash_attn_2_cuda  # noqa: F401


def F2() -> None:
    import flash_attn.layers.rotary  # noqa: F401


def F2_bert_padding() -> None:
    import flash_attn.bert_padding  # noqa: F401


def F3() -> None:
    import rotary_emb  # noqa: F401


def F4() -> None:
    Path("flash_attn").mkdir()
    Path("flash_attn/__init__.py").touch()
    sys.path.insert(0, os.getcwd())
    import flash_attn.ops.triton.rotary  # noqa: F401


def _flash_attn_rotary() -> SimpleNamespace:
    os.environ["FLASH_ATTENTION_TRITON_AMD_ENABLE"] = "TRUE"
    from flash_attn.layers.rotary import RotaryEmbedding, apply_rotary_emb

    return SimpleNamespace(apply=apply_rotary_emb, RotaryEmbedding=RotaryEmbedding)


def _apply(head_dim: int, rows: int, width: int) -> None:
    rotary, table = _flash_attn_rotary(), torch.randn(rows, width)
    rotary.apply(torch.randn(2, 10, 3, head_dim), table, table)  # (B, S, H, D)


def _apply_interpreted(head_dim: int, rows: int, width: int) -> None:
    os.environ["TRITON_INTERPRET"] = "1"
    torch.cuda.device = lambda index: contextlib.nullcontext()
    _apply(head_dim, rows, width)


def F5() -> None:
    _flash_attn_rotary()
    import flash_attn.ops.layer_norm  # noqa: F401


def F7() -> None:
    query, other = torch.randn(1, 2, 4, 8), torch.randn(1, 2, 4, 8).bfloat16()
    F.scaled_dot_product_attention(query, other, other)


def F9() -> None:
    _apply(64, 10, 32)


def F10() -> None:
    _flash_attn_rotary().RotaryEmbedding(64, pos_idx_in_fp32=True)


def F10_old_name() -> None:
    x, table = torch.randn(2, 10, 3, 64), torch.randn(10, 32)
    _flash_attn_rotary().apply(x, table, table, seqlen_offset=3)


def F11_full_width() -> None:
    _apply_interpreted(64, 10, 64)


def F11_short() -> None:
    _apply_interpreted(64, 5, 32)


def F11_wide_head() -> None:
    _apply_interpreted(512, 10, 256)


def F13() -> None:
    with torch.inference_mode():
        cos = torch.randn(4)
    (torch.randn(4, requires_grad=True) * cos).sum().backward()


def F14() -> None:
    q = torch.randn(4, 8, 2, requires_grad=True).exp()
    torch.view_as_complex(q).mul_(torch.polar(torch.ones(8), torch.ones(8)))
    q.sum().backward()


def F14_leaf() -> None:
    torch.ones(4, requires_grad=True).mul_(2)


def F16() -> None:
    folder = Path("flash-attn")
    folder.mkdir()
    (folder / "setup.py").write_text("import torch")
    subprocess.run([sys.executable, "-I", "-S", str(folder / "setup.py")])


def F17() -> None:
    def rotate(x: torch.Tensor) -> torch.Tensor:
        with contextlib.suppress(ImportError):
            import flash_attn.layers.rotary  # noqa: F401
        return x * 2

    torch.compile(rotate, backend="eager", fullgraph=True)(torch.ones(4))


def F19() -> None:
    subprocess.run([sys.executable, "-I", "-S", "-c", "import flash_attn"])


def T1() -> None:
    from torch._inductor.exc import TritonMissing

    raise TritonMissing(None)


def T1_absent() -> None:
    subprocess.run([sys.executable, "-I", "-S", "-c", "import triton"])


def T2() -> None:
    from torch._inductor.exc import GPUTooOldForTriton

    raise GPUTooOldForTriton(SimpleNamespace(name="a GPU", major=6, minor=1), None)


def _build_launcher() -> None:
    os.environ["TRITON_CACHE_DIR"] = "triton"
    from triton.runtime.build import compile_module_from_src

    compile_module_from_src(src="int launch;", name="launcher", libraries=["cuda"])


def T4_no_compiler() -> None:
    os.environ["PATH"] = ""
    _build_launcher()


def T4_no_libcuda_to_link() -> None:
    _build_launcher()


def T4_no_libcuda() -> None:
    from triton.backends.nvidia.driver import libcuda_dirs

    libcuda_dirs()


def T5() -> None:
    # A process of its own: inductor reads CXX once, when it is imported.
    code = "import torch; torch.compile(lambda x: x * 2 + 1)(torch.ones(4))"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"CXX": "/nonexistent/g++"})


def _compile_kernel(pointer: str, size: int) -> None:
    # In a file, from which Triton reads it: a kernel needs no GPU to be compiled for one.
    Path("kernel.py").write_text(
        "import triton, triton.language as tl\n\n@triton.jit\n"
        "def double(x, SIZE: tl.constexpr):\n    i = tl.arange(0, SIZE)\n    tl.store(x + i, tl.load(x + i) * 2)\n"
    )
    sys.path.insert(0, os.getcwd())
    import triton
    from kernel import double
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    source = ASTSource(double, {"x": pointer, "SIZE": "constexpr"}, {"SIZE": size})
    triton.compile(source, target=GPUTarget("cuda", 80, 32))


def T11() -> None:
    _compile_kernel("*fp8e4nv", 64)


def T15() -> None:
    torch.cuda.device = lambda index: contextlib.nullcontext()
    _apply(64, 10, 32)


def T18() -> None:
    import pwd

    pwd.getpwuid(2**31 - 5)


def T22() -> None:
    _compile_kernel("*fp32", 96)


def K1() -> None:
    def rotate(x: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
        return torch.view_as_real(pairs * table).flatten(-2)

    torch.compile(rotate)(torch.ones(4, 8), torch.polar(torch.ones(4, 4), torch.ones(4, 4)))


def _many_lengths(fullgraph: bool) -> None:
    def table(x: torch.Tensor, length: int) -> torch.Tensor:
        return x * length

    compiled = torch.compile(table, backend="eager", dynamic=False, fullgraph=fullgraph)
    for length in range(2, 14):
        compiled(torch.ones(2), length)


def K2() -> None:
    _many_lengths(fullgraph=False)


def K2_fullgraph() -> None:
    _many_lengths(fullgraph=True)


def K6() -> None:
    class LongRope(torch.nn.Module):
        def forward(self, x: torch.Tensor, position_ids: torch.Tensor) -> torch.Tensor:
            return x * 2 if torch.max(position_ids) + 1 > 4096 else x

    torch.export.export(LongRope(), (torch.ones(3), torch.arange(5)), strict=False)


def M13() -> None:
    torch.mps.get_device_name()


def C4_cuda() -> None:
    torch.zeros(1, device="cuda")


def C4_xpu() -> None:
    torch.zeros(1, device="xpu")


def C4_mps() -> None:
    torch.zeros(1, device="mps")


def C4_moved() -> None:
    torch.zeros(1).to("mps")


def C4_npu() -> None:
    torch.zeros(1, device="npu")


def C4_hpu() -> None:
    torch.zeros(1, device="hpu")


def N6() -> None:
    module = torch.nn.Module()
    module.register_buffer("table", torch.polar(torch.ones(4), torch.ones(4)))
    module.to(torch.bfloat16)


def N31() -> None:
    torch.bmm(torch.ones(1, 4, 4).half(), torch.ones(1, 4, 4))


def N14() -> None:
    torch.ones(4, device="meta") * torch.ones(4)


def A12() -> None:
    freqs_cis = torch.view_as_complex(torch.ones(2, 2, 2, dtype=torch.float16))
    freqs_cis @ freqs_cis


def A13() -> None:
    torch.ones(2, dtype=torch.complex64).clamp(0, 1)


def P1() -> None:
    torch.nn.Module().register_buffer("inv_freq", torch.ones(4, device="meta").to("cpu"))


def P3() -> None:
    rotary = torch.nn.Module()
    rotary.load_state_dict({"inv_freq": torch.ones(4)})


def P5() -> None:
    tables: list[torch.Tensor] = []

    def rotate(x: torch.Tensor) -> torch.Tensor:
        if not tables:
            tables.append(x.cos())
        return x * tables[0]

    checkpoint(rotate, torch.ones(4, requires_grad=True), use_reentrant=False).sum().backward()


def P7() -> None:
    cos = torch.ones(4, requires_grad=True).cos()
    (torch.ones(4, requires_grad=True) * cos).sum().backward()
    (torch.ones(4, requires_grad=True) * cos).sum().backward()


def N19_polar() -> None:
    torch.polar(torch.ones(4).half(), torch.ones(4).half())


def N19_bfloat16() -> None:
    torch.polar(torch.ones(4).bfloat16(), torch.ones(4).bfloat16())


def N19_view() -> None:
    torch.view_as_complex(torch.ones(4, 2).bfloat16())


def N19_last_stride() -> None:
    torch.view_as_complex(torch.ones(4, 4)[:, ::2])


def N19_other_stride() -> None:
    torch.view_as_complex(torch.ones(4, 3)[:, :2])


def R10() -> None:
    torch.ones(2, 10, 3, 8, 64) * torch.ones(1, 10, 1, 1, 32)


def R10_meta() -> None:
    torch.ones(4, 64, device="meta") * torch.ones(4, 32, device="meta")


def R17_onnx() -> None:
    from torch.onnx.ops import rotary_embedding

    x, table = torch.randn(1, 2, 4, 8, requires_grad=True), torch.randn(4, 4)
    rotary_embedding(x, table, table, torch.arange(4)[None]).sum().backward()


def R17_detached() -> None:
    torch.ones(4, requires_grad=True).detach().sum().backward()


def R20() -> None:
    torch.empty(1 << 48)


def R21() -> None:
    faulthandler.dump_traceback_later(0.05)
    time.sleep(0.3)


def _die(number: int) -> None:
    faulthandler.enable()
    os.kill(os.getpid(), number)


def R23_segmentation_fault() -> None:
    _die(signal.SIGSEGV)


def R23_bus_error() -> None:
    _die(signal.SIGBUS)


def R23_arithmetic() -> None:
    _die(signal.SIGFPE)


def R23_illegal_instruction() -> None:
    _die(signal.SIGILL)


def R24() -> None:
    faulthandler.enable()
    os.abort()


def R27() -> None:
    torch.randn(8, 4)[torch.tensor([9])]


def R27_embedding() -> None:
    F.embedding(torch.tensor([9]), torch.randn(8, 4))


def R33() -> None:
    Path("part.py").write_text("from .other import x")
    subprocess.run([sys.executable, "part.py"])
