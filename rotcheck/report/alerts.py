"""What is wrong, one alert for each thing and place:
what a reviewer is shown beside the line of a function."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is wrong with one function, or was not understood."""

    rule: str  # id of the known failure, else the code of the finding or the check
    level: Level  # "warning": not understood
    subject: str
    message: str
    cause: str = ""
    fix: str = ""
    file: str | None = None  # from the working directory
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    title: str | None = None  # of the rule; None: that of the known failure


@dataclass(frozen=True, slots=True)
class Alerts:
    """All alerts of a result."""

    headline: str
    alerts: Sequence[Alert]
    complete: bool  # False: the run was interrupted
