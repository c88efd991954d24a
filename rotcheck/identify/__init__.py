"""From a function never seen before to its convention, by experiment.

`run`, `identification_jobs`, `front_identity` and `worker_setup` are the front's. Inside a worker:
`calling` finds the call, `reading` the convention in its response, `angles` the frequencies,
`making` reads tables, `asking` asks the rest, `showing` writes the code that shows a mistake,
`telling` decides what is beyond doubt, `permuting` reads what a function does to the rows of
weights, and `swapping` what it can be swapped for.
"""

from rotcheck.callable_room import callable_as

callable_as(__name__, "identify")
