"""What several tests look at, run once: the planted defects, the healthy cells,
the figures of both."""

from collections.abc import Iterator

import healthy_cells
import planted_cells
import pytest
import torch
from figures import Figures
from healthy_cells import Healthy
from planted_cells import Planted


@pytest.fixture(scope="session")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def planted(_one_thread: None) -> dict[str, Planted]:
    """All planted defects, judged."""
    return {one.name: one for one in planted_cells.run()}


@pytest.fixture(scope="session")
def healthy(_one_thread: None) -> Healthy:
    """All healthy cells, judged."""
    return healthy_cells.run()


@pytest.fixture(scope="session")
def figures(planted: dict[str, Planted], healthy: Healthy) -> Figures:
    """The figures that the docs show."""
    return Figures(list(planted.values()), healthy)
