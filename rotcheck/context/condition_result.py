"""What was measured under one condition, as plain data for the front to judge."""

from dataclasses import asdict, dataclass
from typing import Any

from rotcheck.context.sweep import NO_ROTATION, Curve


class DoesNotApply(Exception):
    """The condition cannot be applied to this object; the message says why."""


@dataclass(slots=True)
class ConditionResult:
    """Figures of one condition."""

    curve: Curve | None = None
    finding: str | None = None  # what is wrong whatever the phases are, a code of diagnose/
    message: str | None = None  # what is wrong, in words
    note: str | None = None  # what is worth knowing although nothing is wrong
    emulated: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON data; an error that has no figure becomes None."""
        fields = asdict(self)
        if self.curve:
            fields["curve"]["errors"] = [
                [position, None if error == NO_ROTATION else error]
                for position, error in self.curve.errors.items()
            ]
        return fields
