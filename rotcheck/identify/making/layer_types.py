"""Makers with frequencies for layers of several kinds: the schedules of the other kinds."""

from collections.abc import Iterator

from rotcheck.identify.angles.frequency_fit import fit_schedule
from rotcheck.identify.angles.object_config import config_of, layers_differ
from rotcheck.identify.making.position_arguments import calls_of_other_layers
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.identify.making.table_rows import rows_of
from rotcheck.results import FieldEvidence


def other_layers(maker: TableMaker) -> dict[str, FieldEvidence]:
    """The schedule of the layers of each other kind, by the argument that asks for them."""
    return dict(_schedules(maker))


def _schedules(maker: TableMaker) -> Iterator[tuple[str, FieldEvidence]]:
    candidates = config_of(maker.function).schedules()
    for argument, call in calls_of_other_layers(maker).items():
        try:
            layer = TableMaker(maker.function, call, maker.with_call(call).tables)
            angles = rows_of(layer, layer.findings())
        except Exception:  # it makes no tables for them; a maker may raise anything
            continue
        layer_fit = fit_schedule(angles, 1, 2 * layer.tables.cos.shape[-1], maker.noise, candidates)
        if layer_fit.schedule is not None and layer_fit.wrong_at is None:
            evidence = (
                f"angles of all pairs at positions up to {max(angles)}: "
                f"worst departure {layer_fit.departure:.0e}"
            )
            words = f"{layer_fit.schedule} with {argument}"
            yield argument, FieldEvidence(field="theta", says=words, because=evidence)


def idle_layer_type(
    maker: TableMaker, layers: dict[str, FieldEvidence], schedule: str | None
) -> str | None:
    """Why a maker is in doubt whose layers have one schedule and should not; None: it is not."""
    idle = [
        argument for argument, fact in layers.items() if fact.says == f"{schedule} with {argument}"
    ]
    if not idle or not layers_differ(maker.function):
        return None
    return (
        f"`{idle[0].partition('=')[0]}` changes nothing: it keeps other frequencies for layers of another kind, "
        f"and turns all by those of {schedule}"
    )
