"""What a run found, as plain data: a file for each kind of result, and what they share.

Everything here can be written as JSON and read back; nothing here knows torch. The JSON is stable:
within a schema version fields are only added.
"""

from rotcheck.results.bench import Bench, Spread, Timing, TimingState
from rotcheck.results.check import Check, Fault, Part
from rotcheck.results.comparison import Cell, Pair, Relation, Report, findings
from rotcheck.results.context import Context, Maker, Phase, Reach
from rotcheck.results.identification import (
    INFERENCE,
    Ambiguity,
    Answer,
    Description,
    Difference,
    FieldEvidence,
    FlagEffect,
    Identification,
    Kind,
    Likeness,
    Remark,
    Swappable,
    Way,
    identified_code,
    mistaken,
    mistakes,
)
from rotcheck.results.json_text import from_json, schema
from rotcheck.results.model import (
    AgainstLength,
    AgainstRow,
    DeclaredRow,
    ModelReport,
    ModelRow,
    OtherModel,
    WayRow,
    WeightsFit,
    WeightsRow,
)
from rotcheck.results.probe import INTERPRETER, Line, Machine, Probe
from rotcheck.results.result import (
    FINDINGS,
    UNIDENTIFIED,
    VERDICTS,
    Explainable,
    HasVerdict,
    Result,
    Verdict,
    exit_code,
    knowledge_of,
    summarise,
)
from rotcheck.results.scan import Gap, Hazard, Scan
from rotcheck.results.train import Course, Reference, Step, Training
from rotcheck.results.trial import Claim, Trial
from rotcheck.results.watch import (
    CodeLine,
    Death,
    Fallback,
    Flip,
    Process,
    RankPositions,
    Watch,
    WatchRow,
)

__all__ = [
    "FINDINGS", "INFERENCE", "INTERPRETER", "UNIDENTIFIED", "VERDICTS", "AgainstLength", "AgainstRow", "Ambiguity",
    "Answer", "Bench", "Cell", "Check", "Claim", "CodeLine", "Context", "Course", "Death", "DeclaredRow",
    "Description", "Difference", "Explainable", "Fallback", "Fault", "FieldEvidence",
    "FlagEffect", "Flip", "Gap", "HasVerdict", "Hazard", "Identification", "Kind", "Likeness",
    "Line", "Machine", "Maker", "ModelReport", "ModelRow", "OtherModel", "Pair", "Part", "Phase", "Probe",
    "Process", "RankPositions", "Reach", "Reference", "Relation", "Remark", "Report", "Result",
    "Scan", "Spread", "Step", "Swappable", "Timing", "TimingState", "Training", "Trial",
    "Verdict", "Watch", "WatchRow", "Way", "WayRow", "WeightsFit", "WeightsRow", "exit_code",
    "findings", "from_json", "identified_code", "knowledge_of", "mistaken", "mistakes",
    "schema", "summarise",
]  # fmt: skip
