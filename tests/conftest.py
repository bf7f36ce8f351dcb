"""What all tests share."""

import os

from hypothesis import settings

# Before torch is imported, and for the processes that tests start as well. The models of the tests
# are small: a second thread brings nothing, and where other work takes a core, threads that
# wait for each other take many times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# First calls import and compile, and machines are shared: time is no sign of a fault here.
settings.register_profile("spacy_lstm", deadline=None)
settings.load_profile("spacy_lstm")
