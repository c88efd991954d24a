"""Hazards of numbers and tables: defects as people write them, healthy twins,
and what each does when it is run."""

from pathlib import Path
from types import ModuleType

import pytest
import torch
from scanning import lines, scanned

HEAD = "import torch\nfrom torch import nn\n\n"

POSITION_BUFFER = """
class RotaryTable(nn.Module):
    def __init__(self, dim, base=10000.0):
        super().__init__()
        inv_freq = 1.0 / base ** (torch.arange(0, dim, 2).float() / dim)
        self.register_buffer("inv_freq", inv_freq)

    def forward(self, x):
        t = torch.arange(x.shape[1], device=x.device)COUNT  # here
        angles = torch.outer(t, self.inv_freqWIDTH)
        return angles.cos(), angles.sin()
"""
POSITION_NN_BUFFER = POSITION_BUFFER.replace(
    'self.register_buffer("inv_freq", inv_freq)', "self.inv_freq = nn.Buffer(inv_freq)"
)
POSITION_ACTIVATION = """
def rope_angles(x, theta=10000.0):
    steps = torch.arange(x.shape[1], device=x.device, dtype=DTYPE)  # here
    inv_freq = theta ** -(torch.arange(0, x.shape[-1], 2, device=x.device).float() / x.shape[-1])
    return torch.outer(steps, inv_freq).cos()
"""
POSITION_CAST_BEFORE_COS = """
def rope_table(n, inv_freq):
    freqs = torch.outer(torch.arange(n).float(), inv_freq)
    emb = torch.cat((freqs, freqs), dim=-1)BEFORE  # here
    return emb.cos()AFTER
"""
MATMUL = """
class RotaryPhases(nn.Module):
    def __init__(self, inv_freq):
        super().__init__()
        self.register_buffer("inv_freq", inv_freq, persistent=False)

    def forward(self, position_ids):
        freqs = position_ids[:, :, None].float() @ self.inv_freq[None, None, :].float()  # here
        return freqs
"""
EINSUM = """
class RotaryPhases(nn.Module):
    def __init__(self, inv_freq):
        super().__init__()
        self.inv_freq = nn.Buffer(inv_freq)

    def _angles(self, n):
        return torch.einsum("i,j->ij", torch.arange(n, device=self.inv_freq.device), self.inv_freq)  # here

    def forward(self, x):
        return self._angles(x.shape[1])
"""
COMPLEX = """
def precompute(dim, end):
    phase = torch.outer(torch.arange(end).float(), 10000.0 ** -(torch.arange(0, dim, 2).float() / dim))
    return torch.polar(torch.ones_like(phase), phase)


class RopeAttention(nn.Module):
    def __init__(self, dim, end):
        super().__init__()
        self.register_buffer("freqs_cis", precompute(dim, end), persistent=False)  # here
"""
FLOAT64 = """
def rope_apply(x, freqs):
    pairs = torch.view_as_complex(x.to(torch.float64).unflatten(-1, (-1, 2)))  # here
    return torch.view_as_real(pairs * freqs).flatten(-2).type_as(x)
"""
CACHE = """
class Rotary(nn.Module):
    def __init__(self, inv_freq):
        super().__init__()
        self.register_buffer("inv_freq", inv_freq)
        self.seq_len_cached = None
        self.cos_cached = None

    def forward(self, x):
        seq_len = x.shape[1]
        if seq_len != self.seq_len_cached:  # here
            self.seq_len_cached = seq_len
            freqs = torch.outer(torch.arange(seq_len, device=x.device).float(), self.inv_freq)
            self.cos_cached = freqs.cos()[None, :, None]
        return self.cos_cached
"""
CACHE_RETURNED = """
class Rotary(nn.Module):
    def __init__(self, inv_freq):
        super().__init__()
        self.register_buffer("inv_freq", inv_freq)
        self.cached_length = None
        self.cached_table = None

    def forward(self, x):
        if x.shape[1] == self.cached_length and self.cached_table is not None:  # here
            return self.cached_table
        self.cached_length = x.shape[1]
        freqs = torch.outer(torch.arange(x.shape[1], device=x.device).float(), self.inv_freq)
        self.cached_table = freqs.cos()
        return self.cached_table
"""
CACHE_OF_A_SHAPE = """
class RotaryShape(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.cos_cached = None

    def _build_cache(self, x):
        if self.cos_cached is not None and x.shape[1] <= self.cos_cached.shape[0]:  # here
            return
        theta = 10000.0 ** -(torch.arange(0, 4, 2, device=x.device).float() / 4)
        self.cos_cached = torch.outer(torch.arange(x.shape[1], device=x.device).float(), theta).cos()

    def forward(self, x):
        self._build_cache(x)
        return self.cos_cached[: x.shape[1]]
"""
KEPT_FREQUENCIES = """
class RotaryKept(nn.Module):
    def forward_from(self, x):
        theta = 10000.0 ** -(torch.arange(0, 4, 2).float() / 4)
        self.theta = theta.to(x.device).to(x.dtype)  # here
        return torch.outer(torch.arange(x.shape[1]).float(), self.theta).cos()
"""
PLAIN = """
class RotaryPlain(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.inv_freq = 10000.0 ** -(torch.arange(0, dim, 2).float() / dim)  # here

    def forward(self, positions):
        return positions[:, None] * self.inv_freq
"""
EMPTY = """
class RotaryEmpty(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.register_buffer("inv_freq", 10000.0 ** -(torch.arange(0, dim, 2).float() / dim), persistent=False)  # here

    def forward(self, positions):
        return positions[:, None] * self.inv_freq


def build(dim):
    with torch.device("meta"):
        model = RotaryEmpty(dim)
    return model.to_empty(device="cpu")
"""
PARTS = """
def rope_in_place(q, cos, sin):
    a, b = q[..., :2].clone(), q[..., 2:].clone()
    q[..., :2] = a * cos - b * sin
    q[..., 2:] = b * cos + a * sin
    return q


class RopeAttention(nn.Module):
    def forward(self, qkv, cos, sin):
        q, k, v = qkv.chunk(3, dim=-1)
        q = rope_in_place(q, cos, sin)  # here
        return q
"""
ALIASED = """
def apply_rope(x, cos, sin):
    a, b = x[..., :2], x[..., 2:]
    left = x[..., :2]
    x[..., :2] = left * cos - b * sin
    x[..., 2:] = b * cos + left * sin  # here
    return x
"""
OUT = """
def apply_rope_out(x, cos):
    return torch.mul(x, cos, out=x)  # here
"""

