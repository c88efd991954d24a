"""What rotary functions differ in by design, each said once:
pairings, layouts, forms of tables, roles of arguments.

Whoever makes, reads, converts or describes one asks the registry here: `LAYOUTS`, `FORMS`, `ROLES`,
`ORDERS`. A new layout, form or role is one entry. Importing this imports no torch; what needs torch
imports it when it is called.
"""

from rotcheck.convention.convention import Convention, role_of
from rotcheck.convention.layouts import LAYOUTS, lay, shape, split, unlay
from rotcheck.convention.pairings import (
    ORDERS,
    OutputLanes,
    Pairing,
    lanes,
    once,
    order_words,
    pairs,
    written_order,
)
from rotcheck.convention.position_axes import coordinate, coordinates, laid_positions
from rotcheck.convention.roles import ROLES, Role, role_named
from rotcheck.convention.sections import Sections
from rotcheck.convention.table_forms import FORMS, TableForm

__all__ = [
    "FORMS",
    "LAYOUTS",
    "ORDERS",
    "ROLES",
    "Convention",
    "OutputLanes",
    "Pairing",
    "Role",
    "Sections",
    "TableForm",
    "coordinate",
    "coordinates",
    "laid_positions",
    "lanes",
    "lay",
    "once",
    "order_words",
    "pairs",
    "role_named",
    "role_of",
    "shape",
    "split",
    "unlay",
    "written_order",
]
