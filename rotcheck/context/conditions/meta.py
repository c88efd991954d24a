"""Built on meta, then given memory by `to_empty()`, which is not initialised."""

import itertools
import sys
from collections.abc import Sequence
from types import SimpleNamespace

import torch

from rotcheck.context.angle_sources import reason
from rotcheck.context.condition_result import ConditionResult, DoesNotApply
from rotcheck.context.specimen import Specimen, module_of
from rotcheck.context.sweep import Curve
from rotcheck.implementations.target import Target
from rotcheck.measure.device import call

blames = "phase-meta"
RESETS = (
    "reset_parameters", "rope_init", "init_weights", "reset", "post_init", "init_buffers", "reset_buffers",
    "reset_cache", "_init_weights", "_init_rope", "_reset_parameters", "_compute_inv_freq", "_init_buffers",
    "_build_cache", "_set_cos_sin_cache",
)  # fmt: skip
# FSDP and most trainers call it on what was built on meta
CALLED_BY_TORCH = "reset_parameters"


def run(specimen: Specimen) -> ConditionResult:
    """Fill the memory with NaN, measure it, and look for a method of its own that restores it."""
    specimen.fresh()
    target = _materialise(specimen)
    curve = _sweep(specimen, target)
    if curve.wrong_at is None:
        return ConditionResult(curve)
    restoration = _restore(specimen)
    if restoration is not None and _is_right(specimen, restoration):
        return ConditionResult(
            restoration,
            note="right once transformers has restored it, as its from_pretrained() does",
        )
    names = [name for name in RESETS if callable(getattr(target.owner, name, None))]
    remedy = _first_remedy(specimen, names)
    if remedy is None:
        return ConditionResult(curve)
    name, healthy_curve = remedy
    if name == CALLED_BY_TORCH:
        return ConditionResult(
            healthy_curve, note=f"right once {name}() was called, as FSDP and most trainers do"
        )
    return ConditionResult(curve, note=f"{name}() repairs it, if it is called")


def _materialise(specimen: Specimen) -> Target:
    try:
        target = specimen.on_meta()
    except DoesNotApply:
        raise
    except Exception as error:
        raise DoesNotApply(f"it cannot be built on meta: {reason(error)}") from error
    module = module_of(target).to_empty(device=specimen.device)
    for tensor in itertools.chain(module.parameters(), module.buffers()):
        tensor.data.fill_(float("nan") if tensor.is_floating_point() or tensor.is_complex() else 1)
    return target


def _restore(specimen: Specimen) -> Curve | None:
    """Measure a module of transformers after that library's own loading; None: it is none."""
    target = _materialise(specimen)
    module, loading = target.owner, sys.modules.get("transformers.modeling_utils")
    has_config = hasattr(module, "original_inv_freq") and hasattr(module, "config")
    if not (loading and has_config and type(module).__module__.startswith("transformers.")):
        return None
    model = SimpleNamespace(config=module.config)
    try:
        loading.PreTrainedModel._init_weights(model, module)
    except Exception:  # another version of it restores buffers otherwise, or not at all
        return None
    return _sweep(specimen, target)


def _sweep(specimen: Specimen, target: Target) -> Curve:
    try:
        return specimen.sweep(target)
    except Exception as error:
        return Curve(errors={}, wrong_at=0, fault="raises", words=reason(error))


def _first_remedy(specimen: Specimen, names: Sequence[str]) -> tuple[str, Curve] | None:
    """The first of its methods that restores it, and what is measured then."""
    for name in names:
        target = _materialise(specimen)
        if _reset(target, name, torch.device(specimen.device)):
            curve = _sweep(specimen, target)
            if _is_right(specimen, curve):
                return name, curve
    return None


def _is_right(specimen: Specimen, curve: Curve) -> bool:
    return curve.wrong_at is None or (curve.right_to or 0) >= specimen.profile.judged_to - 1


def _reset(target: Target, method: str, device: torch.device) -> bool:
    """Call a method, and move what it made on the CPU. Whether it could be called."""
    try:
        call(getattr(target.owner, method), device, (), {})
        module_of(target).to(device)
    except Exception:  # it needs arguments, or does not run alone: nobody could call it as a reset
        return False
    return True
