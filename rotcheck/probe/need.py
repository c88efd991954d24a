"""The torch that all commands but `probe` need:
one that can be imported and is new enough, or one error."""

from rotcheck.errors import NoTorch
from rotcheck.results import Line


def require(torch: Line | None) -> None:
    """Raise `NoTorch` unless this line of a probe says that torch runs."""
    if torch is None or torch.state == "runs":
        return
    if torch.state in ("absent", "too old"):
        raise NoTorch(f"{torch.detail}; nothing was run. {torch.fix}")
    raise NoTorch(
        f"torch cannot be imported: {torch.detail}; nothing was run. `rotcheck explain {torch.failure}` says what to do"
    )
