"""The right functions whose mutants are tried: ours, those of the tests, and those of libraries."""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rotcheck.convention import Convention
from rotcheck.errors import RequestError
from rotcheck.identify.function_identification import identify
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.target import Target, resolve

CPU = torch.device("cpu")
OURS = ("native", "complex", "interleaved")
LIBRARIES = (
    *(
        "diffusers",
        "diffusers-complex",
        "fair-esm",
        "megatron-core",
        "rotary-embedding-torch",
        "timm",
        "timm-half",
    ),
    *(
        "timm-cat",
        "torch-onnx",
        "transformers-deepseek-v3",
        "transformers-gpt-neox",
        "transformers-gpt-oss",
    ),
    *("transformers-gptj", "transformers-llama", "transformers-llama4", "transformers-nanochat"),
)
MODULES = {  # functions that no registered name stands for, each as it stands in its package
    "flash-attn-reference": ("flash_attn.layers.rotary", "apply_rotary_emb_torch"),
    "fla-reference": ("fla.modules.rotary", "rotary_embedding_ref"),
    "transformers-cohere": ("transformers.models.cohere.modeling_cohere", "apply_rotary_pos_emb"),
    "transformers-glm": ("transformers.models.glm.modeling_glm", "apply_rotary_pos_emb"),
    "transformers-codegen": (
        "transformers.models.codegen.modeling_codegen",
        "apply_rotary_pos_emb",
    ),
    "transformers-phi": ("transformers.models.phi.modeling_phi", "apply_rotary_pos_emb"),
    "transformers-olmo": ("transformers.models.olmo.modeling_olmo", "apply_rotary_pos_emb"),
    "transformers-esm": ("transformers.models.esm.modeling_esm", "apply_rotary_pos_emb"),
}
TESTS = ("functions_half", "functions_interleaved")


@dataclass(frozen=True, slots=True)
class Original:
    """A right function and the convention by which it is judged."""

    name: str
    function: Callable[..., Any]
    convention: Convention


def originals(names: Sequence[str] = ()) -> Iterator[Original]:
    """Yield every original that is on this machine and can be read and called,
    or those with these in their names."""
    for name, function, declared in _functions(
        lambda name: not names or any(one in name for one in names)
    ):
        if not _readable(function):
            continue
        convention = declared or _convention(function)
        if convention is not None:
            yield Original(name, function, convention)


def _functions(
    wanted: Callable[[str], bool],
) -> Iterator[tuple[str, Callable[..., Any], Convention | None]]:
    for name in filter(wanted, (*OURS, *LIBRARIES)):
        try:
            target = resolve(name, "cpu")
        except (Unavailable, RequestError):  # a library that is not here is named by nobody
            continue
        yield name, target.function, target.convention
    for name in filter(wanted, MODULES):
        module, attribute = MODULES[name]
        try:
            yield name, getattr(importlib.import_module(module), attribute), None
        except (ImportError, AttributeError, RuntimeError):
            continue
    sys.path.insert(0, str(Path(__file__).parents[1] / "identify"))
    for module in TESTS:
        found = importlib.import_module(module)
        for name in found.expect.expected:
            if wanted(f"{module}:{name}"):
                yield f"{module}:{name}", getattr(found, name), None


def _readable(function: Callable[..., Any]) -> bool:
    if not inspect.isfunction(function) or function.__closure__:
        return False
    try:
        inspect.getsource(inspect.unwrap(function))
    except (OSError, TypeError):
        return False
    return True


def _convention(function: Callable[..., Any]) -> Convention | None:
    found = identify(Target(function, None), CPU)
    return found.convention if found.identification.follows else None
