"""The result of `rotcheck scan`: the hazards of a project."""

import msgspec

from rotcheck.exit_codes import FINDING, INTERRUPT, NOTHING_RAN, RIGHT


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a project that will break, or go silently wrong, on another device."""

    code: str  # of the rule: "legacy-executor"
    file: str  # from the working directory, else from the folder that was named
    line: int
    column: int  # in characters, from 1
    end_line: int
    where: str = ""  # the class and function around it: "Rotary.forward"; empty: the module itself
    message: str  # what will happen
    change: str  # what to write instead
    devices: str  # where it bites
    failure: str | None = None  # id of the known failure, as in `rotcheck explain ID`
    cell: int | None = None  # of a notebook, from 1: lines are counted in it


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A file, a folder or a notebook's cell that could not be read, and why."""

    file: str
    reason: str


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck scan` found."""

    schema: str = "rotcheck/scan/1"
    rotcheck: str
    asked: tuple[str, ...]  # files and folders
    codes: tuple[str, ...]  # of the rules that were asked
    files: int  # how many were read
    gaps: tuple[Gap, ...]
    hazards: tuple[Hazard, ...]
    ignored: int  # how many more hazards a comment ignores
    notes: tuple[str, ...] = ()  # comments that ignore a code which no rule has
    interrupted: bool = False

    def exit_code(self) -> int:
        """1 for a hazard, 5 where no Python file could be read."""
        if self.interrupted:
            return INTERRUPT
        return FINDING if self.hazards else RIGHT if self.files else NOTHING_RAN
