"""When only the first lanes of a head rotate, are they right?

The others must come back unchanged.

Catches: pairs formed over head_dim.
"""

from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import case_with, judge_results, refusal, roles, worst
from rotcheck.measure.subject import Subject, Wrong

level = "full"
order = 30
WIDTHS = (64, 80)  # of a head
# lanes that rotate, where it does not say; less than half, so that no slice of a table fits by
# luck
ROTARY = 16


def run(subject: Subject, case: Case) -> Evidence:
    """Hand it tables narrower than a head; one of a fixed rotary_dim, heads of other widths."""
    answers: list[Evidence] = []
    for there in _cases(case):
        when = f"with {there.rotary_dim} of {there.width} lanes rotating"
        try:
            results = subject.call(there.call())
            answers.append(judge_results(there, results, code="partial", when=when))
        except Wrong as wrong:
            return _whole_heads(answers, f"{when} it {wrong}")
        except Exception as error:
            return _whole_heads(answers, f"{when} it raises {refusal(subject, error)}")
    if answers:
        return worst(answers)
    return inapplicable("it decides itself how many lanes rotate: all of them")


def _cases(case: Case) -> list[Case]:
    convention = case.convention
    declared_dim = convention.rotary_dim
    takes_tables = convention.takes_tables or (
        {"R", "inv_freq"} & set(roles(case)) and not convention.frequencies
    )
    if not declared_dim and not takes_tables:
        return []
    rotary = declared_dim or ROTARY
    widths = (convention.head_dim,) if convention.head_dim else WIDTHS
    return [
        case_with(case, Sizes(width=width), rotary_dim=rotary) for width in widths if width > rotary
    ]


def _whole_heads(answers: list[Evidence], why: str) -> Evidence:
    """What was found before it refused, or that it rotates whole heads only."""
    return worst(answers) if answers else inapplicable(f"it rotates whole heads only: {why}")
