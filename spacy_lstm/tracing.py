"""From a pipeline and a text to a trace."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model

from .errors import LstmError, LstmTypeError
from .models.recording import Recording, has_encoder, record
from .nn.worked_example import PUBLISHED, WORDS, follow_cell
from .traces import Trace as PlainTrace
from .viz import render

__all__ = [
    "PUBLISHED",
    "Heard",
    "Trace",
    "check_input",
    "find_pipes",
    "listen",
    "trace",
    "trace_example",
]

_EXAMPLE: Final = "Alice is happy. She smiles."


class Trace(PlainTrace):
    """The records of `spacy_lstm.traces`, which Jupyter shows as their picture."""

    def _repr_html_(self) -> str:
        """The gates, and what the memory holds, without scripts."""
        return render(self, "gates", page=False, scripts=False)


def trace(nlp: Language, text_or_doc: str | Doc, *, component: str | None = None) -> Trace:
    """Look into an encoder while it reads a text: all gates, states and attention weights.

    They are worked out again from the trained weights and equal what the model computed with, to
    rounding. A `Doc` is read again, and not changed.

    nlp: a pipeline with `spacy_lstm.BiLSTMTok2Vec.v1` or `spacy_lstm.BiLSTMEncoder.v1` in it.
    component: name of the pipe whose encoder it is; one that listens to a shared `tok2vec` has
        that one's. None takes the first that has one.

    Raises LstmError where there is no such component or nothing to read; LstmTypeError for what
    is no pipeline, text or `Doc`.
    """
    heard = listen(nlp, text_or_doc, component=component)
    doc, recording = heard.doc, heard.recording
    windows = recording.read_windows()
    if not len(doc) or not windows:
        raise LstmError("nothing to trace: the text has no token that the encoder reads")
    return Trace(
        text=doc.text,
        lang=doc.lang_,
        tokens=tuple(token.text for token in doc),
        offsets=tuple(token.idx for token in doc),
        component=heard.component,
        windows=windows,
        gates=recording.read_gates(windows),
        attention=recording.read_attention(windows),
    )


class Heard(NamedTuple):
    """A text that was read, and what was heard of it."""

    doc: Doc
    component: str
    """The pipe that was listened to."""
    recording: Recording


def listen(nlp: Language, text_or_doc: str | Doc, *, component: str | None = None) -> Heard:
    """Let a component read a text, and record what runs through its model and those that it
    listens to; arguments and errors as of `trace`."""
    check_input(nlp, text_or_doc)
    models = _models_of(nlp, component)
    name = component or next(iter(models))
    if name not in models:
        raise LstmError(
            f"no LSTM encoder in {name!r}: expected one of {', '.join(models)} as component"
        )
    # What comes after it does not change what it read, but may merge or split the tokens.
    after = nlp.pipe_names[nlp.pipe_names.index(name) + 1 :]
    with record(models[name]) as recording:
        if isinstance(text_or_doc, str):
            doc = nlp(text_or_doc, disable=after)
        else:
            doc = text_or_doc
            _read_again(list(find_pipes(nlp, name)), doc)
    return Heard(doc, name, recording)


def check_input(nlp: Language, text_or_doc: str | Doc) -> None:
    """Raise LstmTypeError for what is no pipeline, and what is neither text nor `Doc`."""
    if not isinstance(nlp, Language):
        raise LstmTypeError(f"got {type(nlp).__name__} as nlp: expected a pipeline, a Language")
    if not isinstance(text_or_doc, str | Doc):
        raise LstmTypeError(
            f"got {type(text_or_doc).__name__} as text: expected a str or a Doc of one text"
        )


def _read_again(pipes: Sequence[Any], doc: Doc) -> None:
    """Let the last of them read a `Doc` after those that it listens to, and change nothing."""
    *listened, pipe = pipes
    # A listener takes from the document's tensor what the one before it put there.
    read = doc.copy() if listened else doc
    for each in listened:
        each.set_annotations([read], each.predict([read]))
    pipe.predict([read])


def _models_of(nlp: Language, component: str | None) -> dict[str, list[Model[Any, Any]]]:
    """By component, the models that its vectors go through."""
    if component is not None and component not in nlp.pipe_names:
        raise LstmError(
            f"no component {component!r} in the pipeline: it has {', '.join(nlp.pipe_names)}"
        )
    found = {}
    for name in nlp.pipe_names:
        models = [pipe.model for pipe in find_pipes(nlp, name)]
        if any(has_encoder(model) for model in models):
            found[name] = models
    if not found:
        raise LstmError(
            "no LSTM encoder with weights in the pipeline: add lstm_coref or lstm_sentiment, or "
            "train one"
        )
    return found


def find_pipes(nlp: Language, name: str) -> Iterator[Any]:
    """The component, after those that it listens to."""
    pipe: Any = nlp.get_pipe(name)
    model = getattr(pipe, "model", None)
    if not isinstance(model, Model):
        return
    # Listeners have one; "*" stands for any.
    upstream = {getattr(node, "upstream_name", None) for node in model.walk()}
    for other in nlp.pipe_names:
        if other == name:
            break
        listened: Any = nlp.get_pipe(other)
        if upstream & {other, "*"} and hasattr(listened, "listeners"):
            yield listened
    yield pipe


def trace_example(*, published: bool = False) -> Trace:
    """The worked example of `nn.worked_example` as a trace: one layer of one unit, forward.

    published: with the state that the published text gives for "happy".
    """
    offsets = tuple(_EXAMPLE.index(word) for word in WORDS)
    gates = follow_cell(published=published)
    return Trace(
        text=_EXAMPLE,
        lang="en",
        tokens=tuple(WORDS),
        offsets=offsets,
        component="example",
        windows=gates.windows,
        gates=(gates,),
    )
