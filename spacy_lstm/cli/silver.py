"""`spacy-lstm silver`: raw text → pronouns with known antecedents, without annotation."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.attrs import ORTH, SPACY
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from tqdm import tqdm

from ..corpora.files import read_documents
from ..corpora.passages import Sizes
from ..corpora.persons import NameLists
from ..corpora.self_training import AgreedSilver, Judge
from ..corpora.silver import Document, GenderSilver, count_words
from ..errors import LstmError
from .files import write_doc_bin
from .models import JsonOption, load_for
from .reporting import only_json, print_json

__all__ = ["silver", "silver_cli"]

_SIZES = Sizes()


def silver(
    texts: Sequence[str | Path],
    output: str | Path,
    *,
    names: str | Path,
    words: Sequence[str | Path] = (),
    clear_share: float = 0.98,
    min_bearers: int = 1000,
    seed: int = 0,
    limit: int = 0,
    sizes: Sizes = _SIZES,
    per_text: int = 2,
    nearest_share: float = 0.45,
    surname_share: float = 0.3,
    label_with: Sequence[str | Path] = (),
    min_probability: float = 0.8,
    neither_share: float = 0.1,
    progress: bool = False,
) -> dict[str, Any]:
    """Write passages of raw text in which one of a man and a woman was turned into the other
    gender, with the pronouns' antecedents as they were told by gender before; or passages as
    they are, with two persons of one gender, where models agree on the antecedents.

    The text is read twice: first for how its words are used, then for the passages.

    Args:
        texts: files of raw text, plain or compressed (.gz, .bz2, .xz): a paragraph a line, a
            blank line between documents.
        output: a `.spacy` file.
        names: table of first names with counts by sex.
        words: lists of titles and of words of organizations.
        clear_share: share of a first name's bearers from which on it has their gender.
        min_bearers: how many bearers it needs for that.
        seed: of all that is drawn.
        limit: at most this many passages; 0 for all.
        sizes, per_text, nearest_share, surname_share: see `GenderSilver`.
        label_with: pipelines with `lstm_coref`, for the second kind.
        min_probability, neither_share: see `AgreedSilver`, which they are for.
        progress: show a bar on a terminal.
    Returns:
        output, and what `SilverReport` counts.
    """
    target = Path(output)
    if target.suffix != ".spacy" or target.is_dir():
        raise LstmError(f"output {target} has to be a file whose name ends in .spacy")
    if limit < 0:
        raise LstmError(f"limit is {limit}: expected 0 (all) or more")
    files = [Path(text) for text in texts]
    lists = NameLists(
        Path(names),
        [Path(path) for path in words],
        clear_share=clear_share,
        min_bearers=min_bearers,
    )
    counts = count_words(_read(files, progress, "counting"), lists)
    maker: GenderSilver | AgreedSilver
    if label_with:
        maker = AgreedSilver(
            lists,
            counts,
            [_load_judge(model) for model in label_with],
            seed=seed,
            sizes=sizes,
            per_text=per_text,
            min_probability=min_probability,
            neither_share=neither_share,
        )
    else:
        maker = GenderSilver(
            lists,
            counts,
            seed=seed,
            sizes=sizes,
            per_text=per_text,
            nearest_share=nearest_share,
            surname_share=surname_share,
        )
    docs = maker.docs(_read(files, progress, "finding"), spacy.blank("en"))
    # Words alone: the other columns of so many documents would need gigabytes.
    binary = DocBin(attrs=[ORTH, SPACY], store_user_data=True)
    for doc in islice(docs, limit or None):
        binary.add(doc)
    if not len(binary):
        raise LstmError(f"no passage in {len(files)} files fits: give more text")
    write_doc_bin(target, binary)
    return {"output": str(target), **vars(maker.report)}


def _load_judge(model: str | Path) -> Judge:
    nlp, pipe = load_for(model, "lstm_coref")

    def judge(docs: list[Doc]) -> list[list[list[float]]]:
        examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
        found: list[list[list[float]]] = pipe.score_given(examples)
        return found

    return judge


def _read(files: Sequence[Path], progress: bool, what: str) -> Iterator[Document]:
    with tqdm(desc=what, unit=" docs", disable=None if progress else True) as bar:
        for file in files:
            for number, paragraphs in enumerate(read_documents(file)):
                yield Document(f"{file.name.split('.')[0]}/{number}", paragraphs)
                bar.update()


def _printed(summary: Mapping[str, Any]) -> str:
    pairs = summary["pairs"]
    shares = {
        "antecedent is the nearest name before": summary["nearest"],
        "antecedent is the first candidate": summary["first"],
        "antecedent is named after the pronoun": summary["after"],
        "antecedent is neither candidate": summary["neither"],
    }
    forms = ", ".join(f"{word} {count}" for word, count in summary["pronouns"].most_common())
    return "\n".join(
        [
            f"{summary['passages']} passages, {pairs} pronouns → {summary['output']}",
            *(f"{text}: {count / pairs:.1%}" for text, count in shares.items()),
            f"pronouns: {forms}",
        ]
    )


def silver_cli(
    texts: Annotated[
        list[Path], typer.Argument(help="Raw text: a paragraph a line, documents apart.")
    ],
    output: Annotated[Path, typer.Argument(help="The .spacy file.")],
    names: Annotated[
        Path, typer.Option(help="Table of first names: name, p_female, counts by sex.")
    ],
    words: Annotated[
        list[Path] | None, typer.Option(help="Lists of titles and the like, repeatable.")
    ] = None,
    clear_share: Annotated[
        float, typer.Option(help="Share of its bearers that a name has its gender from.")
    ] = 0.98,
    min_bearers: Annotated[int, typer.Option(help="Bearers that such a name needs.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 0,
    limit: Annotated[int, typer.Option(help="At most this many passages; 0: all.")] = 0,
    core: Annotated[
        int, typer.Option(help="Words of the part with the pronouns, at least.")
    ] = _SIZES.core,
    shortest: Annotated[int, typer.Option(help="Words of a passage, at least.")] = _SIZES.shortest,
    longest: Annotated[int, typer.Option(help="Words of a passage, at most.")] = _SIZES.longest,
    per_text: Annotated[int, typer.Option(help="Pronouns of a passage, at most.")] = 2,
    nearest_share: Annotated[
        float, typer.Option(help="Share of pronouns whose antecedent is the nearest name.")
    ] = 0.45,
    surname_share: Annotated[
        float, typer.Option(help="How often the turned person gets another surname.")
    ] = 0.3,
    label_with: Annotated[
        list[str] | None,
        typer.Option(help="Leave genders; keep what these pipelines agree on. Repeatable."),
    ] = None,
    min_probability: Annotated[
        float, typer.Option(help="Mean probability that they give it, at least.")
    ] = 0.8,
    neither_share: Annotated[
        float, typer.Option(help="Share of pronouns that mean neither candidate, at most.")
    ] = 0.1,
    as_json: JsonOption = False,
) -> None:
    """Make training data for pronouns from raw text. One person's gender is turned, so that it
    no longer tells whom a pronoun stands for; or models label what they agree on."""
    with only_json(as_json):
        summary = silver(
            texts,
            output,
            names=names,
            words=words or [],
            clear_share=clear_share,
            min_bearers=min_bearers,
            seed=seed,
            limit=limit,
            sizes=Sizes(core, shortest, longest),
            per_text=per_text,
            nearest_share=nearest_share,
            surname_share=surname_share,
            label_with=label_with or [],
            min_probability=min_probability,
            neither_share=neither_share,
            progress=True,
        )
    if as_json:
        print_json(summary)
    else:
        print(_printed(summary))
