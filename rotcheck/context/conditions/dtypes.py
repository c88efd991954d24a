"""Called with bfloat16 first and float32 then, and the other way round."""

import torch

from rotcheck.context.angle_profile import AngleProfile
from rotcheck.context.angle_sources import recipe_of
from rotcheck.context.condition_result import ConditionResult, DoesNotApply
from rotcheck.context.specimen import Specimen
from rotcheck.measure.judge import RIGHT_PHASE

blames = "phase-shown"


def run(specimen: Specimen) -> ConditionResult:
    """Measure it in bfloat16, then whether a float32 call gives the same after that as alone."""
    if not _is_shown(specimen.profile):
        raise DoesNotApply("no call of it takes a tensor whose dtype could matter")
    positions, float32_alone = specimen.sample()
    target = specimen.fresh()
    measurement = ConditionResult()
    specimen.source(target, torch.bfloat16).run(positions)
    float32_after = specimen.source(target).run(positions)
    if differ := float32_alone.difference(float32_after):
        measurement.finding = "spoilt-by-dtype"
        off = specimen.error(float32_after, positions)
        measurement.message = (
            "called in bfloat16 first, it gives different values in float32: "
            f"{differ}, phase {off:.2g} rad off"
        )
    measurement.curve = specimen.sweep(specimen.fresh(), torch.bfloat16)
    second = specimen.fresh()
    specimen.source(second).run(positions)
    off = specimen.error(specimen.source(second, torch.bfloat16).run(positions), positions)
    if off > RIGHT_PHASE and not measurement.finding:
        measurement.finding = blames
        measurement.message = (
            f"called in float32 first and then in bfloat16, its phase is {off:.2g} rad off"
        )
    return measurement


def _is_shown(profile: AngleProfile) -> bool:
    recipe = recipe_of(profile)
    return recipe is None or "x" in recipe.roles
