"""An event while its log is still being read."""

from dataclasses import dataclass, field
from typing import Self

from rotcheck.log.events import Frame, Kind
from rotcheck.log.wrapping import LogLine


@dataclass(eq=False)
class Draft:
    """An event whose message may still grow, and whose end is not known."""

    kind: Kind
    line: int
    pieces: list[str]  # the lines of its message
    frames: tuple[Frame, ...] = ()
    process: str = ""
    time: str = ""
    level: str = ""
    before: str = ""  # the lines above, where the message may have begun
    last: int = 0  # the last line of the log that is part of it
    width: int = 0  # of that line, with what stood before it
    nearby: str = ""
    cause: "Draft | None" = None
    calm: int = 0  # lines of ordinary work that the log had shown when it came
    work: int = 0  # and of lines that only a run at work prints
    handled: bool = False
    readings: tuple[str, ...] = field(default=())

    @classmethod
    def at(
        cls, line: LogLine, kind: Kind, frames: tuple[Frame, ...] = (), before: str = ""
    ) -> Self:
        """An event whose message begins with this line."""
        return cls(
            kind,
            line.number,
            [line.marked.strip()],
            frames,
            line.process,
            line.time,
            line.level,
            before,
            line.number,
            line.width,
        )

    @property
    def text(self) -> str:
        """The message as it reads best."""
        return self.readings[0] if self.readings else " ".join(self.pieces)
