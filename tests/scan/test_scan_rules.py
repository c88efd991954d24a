"""What each rule finds, and the healthy code beside it that it leaves alone."""

from pathlib import Path

import pytest
from scanning import lines, scanned

SEED = """
import torch

def apply_rotary_pos_emb(qkv, cos, sin):
    try:
        import flash_attn.layers.rotary
        cos = cos[0, :, 0, 0, : cos.shape[-1] // 2]
        sin = sin[0, :, 0, 0, : sin.shape[-1] // 2]
        return flash_attn.layers.rotary.apply_rotary_emb_qkv_(qkv, cos, sin)
    except ImportError:
        return native(qkv, cos, sin)
    except Exception as e:
        print(f"failed ({e}), using native")
        return native(qkv, cos, sin)
"""
THETA = """
from transformers import LlamaConfig, PretrainedConfig

class Attention:
    def __init__(self, config: LlamaConfig):
        self.config = config
        theta = getattr(config, "rope_theta", 10000.0)
        base = self.config.rope_theta
"""
LOADED_CONFIG = """

class Engine:
    def __init__(self, path):
        self.config = LlamaConfig.from_pretrained(path)
        self.theta = self.config.rope_theta
"""
SCALING = """
from transformers import AutoConfig

class Rope:
    def __init__(self, dim, rope_scaling=None):
        self.dim = dim

def build(path):
    config = AutoConfig.from_pretrained(path)
    if config.rope_scaling is None:
        return 1.0
    return config.rope_scaling["type"]

def build_rope(config):
    rope_scaling = config.rope_scaling
    return Rope(config.dim)
"""
CUDA = """
import torch

def rotary_tables(dim, device="cuda"):
    return torch.arange(0, dim, 2, device=device)

def precompute_freqs_cis(dim):
    t = torch.arange(0, dim, 2).cuda()
    return torch.outer(t, torch.arange(9, device="cuda"))

def rope_phases(t, inv_freq):
    with torch.cuda.amp.autocast(enabled=False):
        return t[:, None] @ inv_freq[None]

@torch.autocast("cuda", enabled=False)
def rope_angles(t, inv_freq):
    return torch.einsum("i,j->ij", t, inv_freq)
"""
PLANTED = {
    "broad-except": (SEED, [12]),
    "rebound-argument": (SEED, [7, 8]),
    "rope-theta": (THETA + LOADED_CONFIG, [7, 8, 14]),
    "rope-scaling": (SCALING, [5, 12, 15]),
    "cuda-only": (CUDA, [4, 8, 12, 15]),
}


@pytest.mark.parametrize(
    ("code", "text", "expected"), [(c, *rest) for c, rest in PLANTED.items()], ids=PLANTED
)
def test_a_rule_finds_what_was_planted(
    code: str, text: str, expected: list[int], tmp_path: Path
) -> None:
    result = scanned(tmp_path, {"model.py": text}, code)
    assert [line for _, _, line in lines(result)] == expected
    assert all(
        hazard.failure and hazard.message and hazard.change and hazard.devices
        for hazard in result.hazards
    )


def test_the_fallback_that_prints_does_so_on_every_call(tmp_path: Path) -> None:
    (hazard,) = scanned(tmp_path, {"model.py": SEED}, "broad-except").hazards
    assert "printed on every call" in hazard.message
    assert "`flash_attn.layers.rotary.apply_rotary_emb_qkv_`" in hazard.message


