"""Tables for fewer lanes than a head has: do those that they are for turn, and the others stay where they are?"""

from dataclasses import replace

from rotcheck.identify import departure, engine
from rotcheck.identify.engine import Found
from rotcheck.identify.remarks import remark
from rotcheck.identify.response import Trier
from rotcheck.results import Remark


def of_narrow_tables(found: Found) -> list[Remark]:
    """Return what is wrong with the lanes that should stay, of a function that takes tables for half of them."""
    probe, known = found.trier.probe, found.convention
    if known.tables == "positions" or not found.exact or probe.rotary != probe.width:
        return []
    other = Trier(found.trier.function, found.trier.device, replace(probe, rotary=probe.width // 2))
    try:
        narrow = engine.read(other, known, whole=False)
    except Exception:  # it takes tables for all lanes alone
        return []
    if narrow.exact:
        return []
    departs = departure.of_response(narrow.response, probe.positions)
    if not departs.words or departs.vague:
        return []
    seen = f"tables for {probe.width // 2} lanes of {probe.width}"
    return [remark("rotary-dim", f"with tables for half of the lanes, {departs.words}", seen)]
