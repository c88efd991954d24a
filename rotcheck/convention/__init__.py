"""What rotary functions differ in by design, each said once: pairings, layouts, forms of tables, roles of arguments.

Whoever makes, reads, converts or describes one asks the registry here: `LAYOUTS`, `FORMS`, `ROLES`, `ORDERS`. A new
layout, form or role is one entry. Importing this imports no torch; what needs torch imports it when it is called.
"""

from rotcheck.convention.convention import Convention, OutputLanes, Sections, role_of
from rotcheck.convention.layouts import LAYOUTS, lay, split, unlay
from rotcheck.convention.pairings import Pairing, lanes, pairs
from rotcheck.convention.positions import coordinate, coordinates, laid_positions

__all__ = [
    "LAYOUTS",
    "Convention",
    "OutputLanes",
    "Pairing",
    "Sections",
    "coordinate",
    "coordinates",
    "laid_positions",
    "lanes",
    "lay",
    "pairs",
    "role_of",
    "split",
    "unlay",
]
