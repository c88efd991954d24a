"""What this machine has, found by running it.

The files of this folder belong to the front and never import torch;
those of `devices/` and `inside/` run in a worker process.
"""

from rotcheck.callable_room import callable_as

callable_as(__name__, "probe")
