"""The one error that a user's mistake raises."""

__all__ = ["LstmError"]


class LstmError(ValueError):
    """A mistake in what was given: a config value, a file, a dataset, a name.

    The message is one line that says what was got, what was expected and how to mend it;
    the command line prints it as it is and exits with status 1.
    """
