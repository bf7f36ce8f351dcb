"""The one error that a user's mistake raises, and what it is where a class is wrong."""

__all__ = ["LstmError", "LstmTypeError"]


class LstmError(ValueError):
    """A mistake in what was given: a config value, a file, a dataset, a name.

    The message is one line that says what was got, what was expected and how to mend it;
    the command line prints it as it is and exits with status 1.
    """


class LstmTypeError(LstmError, TypeError):
    """Something of another class than what was asked for, such as a number for a text."""
