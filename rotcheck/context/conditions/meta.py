"""Built on meta and given memory by `to_empty()`, which holds whatever it held."""

import itertools
import sys
from collections.abc import Sequence
from types import SimpleNamespace

import torch

from rotcheck.context.evidence import DoesNotApply, Evidence
from rotcheck.context.sources import reason
from rotcheck.context.sweep import Curve
from rotcheck.context.trial import Thing, Trial
from rotcheck.measure.device import call

blames = "phase-meta"
RESETS = (
    "reset_parameters", "rope_init", "init_weights", "reset", "post_init", "init_buffers", "reset_buffers",
    "reset_cache", "_init_weights", "_init_rope", "_reset_parameters", "_compute_inv_freq", "_init_buffers",
    "_build_cache", "_set_cos_sin_cache",
)  # fmt: skip
# FSDP calls it on what was built on meta, and so do most trainers
CALLED_BY_TORCH = "reset_parameters"


def run(trial: Trial) -> Evidence:
    """Fill the memory with NaN, ask it, and see whether a method of its own mends it."""
    trial.fresh()
    made = _materialised(trial)
    curve = _swept(trial, made)
    if curve.wrong_at is None:
        return Evidence(curve)
    restored = _restored(trial)
    if restored is not None and _mended(trial, restored):
        return Evidence(
            restored, note="right once transformers restored it, as its from_pretrained() does"
        )
    healed = _healed(trial, [name for name in RESETS if callable(getattr(made.owner, name, None))])
    if healed is None:
        return Evidence(curve)
    name, healthy = healed
    if name == CALLED_BY_TORCH:
        return Evidence(
            healthy, note=f"right once {name}() was called, as FSDP and most trainers do"
        )
    return Evidence(curve, note=f"{name}() mends it, when somebody calls it")


def _materialised(trial: Trial) -> Thing:
    try:
        with torch.device("meta"):
            made = trial.rebuilt()
    except DoesNotApply:
        raise
    except Exception as error:
        raise DoesNotApply(f"it cannot be built on meta: {reason(error)}") from error
    module = made.module.to_empty(device=trial.device)
    for tensor in itertools.chain(module.parameters(), module.buffers()):
        tensor.data.fill_(float("nan") if tensor.is_floating_point() or tensor.is_complex() else 1)
    return made


def _restored(trial: Trial) -> Curve | None:
    """Measure a module of transformers once that library's own loading has filled its buffers; None: it has none."""
    made = _materialised(trial)
    loading = sys.modules.get("transformers.modeling_utils")
    known = hasattr(made.owner, "original_inv_freq") and hasattr(made.owner, "config")
    if loading is None or not known or not type(made.owner).__module__.startswith("transformers."):
        return None
    model = SimpleNamespace(config=made.owner.config)
    try:
        loading.PreTrainedModel._init_weights(model, made.owner)
    except Exception:  # another version of it restores buffers otherwise, or not at all
        return None
    return _swept(trial, made)


def _swept(trial: Trial, made: Thing) -> Curve:
    try:
        return trial.sweep(made)
    except Exception as error:
        return Curve(errors={}, wrong_at=0, lost="raises", words=reason(error))


def _healed(trial: Trial, names: Sequence[str]) -> tuple[str, Curve] | None:
    """Return the first of its methods that mends it, and what is measured then."""
    for name in names:
        made = _materialised(trial)
        if _reset(made, name, torch.device(trial.device)):
            curve = _swept(trial, made)
            if _mended(trial, curve):
                return name, curve
    return None


def _mended(trial: Trial, curve: Curve) -> bool:
    return curve.wrong_at is None or (curve.right_to or 0) >= trial.known.judged_to - 1


def _reset(made: Thing, method: str, device: torch.device) -> bool:
    """Call a method, and move what it made on the CPU; return whether it could be called."""
    try:
        call(getattr(made.owner, method), device, (), {})
        made.module.to(device)
    except (
        Exception
    ):  # it takes arguments, or does not run on its own: it is no reset that anybody could call
        return False
    return True
