"""What `rotcheck scan` found, as lines and labelled texts that any format can show."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from rotcheck.report.text import one_line, plural
from rotcheck.results import Hazard, Scan

MOST_LINES = 8  # that one message names
MOST_PATHS = 3  # that the headline names
MOST_MESSAGES = 6  # of one code in one file


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in one file under one code, with one thing to change: its messages, each with its lines."""

    file: str
    hazards: tuple[Hazard, ...]

    @property
    def hazard(self) -> Hazard:
        """The first of them."""
        return self.hazards[0]

    def messages(self) -> list[tuple[str, str]]:
        """Return the lines and the message of each thing that happens; what happens often, once."""
        groups: dict[str, list[Hazard]] = {}
        for hazard in self.hazards:
            groups.setdefault(hazard.message, []).append(hazard)
        listed = [(_lines(group), one_line(message)) for message, group in groups.items()]
        if len(listed) <= MOST_MESSAGES:
            return listed
        rest = [hazard for group in list(groups.values())[MOST_MESSAGES:] for hazard in group]
        return [*listed[:MOST_MESSAGES], (_lines(rest), f"and {len(rest)} more of the kind")]

    def details(self) -> list[tuple[str, str]]:
        """Return what is known of them all, as labelled texts."""
        more = f"rotcheck explain {self.hazard.failure or self.hazard.code}"
        return [("change", self.hazard.change), ("devices", self.hazard.devices), ("more", more)]


def headline(found: Scan) -> str:
    """Return in one line what the scan came to."""
    files = len({hazard.file for hazard in found.hazards})
    where = f" in {plural(files, 'file')}" if found.hazards else ""
    counted = [
        f"{plural(len(found.hazards), 'hazard')}{where}",
        f"{plural(found.files, 'file')} read",
    ]
    counted += [f"{len(found.gaps)} not read"] if found.gaps else []
    counted += [f"{found.ignored} ignored"] if found.ignored else []
    stopped = "interrupted; " if found.interrupted else ""
    nothing = "no Python file; " if not found.files and not found.interrupted else ""
    paths = (
        ", ".join(found.asked)
        if len(found.asked) <= MOST_PATHS
        else plural(len(found.asked), "path")
    )
    return one_line(f"{paths}: {stopped}{nothing}{', '.join(counted)}")


def files(found: Scan) -> Iterator[tuple[str, list[Finding]]]:
    """Yield each file that has hazards, with its findings."""
    for file, group in groupby(found.hazards, lambda hazard: hazard.file):
        groups: dict[tuple[str, str, str | None], list[Hazard]] = {}
        for hazard in group:
            groups.setdefault((hazard.code, hazard.change, hazard.failure), []).append(hazard)
        yield file, [Finding(file, tuple(hazards)) for hazards in groups.values()]


def place(hazard: Hazard) -> str:
    """Return the line, of a notebook with its cell."""
    return f"cell {hazard.cell}, line {hazard.line}" if hazard.cell else str(hazard.line)


def gaps(found: Scan) -> list[str]:
    """Return what could not be read, and why."""
    return [one_line(f"{gap.file}: {gap.reason}") for gap in found.gaps]


def _lines(hazards: Iterable[Hazard]) -> str:
    listed = list(dict.fromkeys(map(place, hazards)))
    more = f" and {len(listed) - MOST_LINES} more" if len(listed) > MOST_LINES else ""
    return ", ".join(listed[:MOST_LINES]) + more
