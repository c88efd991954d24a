"""Are q and k right when k has fewer heads?

Catches: a k with another number of heads that is left unrotated.
"""

from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.other_calls import case_with, judge_results, refusal, worst
from rotcheck.measure.subject import Subject, Wrong

level = "full"
order = 10
needs_values = True
GROUPS = ((6, 2), (5, 1))  # heads of q and of k


def run(subject: Subject, case: Case) -> Evidence:
    """Rotate q of six heads with k of two, and q of five with k of one."""
    convention = case.convention
    if convention.is_packed or not {"q", "k"} <= set(convention.slots):
        tensors = "q, k and v in one tensor" if convention.is_packed else "one tensor at a time"
        words = f"it takes {tensors}: there are no heads of q and k to differ"
        return Evidence(state="skipped", message=words, applies=False)
    if not set("he") & set(convention.axes):
        return Evidence(state="skipped", message="its tensors have no heads", applies=False)
    answers = []
    for heads, kv_heads in GROUPS:
        there = case_with(case, Sizes(heads=heads, kv_heads=kv_heads))
        try:
            results = subject.call(there.call())
        except Wrong as wrong:
            return Evidence(
                finding="gqa", message=f"with {heads} heads in q and {kv_heads} in k it {wrong}"
            )
        except Exception as error:
            words = f"it refuses fewer heads in k than in q ({refusal(subject, error)})"
            return Evidence(state="skipped", message=words, applies=False)
        answers.append(
            judge_results(
                there, results, code="gqa", when=f"with {heads} heads in q and {kv_heads} in k"
            )
        )
    return worst(answers)
