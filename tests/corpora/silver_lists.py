"""Small lists of names and texts for silver data, written for these tests."""

import json
from pathlib import Path

from spacy_lstm.corpora.persons import NameLists

NAMES = [
    *[(name, 0.999, 90000) for name in ("Alice", "Mary", "Ruth", "Clara", "Virginia")],
    *[(name, 0.001, 90000) for name in ("John", "Peter", "Frank", "Hugo", "Boris")],
    ("Kim", 0.6, 50000),
    ("Rare", 0.0, 600),
]
WORDS = {
    "title_male": ["Mr", "Sir", "King"],
    "title_female": ["Mrs", "Miss", "Lady"],
    "title_neutral": ["Dr", "Captain", "President"],
    "org_head": ["College", "Press"],
    "person_noun_male": ["man"],
}


def write_lists(folder: Path) -> tuple[Path, Path]:
    names, words = folder / "names.tsv", folder / "words.json"
    rows = [
        f"{name}\t{round(share * bearers)}\t{round((1 - share) * bearers)}\t{share}"
        for name, share, bearers in NAMES
    ]
    names.write_text("\n".join(["name\tfemale_all\tmale_all\tp_female", *rows]), encoding="utf-8")
    words.write_text(json.dumps(WORDS), encoding="utf-8")
    return names, words


def read_lists(folder: Path) -> NameLists:
    names, words = write_lists(folder)
    return NameLists(names, [words], clear_share=0.98, min_bearers=1000)


TEXT = (
    "Alice Hill wrote to Peter Brown every week, although she knew that he seldom read letters. "
    "Brown kept them in his desk, and she never asked him about them. "
    "Much later the letters were found by a clerk, sold to the museum of the town, and "
    "read there by everybody with an interest in the long winters of those years."
)
RIVALS = (
    "John Stone met Peter Brown at the harbour, and he told him that the boats were gone. "
    "Brown laughed at his face and walked along the wall until the lamps were lit, and the "
    "people of the town came out of their houses to look at the dark and empty water."
)