# code, source with a mark on its line, what makes it healthy: (old, new)
IMPORT = """
try:
    from flash_attn import flash_attn_func
except:  # here
    flash_attn_func = None
"""
PRETRAINED = """
from transformers import PreTrainedModel


class RopeTable(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.register_buffer("inv_freq", 1e4 ** -(torch.arange(0, dim, 2) / dim), persistent=False)  # here

    def forward(self, positions):
        return positions[:, None] * self.inv_freq


class Model(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.rope = RopeTable(8)
        self.weight = nn.Parameter(torch.ones(2))
        self.post_init()

    def _init_weights(self, module):
        pass
"""
DICTIONARY = """
def rope_table(n, x, inv_freq, tables={}):
    key = n
    if key not in tables:  # here
        tables[key] = torch.outer(torch.arange(n, device=x.device), inv_freq).cos()
    return tables[key]
"""
UNDER_LRU_CACHE = """
import functools


class Rotary(nn.Module):
    def __init__(self, inv_freq):
        super().__init__()
        self.register_buffer("inv_freq", inv_freq)

    @functools.lru_cache(maxsize=8)
    def forward(self, n):  # here
        return torch.outer(torch.arange(n, device=self.inv_freq.device), self.inv_freq).cos()
"""
ONCE = """
class Rotary(nn.Module):
    def __init__(self, inv_freq):
        super().__init__()
        self.register_buffer("inv_freq", inv_freq)
        self.table = None

    def forward(self, x):
        if self.table is None:  # here
            self.table = torch.outer(torch.arange(99, device=x.device), self.inv_freq).cos()
        return self.table[: x.shape[1]]
"""
DTYPE_OF_A_CALLER = """
class RopeOfGrid:
    def table(self, n, device, dtype):
        inv_freq = 100.0 ** -(torch.arange(0, 32, 2, device=device) / 32)
        angles = torch.outer(torch.arange(n, device=device), inv_freq).to(dtype)  # here
        return angles.cos()

    def __call__(self, x):
        return x * self.table(x.shape[1], x.device, x.dtype)
"""
SINUSOID = """
def sinusoidal_embedding_1d(dim, position):
    position = position.type(torch.float64)  # here
    angles = torch.outer(position, 1e4 ** -(torch.arange(dim // 2).to(position) / (dim // 2)))
    return torch.cat((angles.cos(), angles.sin()), dim=1)
"""
COMPLEX_BELOW = """
class RoPE(nn.Module):
    def __init__(self, phase):
        super().__init__()
        self.phase = phase
        self.register_buffer("table", self.build(), persistent=False)  # here

    def build(self):
        raise NotImplementedError


class ComplexRoPE(RoPE):
    def build(self):
        return torch.polar(torch.ones_like(self.phase), self.phase)
"""
OVERRIDE = """
class Rotary(nn.Module):
    def __init__(self, inv_freq):
        super().__init__()
        self.register_buffer("inv_freq", inv_freq)

    def fill(self, positions):
        return torch.outer(positions, self.inv_freq)

    def forward(self, positions):
        return self.fill(positions)


class ScaledRotary(Rotary):
    def fill(self, positions):
        positions = positions / 4
        return torch.einsum("i,j->ij", positions, self.inv_freq)  # here
"""
CASES: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "type_as a buffer": (
        "position-dtype",
        POSITION_BUFFER.replace("COUNT", ".type_as(self.inv_freq)").replace("WIDTH", ""),
        ((".type_as(self.inv_freq)", ".float()"), ("    def forward", "    def to(self, *a): ...\n\n    def forward")),
    ),
    "dtype of an nn.Buffer": (
        "position-dtype",
        POSITION_NN_BUFFER.replace("COUNT", ".to(self.inv_freq.dtype)").replace("WIDTH", ""),
        ((".to(self.inv_freq.dtype)", ".to(torch.float32)"), ("def forward(self, x)", "def __init__(self, x)")),
    ),
    "dtype of the activations": (
        "position-dtype",
        POSITION_ACTIVATION.replace("DTYPE", "x.dtype"),
        (("x.dtype", "torch.float32"), ("x.dtype", "torch.int64"), ("steps = ", "x = x.float()\n    steps = ")),
    ),
    "bfloat16 before the cosine": (
        "position-dtype",
        POSITION_CAST_BEFORE_COS.replace("BEFORE", ".to(torch.bfloat16)").replace("AFTER", ""),
        ((".to(torch.bfloat16)  # here\n    return emb.cos()", "\n    return emb.cos().to(torch.bfloat16)"),),
    ),
    "a matrix product": (
        "phase-matmul",
        MATMUL,
        (
            (" @ ", " * "),
            ("        freqs =", "        with torch.autocast('cuda', enabled=False):\n          freqs ="),
            ("    def forward", "    @torch.autocast('cpu', enabled=False)\n    def forward"),
            ("def forward", "def table_of"),
            (".float()", ".double()"),
        ),
    ),
    "an einsum in a helper": (
        "phase-matmul",
        EINSUM,
        (
            ('torch.einsum("i,j->ij", ', "torch.outer("),
            ("def forward", "def __init__"),
            (", device=self.inv_freq.device", ""),
        ),
    ),
    "a complex buffer": (
        "complex-buffer",
        COMPLEX,
        (
            ("precompute(dim, end), ", "torch.view_as_real(precompute(dim, end)), "),
            ("    def __init__", "    def _apply(self, fn): return self\n\n    def __init__"),
        ),
    ),
    "float64 of an argument": (
        "float64-on-device",
        FLOAT64,
        (
            ("x.to(torch.float64)", "x.to(torch.float32)"),
            ("x.to(torch.float64)", "x.cpu().to(torch.float64)"),
            ("    pairs", "    if x.device.type == 'mps':\n        return x\n    pairs"),
        ),
    ),
    "a table kept by its length": (
        "cache-key",
        CACHE,
        (
            ("self.seq_len_cached:  #", "self.seq_len_cached or self.cos_cached.device != x.device:  #"),
            ("return self.cos_cached", "return self.cos_cached.to(x.device)"),
            ('        self.cos_cached = None\n', '        self.register_buffer("cos_cached", None)\n'),
        ),
    ),
    "a kept table that is returned": (
        "cache-key",
        CACHE_RETURNED,
        (("is not None:", "is not None and self.cached_table.device == x.device:"),),
    ),
    "a table kept by its shape": (
        "cache-key",
        CACHE_OF_A_SHAPE,
        (("shape[0]:", "shape[0] and self.cos_cached.device == x.device:"),),
    ),
    "frequencies in the dtype of the activations": (
        "position-dtype",
        KEPT_FREQUENCIES,
        ((".to(x.dtype)", ".float()"),),
    ),
    "a plain tensor": (
        "lost-buffer",
        PLAIN,
        (
            ("* self.inv_freq", "* self.inv_freq.to(positions.device)"),
            ("self.inv_freq = 10000.0 ** -(", "self.inv_freq = nn.Parameter(10000.0 ** -"),
            ("    def forward", "    def _apply(self, fn): return self\n\n    def forward"),
        ),
    ),
    "a buffer that nothing fills": (
        "lost-buffer",
        EMPTY,
        (
            (", persistent=False", ""),
            ("to_empty(device=", "to(device="),
            ("    def forward", "    def reset_parameters(self): ...\n\n    def forward"),
        ),
    ),
    "a part of chunk": (
        "inplace-rotary",
        PARTS,
        (
            ("qkv.chunk(3, dim=-1)", "qkv[0], qkv[1], qkv[2]"),
            ("rope_in_place(q, cos", "rope_in_place(q.clone(), cos"),
            ("    def forward", "    @torch.no_grad()\n    def forward"),
        ),
    ),
    "a half that is read after it was written": (
        "inplace-rotary",
        ALIASED,
        (("left = x[..., :2]", "left = x[..., :2].clone()"),),
    ),
    "out=": (
        "inplace-rotary",
        OUT,
        (("out=x", "out=None"), ("def apply_rope_out", "def scale_into"), ("def apply", "@torch.no_grad()\ndef apply")),
    ),
    "the import of a kernel": (
        "broad-except",
        IMPORT,
        (
            ("except:", "except ImportError:"),
            ("except:", "except ModuleNotFoundError:\n    flash_attn_func = None\nexcept Exception:"),
            ("except:", "except Exception as error:\n    print(error)"),
            ("flash_attn import", "triton import"),
        ),
    ),
    "a buffer that from_pretrained leaves empty": (
        "lost-buffer",
        PRETRAINED,
        (
            (", persistent=False", ""),
            ("        pass", "        module.inv_freq.copy_(table())"),
            ("(PreTrainedModel)", "(nn.Module)"),
            ("        return positions", "        self.register_buffer('inv_freq', table())\n        return positions"),
            ("self.rope = RopeTable(8)", "self.rope = None"),
        ),
    ),
    "a dictionary of tables": (
        "cache-key",
        DICTIONARY,
        (
            ("key = n", "key = (n, x.device)"),
            ("return tables[key]", "return tables[key].to(x.device)"),
            (", device=x.device", ""),
        ),
    ),
    "a method under lru_cache": (
        "cache-key",
        UNDER_LRU_CACHE,
        (("@functools.lru_cache(maxsize=8)", "@torch.no_grad()"),),
    ),
    "a table that is made once": (
        "cache-key",
        ONCE,
        (
            ("is None:", "is None or self.table.device != x.device:"),
            ("return self.table[", "return self.table.to(x.device)["),
            ("    def forward", "    def reset(self):\n        self.table = None\n\n    def forward"),
        ),
    ),
    "the dtype of a caller's activations": (
        "position-dtype",
        DTYPE_OF_A_CALLER,
        (("x.dtype)", "torch.float32)"), (".to(dtype)  #", "  #"), ("angles.cos()", "angles")),
    ),
    "float64 of a sinusoid": (
        "float64-on-device",
        SINUSOID,
        (("float64", "float32"), ("    position =", "    if position.is_mps:\n        return\n    position =")),
    ),
    "a complex buffer of a derived class": ("complex-buffer", COMPLEX_BELOW, (("torch.polar", "torch.outer"),)),
    "an einsum in an override": (
        "phase-matmul",
        OVERRIDE,
        (("def forward", "def __init__"), ('einsum("i,j->ij", ', "outer(")),
    ),
}  # fmt: skip
TWINS = [(name, number) for name, case in CASES.items() for number in range(len(case[2]))]


