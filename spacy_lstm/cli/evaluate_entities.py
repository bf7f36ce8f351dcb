"""`spacy-lstm evaluate entities`: what a text feels about each person and thing, class by class."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc
from tqdm import tqdm

from ..coref.entity_suite import Answer, match_record, name_of, read_entities, tally_answers
from ..coref.mentions import Span
from ..errors import LstmError
from ..pipeline.polarity import ENTITY_NEUTRAL
from ..pretrained import load_pipeline
from ..suites import load_suite
from .evaluate import ModelArgument, OutputOption
from .files import write_atomically
from .models import JsonOption, find_pipe
from .reporting import format_table, only_json, print_json

__all__ = ["SENTENCE_NEUTRAL", "evaluate_entities", "evaluate_entities_cli"]

# Chosen for the sentence average on the development half, where from 0.05 to 0.4 all is the same
# but for 2 of 170.
SENTENCE_NEUTRAL = 0.3


def evaluate_entities(
    model: str | Path,
    data: str | Path,
    *,
    neutral: float = ENTITY_NEUTRAL,
    sentence_neutral: float = SENTENCE_NEUTRAL,
    progress: bool = False,
) -> dict[str, Any]:
    """Score `doc._.entity_sentiment`, and beside it the naive way: the sentiment of the sentence
    in which the mention stands, read alone.

    Args:
        model: a bundle's name, a pipeline's folder or package, with `lstm_sentiment` and what
            finds the entities, such as `lstm_coref`.
        data: a JSONL file, as `corpus/suites/entities_en` has them.
        neutral: up to this score, on either side of 0, a record is NEUTRAL.
        sentence_neutral: the same for sentences.
        progress: show a bar on a terminal.
    Returns:
        `data`, the file's name; `texts`; both thresholds; what
        `spacy_lstm.coref.entity_suite.tally_answers` tells; and `failed`, a record of each entity
        that was judged wrongly.
    """
    for name, value in (("neutral", neutral), ("sentence_neutral", sentence_neutral)):
        if not 0 <= value < 1:
            raise LstmError(f"{name} = {value}: expected a number from 0 to below 1")
    cases = load_suite(data)
    questions = [read_entities(case.fields, case.text, case.id) for case in cases]
    nlp = load_pipeline(model)
    find_pipe(nlp, "lstm_sentiment")
    bar = tqdm(cases, unit=" texts", disable=None if progress else True)
    docs = list(nlp.pipe(case.text for case in bar))
    if not any(doc._.entity_sentiment for doc in docs):
        raise LstmError(
            f"{model} finds no persons and things in {Path(data).name} "
            f"({', '.join(nlp.pipe_names)}): expected a pipeline with lstm_coref before "
            "lstm_sentiment, or with doc.ents"
        )
    answers: list[Answer] = []
    failed = []
    for case, doc, asked in zip(cases, docs, questions, strict=True):
        records = doc._.entity_sentiment
        spans = [_in_characters(doc, record["mentions"]) for record in records]
        sentences = _read_sentences(nlp, case.text)
        for name, span, label in asked:
            which = match_record(case.text, span, spans)
            score = None if which is None else float(records[which]["sentiment"])
            naive = next(value for end, value in sentences if span[0] < end)
            answers.append(Answer(case.kind, label, score, naive))
            predicted = None if score is None else name_of(score, neutral)
            if predicted != label:
                place = {"id": case.id, "class": case.kind, "text": case.text, "name": name}
                failed.append({**place, "label": label, "predicted": predicted, "score": score})
    tally = tally_answers(answers, neutral=neutral, sentence_neutral=sentence_neutral)
    thresholds = {"neutral": neutral, "sentence_neutral": sentence_neutral}
    return {"data": Path(data).name, "texts": len(cases), **thresholds, **tally, "failed": failed}


def _in_characters(doc: Doc, mentions: Sequence[Sequence[int]]) -> list[Span]:
    spans = [doc[start:end] for start, end in mentions]
    return [(span.start_char, span.end_char) for span in spans]


def _read_sentences(nlp: Language, text: str) -> list[tuple[int, float]]:
    """Where each sentence ends, and its sentiment when it is read alone."""
    doc = Sentencizer()(nlp.make_doc(text))
    alone = nlp.pipe(sentence.text for sentence in doc.sents)
    return [(s.end_char, d.sentiment) for s, d in zip(doc.sents, alone, strict=True)]


def _table(scores: Mapping[str, Any]) -> str:
    rows = [
        [name, str(tally["entities"]), *(_percent(tally[key]) for key in _COLUMNS.values())]
        for name, tally in (*scores["per_class"].items(), ("all", scores))
    ]
    return format_table(["class", "entities", *_COLUMNS], rows)


_COLUMNS = {"accuracy": "accuracy", "sentence alone": "sentence_accuracy", "found": "found"}


def _percent(value: float) -> str:
    return f"{value * 100:.1f}"


def evaluate_entities_cli(
    model: ModelArgument,
    data: Annotated[str, typer.Argument(help="A file of texts with entities (JSONL).")],
    neutral: Annotated[
        float, typer.Option(help="Scores up to this on either side of 0 are NEUTRAL.")
    ] = ENTITY_NEUTRAL,
    sentence_neutral: Annotated[
        float, typer.Option(help="The same for the sentence that it is compared with.")
    ] = SENTENCE_NEUTRAL,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accuracy of the sentiment about persons and things, and of their sentences'."""
    with only_json(as_json):
        scores = evaluate_entities(
            model, data, neutral=neutral, sentence_neutral=sentence_neutral, progress=True
        )
    if output is not None:
        write_atomically(output, json.dumps(scores, ensure_ascii=False, indent=2) + "\n")
    if as_json:
        print_json(scores)
    else:
        print(_table(scores))
