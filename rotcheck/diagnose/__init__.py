"""From a symptom to its cause and fix.

The knowledge is data: one file of `failures/` for each failure, and one of `messages/` for each
message that many things can cause.
"""

from rotcheck.diagnose.entries import KnowledgeError
from rotcheck.diagnose.general import Message, all_messages, get_message
from rotcheck.diagnose.knowledge import Failure, all_failures, fields_of, for_finding, get
from rotcheck.diagnose.match import match

__all__ = [
    "Failure",
    "KnowledgeError",
    "Message",
    "all_failures",
    "all_messages",
    "fields_of",
    "for_finding",
    "get",
    "get_message",
    "match",
]
