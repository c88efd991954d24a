"""From a symptom to its cause and fix. The knowledge is data: one file of `failures/` for each failure."""

from rotcheck.diagnose.knowledge import Failure, KnowledgeError, all_failures, for_finding, get
from rotcheck.diagnose.match import match

__all__ = ["Failure", "KnowledgeError", "all_failures", "for_finding", "get", "match"]
