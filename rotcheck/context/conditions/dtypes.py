"""Called with bfloat16 first and float32 then, and the other way round."""

import torch

from rotcheck.context import repeatability
from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.condition_result import ConditionResult, DoesNotApply
from rotcheck.context.specimen import Specimen
from rotcheck.convention import role_of
from rotcheck.measure.judge import RIGHT_PHASE

blames = "phase-shown"


def run(specimen: Specimen) -> ConditionResult:
    """Measure it in bfloat16, then whether a float32 call gives the same after that as alone."""
    if not _is_shown(specimen.profile):
        raise DoesNotApply("no call of it takes a tensor whose dtype could matter")
    positions, float32_alone = repeatability.sample(
        specimen.source(specimen.fresh()), specimen.profile
    )
    instance = specimen.fresh()
    low, wide = specimen.source(instance, torch.bfloat16), specimen.source(instance)
    measurement = ConditionResult()
    low.run(positions)
    float32_after = wide.run(positions)
    if differ := repeatability.difference(float32_alone, float32_after):
        measurement.finding = "spoilt-by-dtype"
        off = repeatability.worst(specimen.profile, float32_after, positions)
        measurement.message = (
            "shown bfloat16 first, it gives other values for float32: "
            f"{differ}, phase {off:.2g} rad off"
        )
    measurement.curve = specimen.sweep(specimen.fresh(), torch.bfloat16)
    second = specimen.fresh()
    specimen.source(second).run(positions)
    off = repeatability.worst(
        specimen.profile, specimen.source(second, torch.bfloat16).run(positions), positions
    )
    if off > RIGHT_PHASE and not measurement.finding:
        measurement.finding = blames
        measurement.message = (
            f"shown float32 first and then bfloat16, its phase is {off:.2g} rad off"
        )
    return measurement


def _is_shown(profile: AngleProfile) -> bool:
    takes_x = profile.recipe and any(
        role_of(argument) == "x" for argument in profile.recipe["arguments"]
    )
    return profile.kind == "both" or bool(takes_x)
