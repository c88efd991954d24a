"""What libraries' functions do, as measured on them apart from rotcheck;
and what is not installed here."""

from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from rotcheck.implementations.libraries.library_table import LIBRARIES

PINNED = Path(__file__).parents[2] / "libraries.txt"
TRANSFORMERS = "transformers.models"


class Does(NamedTuple):
    """What a function does by design."""

    pairing: str
    tables: str
    direction: int = 1
    lanes: str = "same"
    call: tuple[str, ...] = ()  # what its arguments are found to be; empty: not asked
    layout: str | None = None  # of the call that is tried first; None: tables just have to line up


HALF = Does("half", "repeated", call=("q", "k", "cos", "sin"), layout="bhsd")
FUNCTIONS = {
    f"{TRANSFORMERS}.llama.modeling_llama:apply_rotary_pos_emb": HALF,
    f"{TRANSFORMERS}.qwen2_vl.modeling_qwen2_vl:apply_rotary_pos_emb": HALF,
    f"{TRANSFORMERS}.gpt_neox.modeling_gpt_neox:apply_rotary_pos_emb": HALF,
    f"{TRANSFORMERS}.gpt_oss.modeling_gpt_oss:apply_rotary_pos_emb": HALF._replace(
        tables="half-width"
    ),
    f"{TRANSFORMERS}.nanochat.modeling_nanochat:apply_rotary_pos_emb": HALF._replace(direction=-1),
    f"{TRANSFORMERS}.deepseek_v3.modeling_deepseek_v3:apply_rotary_pos_emb_interleave": HALF._replace(
        pairing="interleaved", lanes="de-interleaved"
    ),
    f"{TRANSFORMERS}.gptj.modeling_gptj:apply_rotary_pos_emb": Does(
        "interleaved", "half-width", call=("x", "sin", "cos"), layout="bshd"
    ),
    f"{TRANSFORMERS}.llama4.modeling_llama4:apply_rotary_emb": Does(
        "interleaved", "complex", call=("q", "k", "table"), layout="bshd"
    ),
    "diffusers.models.embeddings:apply_rotary_emb": Does(
        "interleaved", "repeated", call=("x", "(cos, sin)"), layout="bhsd"
    ),
    "rotary_embedding_torch:apply_rotary_emb": Does(
        "interleaved", "angles-repeated", call=("table", "x")
    ),
    "esm.rotary_embedding:apply_rotary_pos_emb": Does("half", "repeated", call=("x", "cos", "sin")),
    "torch.onnx.ops:rotary_embedding": Does(
        "half", "half-width", call=("x", "cos", "sin"), layout="bhsd"
    ),
}
"""Functions as users name them."""

LOADED = {
    "diffusers-complex": Does("interleaved", "complex", layout="bshd"),
    "diffusers-half": Does("half", "repeated", layout="bshd"),
    "megatron-core": Does("half", "angles-repeated"),
    "megatron-core-interleaved": Does("interleaved", "angles-repeated"),
    "timm": Does("interleaved", "repeated", call=("x", "sin", "cos")),
    "timm-cat": Does("interleaved", "repeated", call=("x", "sin+cos")),
    "timm-half": Does("half", "repeated", call=("x", "sin", "cos")),
    "torch-onnx-interleaved": Does("interleaved", "half-width", layout="bhsd"),
    "torchtune": Does("interleaved", "positions", layout="bshd"),
    "torchtune-phi3": Does("half", "positions", layout="bshd"),
    "torchtune-qwen2": Does("half", "positions", layout="bshd"),
}
"""Names whose function rotcheck loads in a way of its own, or calls with options."""

# beside those that libraries.txt pins
INSTALLED = {"torch": "2.13.0", "flash-attn": "2.8.3.post2"}


def pinned() -> dict[str, str]:
    """Return the version of each package that the tests install."""
    lines = (line.split(";")[0].strip() for line in PINNED.read_text().splitlines())
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def installed(package: str) -> str:
    """Return the version that is installed; none is an error, and no reason to skip."""
    return metadata.version(package)


def names(*, here: bool, triton: bool, **fields: str) -> tuple[str, ...]:
    """The names of the table whose package the tests install, or not, and that are of this kind."""
    packages = pinned() | INSTALLED
    return tuple(
        name
        for name, library in LIBRARIES.items()
        if (library.package.name in packages) is here and library.triton is triton
        if all(getattr(library, field) == value for field, value in fields.items())
    )


INTERPRETED = names(here=True, triton=True)
ON_CPU = names(here=True, triton=False)
NOT_HERE = names(here=False, triton=False, runs_on="any device")
"""They would run: their packages are left out of the tests' installation."""
ELSEWHERE = (
    *names(here=False, triton=False, runs_on="cuda"),
    *names(here=False, triton=True),
)
"""They need a GPU, and are not installed here."""