@pytest.mark.parametrize("name", CASES)
def test_the_hazard_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    code, source, _ = CASES[name]
    line = (HEAD + source).split("\n").index(
        next(text for text in source.split("\n") if "# here" in text)
    ) + 1
    result = scanned(tmp_path, {"model.py": HEAD + source}, code)
    assert lines(result) == [(code, "model.py", line)]
    assert result.hazards[0].failure is not None


@pytest.mark.parametrize(("name", "number"), TWINS)
def test_a_healthy_twin_is_left_alone(tmp_path: Path, name: str, number: int) -> None:
    code, source, changes = CASES[name]
    old, new = changes[number]
    assert old in source
    assert lines(scanned(tmp_path, {"model.py": HEAD + source.replace(old, new)}, code)) == []


@pytest.mark.parametrize(
    ("other", "number"),
    [
        ("model = Model(config)", 0),
        ('"""\n    >>> model = Model(config)\n"""', 1),
        ("Model(config).save_pretrained(folder)", 1),
    ],
)
def test_a_model_that_another_file_constructs_is_not_one_that_from_pretrained_makes(
    tmp_path: Path, other: str, number: int
) -> None:
    files = {"model.py": HEAD + PRETRAINED, "serve.py": f"from model import Model\n{other}\n"}
    assert len(scanned(tmp_path, files, "lost-buffer").hazards) == number


