"""Are q and k right when k has fewer heads?

Catches: a k with another number of heads that is left unrotated.
"""

from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.cell_evidence import Evidence, inapplicable
from rotcheck.measure.other_calls import case_with, judge_results, refusal, worst
from rotcheck.measure.subject import Subject, Wrong

level = "full"
order = 10
GROUPS = ((6, 2), (5, 1))  # heads of q and of k


def run(subject: Subject, case: Case) -> Evidence:
    """Rotate q of six heads with k of two, and q of five with k of one."""
    convention = case.convention
    if convention.is_packed or not {"q", "k"} <= set(convention.slots):
        tensors = "q, k and v in one tensor" if convention.is_packed else "one tensor at a time"
        return inapplicable(f"it takes {tensors}: q and k cannot have different numbers of heads")
    if not set("he") & set(convention.axes):
        return inapplicable("its tensors have no heads")
    answers = []
    for heads, kv_heads in GROUPS:
        there = case_with(case, Sizes(heads=heads, kv_heads=kv_heads))
        when = f"with {heads} heads in q and {kv_heads} in k"
        try:
            results = subject.call(there.call())
        except Wrong as wrong:
            return Evidence(finding="gqa", message=f"{when} it {wrong}")
        except Exception as error:
            why = refusal(subject, error)
            return inapplicable(f"it refuses fewer heads in k than in q ({why})")
        answers.append(judge_results(there, results, code="gqa", when=when))
    return worst(answers)
