"""Refuses a torch that is too old, before anything of it is missed."""

import torch

from rotcheck.requirement import too_old

if refusal := too_old(str(torch.__version__)):
    raise ImportError(refusal)
