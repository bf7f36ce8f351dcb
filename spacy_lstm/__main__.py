"""`python -m spacy_lstm` is `spacy-lstm`."""

from .cli import main

if __name__ == "__main__":
    main()
