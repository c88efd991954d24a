"""The result of `rotcheck trial`."""

import msgspec

from rotcheck.exit_codes import FINDING, NOTHING_RAN, RIGHT


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim of the fix that rotcheck started from, held against runs."""

    claim: str
    holds: bool | None  # None: this machine lacks what it takes to tell
    seen: tuple[str, ...]  # what was run and what happened, line by line


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck trial` found."""

    schema: str = "rotcheck/trial/1"
    rotcheck: str
    torch: str | None
    claims: tuple[Claim, ...]

    def exit_code(self) -> int:
        """1 where a claim does not hold, 5 where none could be told here."""
        answers = [claim.holds for claim in self.claims if claim.holds is not None]
        return (RIGHT if all(answers) else FINDING) if answers else NOTHING_RAN
