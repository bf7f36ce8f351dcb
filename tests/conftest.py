"""What all tests share."""

from hypothesis import settings

# First calls import and compile, and machines are shared: time is no sign of a fault here.
settings.register_profile("spacy_lstm", deadline=None)
settings.load_profile("spacy_lstm")
