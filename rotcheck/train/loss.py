"""The score entropy of an absorbing graph: what SEDD minimises."""

import torch
from torch import Tensor


def score_entropy(log_score: Tensor, sigma: Tensor, noisy: Tensor, clean: Tensor) -> Tensor:
    """The denoising score entropy (B, S) at each position.

    `log_score` (B, S, V): log s(x)_y; `sigma` (B,): the total noise; `noisy`, `clean` (B, S): the
    tokens x_t and x_0; the last of the V tokens is the mask. For x = x_t, summed over the tokens y
    that x can have come from:

        sum over y of Q(x, y) * (s(x)_y - r_y log s(x)_y + K(r_y)),    K(a) = a (log a - 1),
        r_y = p(x_t = y | x_0) / p(x_t = x | x_0),    Q(x, y): the rate from y to x

    In the absorbing graph every token goes to the mask at rate 1 and nowhere else. So a position
    that is not masked costs nothing; for a masked one r_y is 1 / (e^sigma - 1) for y = x_0 and 0
    for any other y.

    Source: Lou, Meng, Ermon, arXiv 2310.16834: score entropy (definition 3.1), denoising score
    entropy (theorem 3.4); their graph_lib.py, Absorbing.score_entropy.
    """
    mask = log_score.shape[-1] - 1
    ratio = (1 / torch.expm1(sigma)).to(log_score)[:, None]  # (B, 1)
    positive = log_score[..., :-1].exp().sum(-1)  # (B, S)
    negative = ratio * log_score.gather(-1, clean[..., None]).squeeze(-1)  # (B, S)
    constant = ratio * (ratio.log() - 1)  # (B, 1)
    return torch.where(noisy == mask, positive - negative + constant, 0.0)  # (B, S)


def rate_weighted_mean(entropy: Tensor, rate: Tensor) -> Tensor:
    """The diffusion weighted denoising score entropy, in nats a residue: a bound on -log p.

    `entropy` (B, S); `rate` (B,): the noise rate dsigma/dt, which is the weight (the likelihood
    bound of arXiv 2310.16834, section 3). SEDD sums over the positions; the mean reads the same at
    every length.
    """
    return (rate.to(entropy)[:, None] * entropy).mean()