HEALTHY = {
    "only a missing package is caught": (
        "broad-except",
        """
try:
    from flash_attn import flash_attn_func
except ImportError:
    flash_attn_func = None

def attend(q, k, v):
    return flash_attn_func(q, k, v) if flash_attn_func else plain(q, k, v)
""",
    ),
    "the failure is logged": (
        "broad-except",
        """
from flash_attn import flash_attn_func

def attend(q, k, v):
    try:
        return flash_attn_func(q, k, v)
    except Exception as error:
        logger.warning("flash-attn failed: %s", error)
        return plain(q, k, v)
""",
    ),
    "a question": (
        "broad-except",
        """
from flash_attn import flash_attn_func

def runs(q):
    try:
        flash_attn_func(q, q, q)
        return True
    except Exception:
        return False
""",
    ),
    "another name": (
        "rebound-argument",
        SEED.replace("cos = cos", "c = cos").replace("sin = sin", "s = sin"),
    ),
    "bound anew": (
        "rebound-argument",
        SEED.replace("        print(", "        cos, sin = tables()\n        print("),
    ),
    "a config of the project's own": (
        "rope-theta",
        """
from transformers import PretrainedConfig

class MyConfig(PretrainedConfig):
    def __init__(self, rope_theta=10000.0, **kwargs):
        self.rope_theta = rope_theta

def theta(config: MyConfig):
    return getattr(config, "rope_theta", 10000.0)
""",
    ),
    "no config of transformers": (
        "rope-theta",
        "def f(args):\n    return getattr(args, 'rope_theta', 1e4)\n",
    ),
    "the new place first": (
        "rope-theta",
        THETA.replace(
            "self.config = config", "self.config = config; rope = config.rope_parameters"
        ),
    ),
    "a class that keeps it": ("rope-theta", THETA.replace("LlamaConfig", "EsmConfig")),
    "handed on": (
        "rope-scaling",
        "def f(dim, rope_scaling=None):\n    return g(dim, rope_scaling)\n",
    ),
    "declared alone": (
        "rope-scaling",
        "def f(dim, rope_scaling=None):\n    raise NotImplementedError\n",
    ),
    "both keys": (
        "rope-scaling",
        SCALING.replace('["type"]', '.get("rope_type") or config.rope_scaling["type"]')
        .replace("self.dim = dim", "self.dim, self.scale = dim, rope_scaling")
        .replace("Rope(config.dim)", "Rope(config.dim, rope_scaling)"),
    ),
    "guarded": (
        "cuda-only",
        """
import torch

def rotary_tables(x, dim):
    t = torch.arange(dim)
    if torch.cuda.is_available():
        t = t.cuda()
    with torch.autocast(device_type=x.device.type, enabled=False):
        return t
""",
    ),
    "autocast rounds no multiplication": (
        "cuda-only",
        """
import torch

def apply_rope(x, freqs_cis):
    with torch.autocast("cuda", enabled=False):
        return x * freqs_cis
""",
    ),
    "any class, of remote code too": (
        "rope-theta",
        THETA.replace("config: Llama", "config: Pretrained"),
    ),
    "the failure is kept": (
        "broad-except",
        """
from flash_attn import flash_attn_func

def attend(q, k, v):
    try:
        return flash_attn_func(q, k, v), None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    return plain(q, k, v), reason
""",
    ),
    "keys of a dictionary": (
        "inplace-rotary",
        """
def rotary_names(names):
    names["rope"] = names["rotary"] + "_a"
    names["rotary_emb"] = names["rope"]
    return names
""",
    ),
    "not rotary": ("cuda-only", "import torch\ndef f(x):\n    return x.cuda()\n"),
    "nothing runs without CUDA": ("cuda-only", "import flash_attn\n" + CUDA),
}


@pytest.mark.parametrize(("code", "text"), HEALTHY.values(), ids=HEALTHY)
def test_a_rule_leaves_healthy_code_alone(code: str, text: str, tmp_path: Path) -> None:
    assert lines(scanned(tmp_path, {"model.py": text}, code)) == []


def test_a_config_of_a_file_that_names_no_library_is_one_of_transformers_unless_the_project_has_its_own(
    tmp_path: Path,
) -> None:
    reader = "def theta(config):\n    return getattr(config, 'rope_theta', 10000.0)\n"
    foreign, own = tmp_path / "foreign", tmp_path / "own"
    settings = "class ModelArgs:\n    rope_theta: float = 500000.0\n"

    assert lines(scanned(foreign, {"reader.py": reader}, "rope-theta")) == [
        ("rope-theta", "reader.py", 2)
    ]
    assert lines(scanned(own, {"reader.py": reader, "args.py": settings}, "rope-theta")) == []


def test_a_config_that_derives_from_one_of_transformers_is_known_across_files(
    tmp_path: Path,
) -> None:
    files = {
        "configuration.py": "from transformers import LlamaConfig\nclass MyConfig(LlamaConfig):\n    pass\n",
        "modeling.py": "from .configuration import MyConfig\n\n"
        "def theta(config: MyConfig):\n    return getattr(config, 'rope_theta', 10000.0)\n",
    }
    assert lines(scanned(tmp_path, files, "rope-theta")) == [("rope-theta", "modeling.py", 4)]
