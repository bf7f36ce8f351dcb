"""The tokenizer's rules, asked only where they can find something.

Of every new spelling spaCy asks what may be split off at its end, where it may be split within, and
whether it is a URL: regular expressions of up to 15,000 characters, tried at every letter. English
words are letters, in which none of them finds anything.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

from spacy.tokenizer import Tokenizer

__all__ = ["LetterSkipper", "skip_letters"]

# Of each rule of the tokenizer the method of a regular expression that it is, and the hash of
# English's, spaCy 3.8. Each of its alternatives has a character that is no ASCII letter; of those
# for suffixes only the units begin with a letter, and these stand after a digit.
_ENGLISH: Final = {
    "suffix_search": ("search", "ed0401632440b00a"),
    "infix_finditer": ("finditer", "a232473e7ba02c05"),
    "url_match": ("match", "727feb2c4c0d69a2"),
}


class LetterSkipper:
    """A regular expression that finds nothing in ASCII letters, and is not asked about them.

    Its methods stand where those of the `re.Pattern` stood, and find the same. spaCy stores
    `method.__self__.pattern`, so that a stored pipeline has the rule as it was.

    regex: one of `_ENGLISH`.
    """

    def __init__(self, regex: re.Pattern[str]) -> None:
        self.regex = regex
        self.pattern = regex.pattern

    def search(self, text: str) -> re.Match[str] | None:
        """As of a `re.Pattern`, for suffixes: none begins among letters that open the text."""
        if text.isascii() and text.isalpha():
            return None
        head = text[:-1]
        if head.isascii() and head.isalpha():
            # Most other new spellings: a word and its comma.
            return self.regex.search(text, len(head))
        return self.regex.search(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """As of a `re.Pattern`."""
        if text.isascii() and text.isalpha():
            return iter(())
        return self.regex.finditer(text)

    def match(self, text: str) -> re.Match[str] | None:
        """As of a `re.Pattern`."""
        if text.isascii() and text.isalpha():
            return None
        return self.regex.match(text)


def skip_letters(tokenizer: Any) -> None:
    """Have a tokenizer ask its rules only where they can find something. Rules other than
    English's, and tokenizers other than spaCy's, are left as they are."""
    if not isinstance(tokenizer, Tokenizer):
        return
    found = {}
    for name, (method, known) in _ENGLISH.items():
        rule = getattr(tokenizer, name)
        regex = getattr(rule, "__self__", None)
        if not isinstance(regex, re.Pattern) or rule.__name__ != method:
            continue
        # Options such as re.IGNORECASE would make another expression of the same pattern.
        if regex.flags == re.UNICODE and _hash(regex.pattern) == known:
            found[name] = getattr(LetterSkipper(regex), method)
    if found:
        # Each rule that is set has all exceptions read again: once is enough.
        exceptions = tokenizer.rules
        tokenizer.rules = {}
        for name, rule in found.items():
            setattr(tokenizer, name, rule)
        tokenizer.rules = exceptions


def _hash(pattern: str) -> str:
    return blake2b(pattern.encode("utf8"), digest_size=8).hexdigest()