def run(name: str, change: tuple[str, str] = ("", "")) -> ModuleType:
    module = ModuleType("model")
    exec(
        HEAD + CASES[name][1].replace(*change) if change[0] else HEAD + CASES[name][1],
        module.__dict__,
    )
    return module


@pytest.mark.parametrize("name", ["type_as a buffer", "dtype of an nn.Buffer"])
def test_a_converted_model_has_equal_rows(name: str) -> None:
    """In bfloat16 positions above 256 fall together."""
    if "nn.Buffer" in name and not hasattr(torch.nn, "Buffer"):
        pytest.skip("torch.nn.Buffer came with torch 2.5")
    x = torch.zeros(1, 1024, 8)
    right, _ = run(name).RotaryTable(16)(x)
    rounded, _ = run(name).RotaryTable(16).to(torch.bfloat16)(x)
    assert len(right.unique(dim=0)) == 1024
    assert len(rounded.unique(dim=0)) < 600
    assert (rounded - right).abs().max() > 1


def test_a_matrix_product_of_phases_is_rounded_under_autocast_and_a_multiplication_is_not() -> None:
    name, positions, inv_freq = (
        "a matrix product",
        torch.arange(2048)[None],
        torch.tensor([1.0, 0.1]),
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = run(name).RotaryPhases(inv_freq)(positions)
        right = run(name, (" @ ", " * ")).RotaryPhases(inv_freq)(positions)
    assert rounded.dtype == torch.bfloat16
    assert right.dtype == torch.float32
    assert (rounded.float() - right).abs().max() >= 4


@pytest.mark.parametrize(
    ("operation", "cast"),
    [("einsum", True), ("matmul", True), ("outer", False), ("mul.Tensor", False)],
)
def test_what_autocast_casts_on_a_gpu_stands_in_the_registry_of_torch(
    operation: str, cast: bool
) -> None:
    table = torch._C._dispatch_dump_table(f"aten::{operation}")
    for device in ("CUDA", "MPS", "XPU"):
        line = next(
            (line for line in table.splitlines() if line.startswith(f"Autocast{device}:")), ""
        )
        assert ("[kernel]" in line) is cast or not line


def test_a_complex_buffer_loses_its_sine_by_to_and_not_by_bfloat16() -> None:
    model = run("a complex buffer").RopeAttention(8, 16)
    assert model.bfloat16().freqs_cis.is_complex()
    torch.set_warn_always(True)
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        model.to(torch.bfloat16)
    torch.set_warn_always(False)
    assert not model.freqs_cis.is_complex()


@pytest.mark.parametrize(
    ("name", "first"),
    [("a table kept by its length", "Rotary"), ("a kept table that is returned", "Rotary")],
)
def test_a_kept_table_stays_on_the_device_of_the_first_call(name: str, first: str) -> None:
    model = getattr(run(name), first)(torch.ones(4))
    model(torch.zeros(1, 6, 4))
    assert model.to("meta")(torch.zeros(1, 6, 4, device="meta")).device.type == "cpu"
    assert model(torch.zeros(1, 7, 4, device="meta")).device.type == "meta"


def test_a_plain_tensor_does_not_move_and_a_buffer_of_meta_is_not_filled() -> None:
    assert run("a plain tensor").RotaryPlain(8).to("meta").inv_freq.device.type == "cpu"
    with torch.device("meta"):
        model = run("a buffer that nothing fills").RotaryEmpty(8)
    assert model.inv_freq.is_meta
    assert "inv_freq" not in model.state_dict()


@pytest.mark.parametrize("name", ["a method under lru_cache", "a table that is made once"])
def test_a_table_that_is_kept_stays_behind_when_its_model_moves(name: str) -> None:
    rotary = run(name).Rotary(torch.ones(4))
    argument = 9 if "lru" in name else torch.ones(1, 9)
    rotary(argument)
    assert rotary.to("meta")(argument).device.type == "cpu"


def test_autograd_refuses_each_write_in_place() -> None:
    qkv = torch.nn.Linear(4, 12)(torch.ones(3, 4))
    cos, sin = torch.ones(2), torch.zeros(2)
    with pytest.raises(RuntimeError, match="modified inplace"):
        run("a part of chunk").RopeAttention()(qkv, cos, sin)
    with pytest.raises(
        RuntimeError, match=r"out=... arguments don't support automatic differentiation"
    ):
        run("out=").apply_rope_out(qkv, torch.ones(12))


def test_a_half_that_was_written_gives_another_rotation() -> None:
    x, cos, sin = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor(0.6), torch.tensor(0.8)
    right = torch.cat((x[:2] * cos - x[2:] * sin, x[2:] * cos + x[:2] * sin))
    assert not torch.allclose(
        run("a half that is read after it was written").apply_rope(x.clone(), cos, sin), right
    )
    healthy = ("left = x[..., :2]", "left = x[..., :2].clone()")
    # b is still a view, but its own half is written last
    assert torch.allclose(
        run("a half that is read after it was written", healthy).apply_rope(x.clone(), cos, sin),
        right,
    )
