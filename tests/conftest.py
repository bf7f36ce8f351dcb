"""What all tests share."""

import os

# Before torch is imported, and for the processes that tests start as well. The models of the tests
# are small: a second thread brings nothing, and where other work takes a core, threads that
# wait for each other take many times as long.
os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings
from thinc.api import fix_random_seed

# First calls import and compile, and machines are shared: time is no sign of a fault here.
settings.register_profile("spacy_lstm", deadline=None)
settings.load_profile("spacy_lstm")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Weights that are drawn, also those of wider fixtures, are the same in every run."""
    fix_random_seed(0)
