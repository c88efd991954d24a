"""What a condition found, as plain data for the front to judge."""

from dataclasses import asdict, dataclass
from typing import Any

from rotcheck.context.sweep import NO_ROTATION, Curve


class DoesNotApply(Exception):
    """The condition is nothing that can be done to this object; the message says why."""


@dataclass(slots=True)
class Measurement:
    """Figures of one condition. `finding`: what is wrong whatever the phases are, a code of diagnose/."""

    curve: Curve | None = None
    finding: str | None = None
    message: str | None = None  # what is wrong, in words
    note: str | None = None  # what is worth knowing although nothing is wrong
    emulated: bool = False

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data; an error that is no figure becomes None."""
        curve = asdict(self.curve) if self.curve else None
        if curve:
            curve["errors"] = [
                [at, None if off == NO_ROTATION else off] for at, off in curve["errors"].items()
            ]
        return {
            "curve": curve,
            "finding": self.finding,
            "message": self.message,
            "note": self.note,
            "emulated": self.emulated,
        }
