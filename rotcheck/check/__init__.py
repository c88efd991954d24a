"""Is this file right? Everything in it identified, judged, and measured as far as its positions
must reach.

`plan` says what is asked of which function, `run` has it done in one pool, `verdict` turns what
came back into an answer for each function, and `headline` into one for all.
"""

from rotcheck.callable_room import callable_as

callable_as(__name__, "check")
