"""What departs in a function that is nearly a rotation: which lanes, heads and rows, and how.

A call with random values is compared with the conventions that come near it, by the tables that
went in or by the angles that its own lanes show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from rotcheck.convention import Pairing
from rotcheck.identify.reading.known_defects import SIGN, known_defects
from rotcheck.identify.reading.locations import where
from rotcheck.identify.reading.response import Response
from rotcheck.identify.reading.rotation_terms import (
    BEYOND_CHANCE,
    COARSE,
    MOST_CONVENTIONS,
    RotationTerms,
    is_near,
    nearest_conventions,
    share,
)

MOST = 0.985  # of all elements that words must explain
SURE = 0.999
HALF = 0.45  # of all elements: as many tell the convention, whatever the others hold
VAGUE = "hold something else than the rotation"
MOST_SINGLE = 5  # defects that two at once are looked for among


@dataclass(frozen=True, slots=True)
class Defect:
    """What departs from the nearest convention, in words, and how that pairs lanes; no words:
    nothing comes near."""

    words: str = ""
    pairing: Pairing = "half"
    described_only: bool = False  # words say what came, and no known defect gives it

    @property
    def vague(self) -> bool:
        """Whether it says where something departs, and not by which known defect."""
        return self.described_only or VAGUE in self.words


NO_DEFECT = Defect()


def find_defect(response: Response, positions: Sequence[int]) -> Defect:
    """What departs from the nearest convention in a call with random values."""
    conventions = nearest_conventions(response, positions)
    if not conventions:
        return NO_DEFECT
    outputs = torch.stack(response.sample.outputs)  # (slots, B, S, H, D)
    slots = response.sample.convention.slots
    defect = _single(outputs, conventions, slots)
    return defect if defect.words else _double(outputs, conventions, slots)


def _single(outputs: Tensor, conventions: Sequence[RotationTerms], slots: Sequence[str]) -> Defect:
    """The one defect that explains most elements, of the convention that most others follow."""
    most, most_right, best = MOST, 0.0, NO_DEFECT
    for terms in conventions:
        agreement = terms.agreement(outputs)
        right = share(agreement)
        for result, how in known_defects(terms, outputs, slots):
            explained_share = share(agreement | is_near(outputs, result))
            nearer = explained_share >= most and right > most_right + COARSE
            if explained_share > most + 1e-3 or nearer:
                most, most_right = explained_share, right
                best = _defect(_words(~agreement, how, slots, terms), terms)
        if most > SURE and most_right > BEYOND_CHANCE:
            break
    return best


def _double(outputs: Tensor, conventions: Sequence[RotationTerms], slots: Sequence[str]) -> Defect:
    """Two defects at once, of the convention that most elements follow;
    else where it departs, and not how."""
    most, best = MOST, NO_DEFECT
    nearest = sorted(conventions, key=lambda terms: -share(terms.agreement(outputs)))
    for terms in nearest[:MOST_CONVENTIONS]:
        agreement = terms.agreement(outputs)
        results = known_defects(terms, outputs, slots)
        parts = [(is_near(outputs, result) & ~agreement, how) for result, how in results]
        parts.sort(key=lambda part: -round(share(part[0]) / COARSE))  # of equal ones plainest first
        for (first, how), (second, second_how) in combinations(parts[:MOST_SINGLE], 2):
            rest = second & ~first
            explained_share = share(agreement | first | rest)
            if explained_share > most + (COARSE / 3 if best.words else 0):
                texts = (_words(first, how, slots, terms), _words(rest, second_how, slots, terms))
                most, best = explained_share, _defect(", and ".join(filter(None, texts)), terms)
        if not best.words and share(agreement) > HALF:
            return _defect(_words(~agreement, VAGUE, slots, terms), terms)
    return best


def _defect(words: str, terms: RotationTerms) -> Defect:
    return Defect(words, "interleaved" if int(terms.partner[0]) == 1 else "half")


def _words(departs: Tensor, how: str, slots: Sequence[str], terms: RotationTerms) -> str:
    if not bool(departs.any()):
        return ""
    if how == SIGN:
        how = _sign_words(departs, terms)
    return ", ".join(filter(None, (f"{where(departs, slots)} {how}", terms.peculiarity)))


def _sign_words(departs: Tensor, terms: RotationTerms) -> str:
    """Which sign sin has, if it is the same for all lanes that depart."""
    lanes = departs.any(0).any(0).any(0).any(0)
    signs = set(terms.sign[lanes].tolist()) - {0.0}
    if len(signs) > 1:
        return "have the sign of sin exchanged within each pair: the angle is the negative one"
    sign, right = ("-", "+") if signs == {1.0} else ("+", "-")
    return f"hold {sign} sin where {right} sin belongs"
