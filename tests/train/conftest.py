"""Training runs that several tests look at, each made once."""

import pytest
from training_runs import HERE, RIGHT, WRONG, Courses, courses

from rotcheck.results import Training
from rotcheck.train.run import train


@pytest.fixture(scope="session")
def registered() -> Training:
    """All registered implementations, in all dtypes that come cheap on a CPU."""
    return train(devices=["cpu"], dtypes=["float32", "bfloat16"])


@pytest.fixture(scope="session")
def of_another_seed() -> Training:
    """Right functions whose arithmetic differs."""
    asked = [f"{HERE}/right.py:{name}" for name in RIGHT]
    return train(asked, devices=["cpu"], dtypes=["float32", "bfloat16"], seed=3)


@pytest.fixture(scope="session")
def right(of_another_seed: Training) -> Courses:
    return courses(of_another_seed)


@pytest.fixture(scope="session")
def wrong() -> Courses:
    """Everything planted that comes back, beside healthy ones."""
    asked = ["native", *(f"{HERE}/wrong.py:{name}" for name in WRONG), "complex"]
    return courses(train(asked, devices=["cpu"], dtypes=["float32", "bfloat16"]))


@pytest.fixture(scope="session")
def hostile() -> Courses:
    """What raises, dies, hangs or returns what no model can use, healthy ones between them."""
    names = ["raises", "raises_late", "dies_late", "hangs_late", "nan_late", "wrong_shape"]
    asked = ["native", *(f"{HERE}/wrong.py:{name}" for name in names), "complex"]
    return courses(train(asked, devices=["cpu"], steps=4, timeout=5))
