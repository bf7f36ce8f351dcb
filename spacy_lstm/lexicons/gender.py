"""The gender that names, titles and person nouns carry."""

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import LstmError

__all__ = [
    "GENDERS",
    "NameCount",
    "create_gender_lexicon",
    "read_gender_lexicon",
    "read_name_counts",
]

GENDERS: Final = ("unknown", "masc", "fem", "epicene", "neut")
"""The classes by number. "epicene" names a person of any gender, "neut" no person."""

# A first name counts as of one gender when this share of its bearers has it.
CLEAR_SHARE: Final = 0.92
# Rarer first names are left out: their counts say little, and other words look like them.
MIN_BEARERS: Final = 500

_CATEGORY_SUFFIXES: Final = {"male": "masc", "female": "fem", "neutral": "epicene"}


class NameCount(NamedTuple):
    """A first name, the share of women among its bearers, and how many the commoner sex has."""

    name: str
    p_female: float
    bearers: int


def create_gender_lexicon(paths: Sequence[str] | None) -> Callable[[], dict[str, str]] | None:
    """Registered as `spacy_lstm.GenderLexicon.v1`: reads the files when a model is
    initialized, and never again, since the lexicon travels with the weights.

    paths: files in any of the forms that `read_gender_lexicon` knows. None for no lexicon, as in
        `--paths.genders null`.
    """
    if paths is None:
        return None

    def load() -> dict[str, str]:
        lexicon: dict[str, str] = {}
        for path in paths:
            for word, gender in read_gender_lexicon(Path(path)):
                lexicon.setdefault(word, gender)
        return lexicon

    return load


def read_gender_lexicon(path: Path) -> Iterator[tuple[str, str]]:
    """Words with their gender, one of `GENDERS`. The case of a word counts: "Mark", "mark".

    path: one of three forms, gzipped or not: a TSV with the columns `word` and `gender`; a TSV
        of first names with the columns `name`, `p_female` and counts whose names begin with
        `female_` and `male_`; a JSON object of word lists whose keys end in `_male`,
        `_female` or `_neutral`, or begin with `org_` (other keys are passed over).
    """
    text = _read(path)
    if ".json" in path.suffixes:
        yield from _from_word_lists(json.loads(text))
        return
    header, body = _table(text)
    if "gender" in header and "word" in header:
        word, gender = header.index("word"), header.index("gender")
        yield from ((row[word], row[gender]) for row in body)
    elif "p_female" in header and "name" in header:
        yield from map(_from_name_count, _name_counts(header, body))
    else:
        raise LstmError(
            f"{path} has the columns {', '.join(header) or '(none)'}: expected 'word' and "
            "'gender', or 'name' and 'p_female'."
        )


def _from_word_lists(lists: dict[str, object]) -> Iterator[tuple[str, str]]:
    for key, words in lists.items():
        gender = _CATEGORY_SUFFIXES.get(key.rsplit("_", 1)[-1])
        if key.startswith("org_"):
            gender = "neut"
        if gender and isinstance(words, list):
            yield from ((word, gender) for word in words)


def read_name_counts(path: Path) -> Iterator[NameCount]:
    """First names with their counts, from the second form of `read_gender_lexicon`. Rare names
    are left out."""
    header, body = _table(_read(path))
    if "p_female" not in header or "name" not in header:
        raise LstmError(
            f"{path} has the columns {', '.join(header) or '(none)'}: expected 'name', 'p_female' "
            "and counts by sex."
        )
    yield from _name_counts(header, body)


def _read(path: Path) -> str:
    if not path.is_file():
        raise LstmError(f"No gender lexicon at {path}: give the path of a TSV or JSON file.")
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf8")


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    rows = [line.split("\t") for line in text.splitlines() if line]
    return (rows[0], rows[1:]) if rows else ([], [])


def _name_counts(header: list[str], body: list[list[str]]) -> Iterator[NameCount]:
    name, share = header.index("name"), header.index("p_female")
    counts = [i for i, column in enumerate(header) if column.startswith(("female_", "male_"))]
    for row in body:
        # Several spans of years may be given; the longest holds the others.
        bearers = max(int(row[i]) for i in counts)
        if bearers >= MIN_BEARERS:
            yield NameCount(row[name], float(row[share]), bearers)


def _from_name_count(entry: NameCount) -> tuple[str, str]:
    if entry.p_female >= CLEAR_SHARE:
        return entry.name, "fem"
    if entry.p_female <= 1 - CLEAR_SHARE:
        return entry.name, "masc"
    return entry.name, "epicene"
