"""Write the embedded datasets from their sources; the same bytes on every run.

``python corpus/generate.py`` rewrites coref_en, coref_zh, sentiment_en and sentiment_zh, the
genders of the names in them, sentiment_patterns_en, and the behavioural suites, beside this file.
``--check`` writes nothing and exits with status 1 where a file differs from what would be written.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import spacy
from source.cards import card, patterns_card
from source.closeness import close_to
from source.entities import count_table as count_entities
from source.entities import entity_rows
from source.markup import Span, parse, read_records, to_row
from source.sentiment_patterns import LABELS, make_patterns, patterns_table, read_patterns
from source.sentiment_suite import make_sentiment_cases
from source.sentiment_suite import read_frames as read_sentiment_frames
from source.suites import Case, count_table, make_cases, read_frames
from source.templates import SPLITS, Template, Vocabulary, generate, read_vocabulary

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"

# Generated rows a split; the hand-written ones come on top.
GENERATED = {
    "coref_en": {"train": 1000, "dev": 200, "test": 200},
    "coref_zh": {"train": 150, "dev": 35, "test": 35},
    "sentiment_en": {"train": 1200, "dev": 200, "test": 200},
    "sentiment_zh": {"train": 160, "dev": 36, "test": 36},
}
# Behavioural suites: for tests only, in a folder that nothing trains from.
SUITES = ("pronouns_en", "sentiment_en")
# Sentences to train on that are made of frames, as those of a suite are.
PATTERNS = "sentiment_patterns_en"
# What ``~`` in the markup stands for.
JOINTS = {"en": " ", "zh": ""}

# Hand-written rows in turn: five for training, one for development, one for the test.
_TURNS = ("train", "train", "dev", "train", "test", "train", "train")

# Word lists of people, and the gender that they tell.
_GENDERS = {
    "name_f": "fem",
    "kin_f": "fem",
    "name_m": "masc",
    "kin_m": "masc",
    "name_n": "epicene",
    "job": "epicene",
}

Row = dict[str, object]
Source = tuple[str, str, str, str]  # phenomenon, origin, register or label, markup


def lines(name: str) -> list[str]:
    """The lines of a source file."""
    return (SOURCE / name).read_text(encoding="utf-8").splitlines()


def read_templates(name: str, *, labelled: bool) -> list[Template]:
    """Templates under their ``== phenomenon`` headings.

    A coreference template is ``split [cast] | text``; a sentiment template begins with its label.
    """
    found = []
    phenomenon = ""
    for line in lines(name):
        if line.startswith("== "):
            phenomenon = line[3:].strip()
            continue
        for head, text in read_records([line], 2):
            label, _, rest = head.partition(" ") if labelled else ("", "", head)
            split, _, cast = rest.partition(" ")
            found.append(Template(split, f"{phenomenon} {label}", cast, text))
    return found


def hand_rows(name: str, split: str) -> Iterator[Source]:
    """The hand-written texts of a split: dealt out in turn within each phenomenon."""
    seen: dict[str, int] = {}
    for phenomenon, detail, text in read_records(lines(f"{name}.hand.txt"), 3):
        turn = seen.get(phenomenon, 0)
        seen[phenomenon] = turn + 1
        if _TURNS[turn % len(_TURNS)] == split:
            yield phenomenon, "hand", detail, text


def generated_rows(name: str, split: str, vocabulary: Vocabulary) -> Iterator[Source]:
    """The generated texts of a split."""
    templates = read_templates(f"{name}.templates.txt", labelled=name.startswith("sentiment"))
    made = generate(templates, vocabulary, split, GENERATED[name][split], seed=name)
    for template, text in made:
        phenomenon, _, label = template.key.partition(" ")
        yield phenomenon, "generated", label, text


def sources(name: str, split: str) -> Iterator[Source]:
    """All texts of a split, hand-written ones first."""
    language = name.rsplit("_", 1)[1]
    vocabulary = read_vocabulary(
        "\n".join(lines(f"words_{language}.txt")), "\n".join(lines(f"agreement_{language}.txt"))
    )
    yield from hand_rows(name, split)
    yield from generated_rows(name, split, vocabulary)


def coref_rows(name: str, split: str) -> list[Row]:
    """Rows with tokens, clusters and sentences."""
    language = name.rsplit("_", 1)[1]
    tokenizer = spacy.blank(language).tokenizer

    def tokenize(text: str) -> list[Span]:
        return [(token.idx, token.idx + len(token)) for token in tokenizer(text)]

    rows: list[Row] = []
    for number, (phenomenon, origin, register, text) in enumerate(sources(name, split), 1):
        marked = parse(text, joint=JOINTS[language])
        rows.append(
            {
                "id": f"embedded_{language}/{split}_{number:04}",
                "source": f"embedded_{language}",
                **to_row(marked, tokenize),
                "exhaustive": True,
                "meta": {
                    "phenomenon": phenomenon,
                    "register": register or "made",
                    "origin": origin,
                },
            }
        )
    return rows


def sentiment_rows(name: str, split: str) -> list[Row]:
    """Rows with a text and its label: 0 negative, 1 neutral, 2 positive."""
    labels = {"neg": 0, "neu": 1, "pos": 2}
    joint = JOINTS[name.rsplit("_", 1)[1]]
    return [
        {
            "text": parse(markup, joint=joint).text,
            "label": labels[label],
            "phenomenon": phenomenon,
            "origin": origin,
        }
        for phenomenon, origin, label, markup in sources(name, split)
    ]


def genders(language: str) -> str:
    """The names and words for people with their gender, as lists of names give it to real models.

    The names of all splits are in it: a list of names knows nearly every name of a new text too.
    """
    entries: dict[str, str] = {}
    for line in lines(f"words_{language}.txt"):
        key, colon, words = line.partition(":")
        gender = _GENDERS.get(key.rstrip("*"))
        if colon and gender:
            for word in words.split(","):
                known = entries.setdefault(word.strip(), gender)
                entries[word.strip()] = gender if known == gender else "epicene"
    rows = [f"{word}\t{gender}" for word, gender in entries.items()]
    return "\n".join(["word\tgender", *rows]) + "\n"


def suite_cases(name: str) -> list[Case]:
    """The cases of a behavioural suite."""
    if name.startswith("sentiment"):
        vocabulary = read_vocabulary("\n".join(lines(f"{name}.words.txt")), "f m n")
        frames = read_sentiment_frames(lines(f"{name}.frames.txt"))
        return make_sentiment_cases(name, frames, vocabulary)
    vocabulary = read_vocabulary(
        "\n".join(lines(f"{name}.words.txt")), "\n".join(lines(f"{name}.agreement.txt"))
    )
    fillers = [sentence for (sentence,) in read_records(lines(f"{name}.fillers.txt"), 1)]
    return make_cases(name, read_frames(lines(f"{name}.frames.txt")), vocabulary, fillers)


def json_lines(rows: Sequence[Mapping[str, object]]) -> str:
    """The rows, one JSON object a line."""
    made = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    return "".join(f"{line}\n" for line in made)


def suite_files() -> Iterator[tuple[Path, str]]:
    """The suites and their card."""
    about = (SOURCE / "suites.about.md").read_text(encoding="utf-8").rstrip()
    tables = []
    for name in SUITES:
        cases = suite_cases(name)
        tables.append(f"### {name}\n\n{count_table(cases)}")
        yield HERE / "suites" / f"{name}.jsonl", json_lines(cases)
    yield HERE / "suites" / "README.md", "\n\n".join([about, *tables])


def entity_files() -> Iterator[tuple[Path, str]]:
    """The texts with sentiment about persons and things, and their card."""
    folder = HERE / "suites" / "entities_en"
    halves = dict(entity_rows(SOURCE))
    for half, rows in halves.items():
        yield folder / f"{half}.jsonl", json_lines(rows)
    about = (SOURCE / "entities_en.about.md").read_text(encoding="utf-8").rstrip()
    yield folder / "README.md", "\n\n".join([about, count_entities(halves)])


def pattern_files() -> Iterator[tuple[Path, str]]:
    """The patterns of sentiment, none of them close to a text of the suites, and their card."""
    tested = [str(case["text"]) for name in SUITES for case in suite_cases(name)]
    tested += [str(row["text"]) for _, rows in entity_rows(SOURCE) for row in rows]
    vocabulary = read_vocabulary("\n".join(lines("sentiment_patterns.words.txt")), "f m n")
    patterns = read_patterns(lines("sentiment_patterns.frames.txt"))
    made = make_patterns(PATTERNS, patterns, vocabulary, close_to(tested))
    rows = [{"text": row.text, "label": LABELS.index(row.label)} for row in made]
    yield HERE / PATTERNS / "train.jsonl", json_lines(rows)
    table = patterns_table(made)
    yield HERE / PATTERNS / "README.md", patterns_card(SOURCE / f"{PATTERNS}.about.md", table)


def files() -> Iterator[tuple[Path, str]]:
    """Every file of the datasets and of the suites with its content."""
    tasks: dict[str, Callable[[str, str], list[Row]]]
    tasks = {"coref": coref_rows, "sentiment": sentiment_rows}
    for name in GENERATED:
        task = name.split("_")[0]
        splits = {split: tasks[task](name, split) for split in SPLITS}
        for split, rows in splits.items():
            yield HERE / name / f"{split}.jsonl", json_lines(rows)
        if task == "coref":
            language = name.split("_")[1]
            yield HERE / f"genders_{language}.tsv", genders(language)
        yield HERE / name / "README.md", card(SOURCE / f"{name}.about.md", task=task, splits=splits)
    yield from pattern_files()
    yield from suite_files()
    yield from entity_files()


def main() -> int:
    """Write the files, or compare them; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    check = parser.parse_args().check
    status = 0
    for path, content in files():
        data = content.encode("utf-8")
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            print(
                f"{path.relative_to(HERE)} differs: run python corpus/generate.py", file=sys.stderr
            )
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
