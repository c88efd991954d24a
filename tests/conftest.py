"""What all the tests share."""

import signal

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than ten seconds; leave out with -m 'not slow'")
    _heed_signals()


def _heed_signals() -> None:
    """Undo what nohup and background jobs ignore: rotcheck would rightly ignore it too, and tests send them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
