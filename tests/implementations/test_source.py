"""Which functions of a file are taken for rotary code:
by the words of their names, and whatever stands around them."""

import ast
from pathlib import Path

import pytest

from rotcheck.errors import RequestError
from rotcheck.implementations import rotary_code
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.spec import expand
from rotcheck.implementations.target import resolve

KERNEL = "@triton.jit\ndef rope_kernel(x, N: tl.constexpr):\n    pass\n"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (KERNEL + "def apply_rope(x, cos, sin):\n    rope_kernel[(1,)](x)", ["apply_rope"]),
        (KERNEL.replace("@triton.jit", "@jit"), []),
        ("class EvollaSaProtPooler:\n    def forward(self, x): pass", []),  # a protein, and no turn
        (KERNEL.replace("@triton.jit\n", "@triton.autotune([], key=[])\n@triton.jit\n"), []),
        ("@torch.jit.script\ndef apply_rope(x, cos, sin):\n    return x", ["apply_rope"]),
        (
            "try:\n    import a\nexcept ImportError:\n    class Rope:\n        def forward(self, x): pass",
            ["Rope"],
        ),
        (
            "if FAST:\n    def apply_rope(x): return x\nelse:\n    def apply_rope(x): return x * 1",
            ["apply_rope"],
        ),
        (
            "class ProteinModel:\n    def forward(self, x): pass\ndef protein_frame(x): return x * 2",
            [],
        ),
        ("class PropertyMap:\n    def forward(self, x): pass\ndef europe(x): return x * 2", []),
        ("class MRoPE2D:\n    def forward(self, x): pass", ["MRoPE2D"]),
        (
            "class RotaryEmbedding:\n    def forward(self, t): pass\n    def rotate_queries_or_keys(self, t): pass",
            ["RotaryEmbedding", "RotaryEmbedding.rotate_queries_or_keys"],
        ),
        ("def build_cache(n, d):\n    return a.cos(), a.sin()", ["build_cache"]),
        ("def build_cache(n, d):\n    return {}", []),
        ("def get_timestep_embedding(t):\n    return torch.cat((t.sin(), t.cos()))", []),
        ("def get_2d_sincos_pos_embed(dim, grid):\n    return grid * dim", []),
        ("def interpolate_pos_embed(model, checkpoint):\n    return model", []),
        (
            "def get_2d_rotary_pos_embed(dim, grid):\n    return grid * dim",
            ["get_2d_rotary_pos_embed"],
        ),
        (
            "@register_model\ndef rope_vit_small(pretrained=False, **more):\n    return Vit(**more)",
            [],
        ),
        ("class rope_vit_models(vit_models):\n    def forward(self, x): pass", []),
        (
            "class FluxPosEmbed:\n    def forward(self, ids): return get_1d_rotary_pos_embed(ids)",
            ["FluxPosEmbed"],
        ),
        (
            "class BertEmbeddings:\n    def forward(self, x): return x + self.position_embeddings(x)",
            [],
        ),
        # of a pipeline
        ("class FluxRoPEInputsStep:\n    def __call__(self, components, state): pass", []),
        ("class GemmaEmbedAttention:\n    def forward(self, q, k, v): return apply_rope(q)", []),
        ("def rotate_half(x):\n    a, b = x.chunk(2, -1)\n    return torch.cat((-b, a), -1)", []),
    ],
)
def test_what_is_meant(text: str, meant: list[str]) -> None:
    assert rotary_code.rotary(ast.parse(text)) == meant


def test_the_lines_are_those_of_functions_classes_and_methods() -> None:
    text = "def f(): pass\nif True:\n    class A:\n        def g(self): pass\n"
    assert rotary_code.lines(ast.parse(text)) == {"f": 1, "A": 3, "A.g": 4}


def test_what_a_file_defines_elsewhere_alone_is_not_on_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.py"
    file.write_text("if 1 > 2:\n    def apply_rope(x): return x\ndef rope_too(x): return x\n")
    assert expand(str(file)) == [f"{file}:apply_rope", f"{file}:rope_too"]
    assert callable(resolve(f"{file}:rope_too", "cpu").function)
    with pytest.raises(
        Unavailable, match="line 2 defines it under a condition that does not hold here"
    ):
        resolve(f"{file}:apply_rope", "cpu")
    with pytest.raises(RequestError, match="there is no function 'apply_rop'"):
        resolve(f"{file}:apply_rop", "cpu")
