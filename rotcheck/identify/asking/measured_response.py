"""What the matrices of a call say: no convention, heads or batch rows that differ, a rotated V."""

from rotcheck.convention import shape
from rotcheck.identify.asking.question import Answer, CallQuestion
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.convention_words import call_words
from rotcheck.identify.reading.matrix_reading import MatrixReading
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark

VAGUE = ("no-convention", "not-rotated")


def _ask(match: Match) -> Answer:
    """Say what is wrong with the response, or unusual."""
    convention, defect = match.convention, match.defect_words
    evidence = (
        f"the matrix of each position, measured with basis vectors in {call_words(convention)}"
    )
    remarks = _of_reading(match.reading, evidence, defect)
    says_defect = any(finding.message == defect for finding in remarks)
    if match.k is not None and match.k != match.reading and not says_defect:
        remarks.append(_of_k(match.k, match.reading, evidence, defect))
    if convention.rotates_v:
        words = "V does not come back as it went in"
        remarks.append(remark("v-rotated", "rotates V as well as q and k", words))
    if not (match.response.mixes and says_defect):
        remarks += _of_unevenness(match, evidence)
    if match.idle_offset:
        remarks.append(_of_offset(match.idle_offset))
    return Answer((*remarks, *_of_v(match)))


def _of_reading(reading: MatrixReading, evidence: str, defect: str) -> list[Remark]:
    if reading.problem == "xpos":
        message = f"{reading.words}: a choice, which rotcheck does not judge"
        return [remark("xpos", message, evidence, mistake=False)]
    if reading.problem:
        vague = reading.problem in VAGUE or "different angles" in reading.words
        message = defect if vague and defect else reading.words
        if defect and reading.problem == "one-sign":
            message = f"{message}: {defect}"
        return [remark(reading.problem, message, evidence)]
    if reading.direction == -1:
        message = "rotates by the negative angle: a choice, as nanochat's"
        return [remark("direction", message, evidence, mistake=False)]
    return []


def _of_k(k: MatrixReading, q: MatrixReading, evidence: str, defect: str) -> Remark:
    message = k.words or f"pairing {k.pairing}, direction {k.direction}"
    if q.problem and not k.problem:
        message = f"{q.words} (in q alone)"
    elif k.problem:
        message = f"{k.words} (in k alone)"
    elif k.direction != q.direction:
        message = "q and k rotate in different directions"
    return remark("unlike", defect or message, evidence)


def _of_unevenness(match: Match, evidence: str) -> list[Remark]:
    defect, response = match.defect_words, match.response
    if response.uneven == "head":
        message = "the angle depends on the head and not on the position alone"
        return [remark("per-head", defect or message, evidence)]
    if response.uneven == "batch":
        return [remark("per-batch", defect or "the angle depends on the batch row", evidence)]
    if response.mixes:
        message = "its result is not the sum of its responses to each lane"
        return [remark("mixes", defect or message, evidence)]
    return []


def _of_offset(name: str) -> Remark:
    message = f"gives the same for another {name}: it is not used, or the result of an earlier call is returned again"
    return remark("offset-ignored", message, f"{name}=0 and then {name}=2, as many rows")


def _of_v(match: Match) -> list[Remark]:
    """Say that V rotates in another call that fits, and not in this one."""
    axes = [
        alternative.convention.table_axes
        for alternative in match.alternatives
        if alternative.convention.rotates_v
    ]
    if match.convention.rotates_v or not axes:
        return []
    with_slot = next((form for form in axes if "3" in form), None)
    if with_slot is not None:
        axes_words = shape(with_slot)
        message = f"rotates V although the tables have a slot for it, as {axes_words}"
        return [remark("v-rotated", message, f"tables {axes_words} tried as well")]
    axes_words = shape(axes[0])
    message = f"rotates V too when the tables have no slot for it, as {axes_words}"
    return [
        remark("v-follows-tables", message, f"tables {axes_words} tried as well", mistake=False)
    ]


QUESTION = CallQuestion(rank=70, ask=_ask)
