"""Parts of a text, read for themselves."""

from collections.abc import Iterable, Sequence
from typing import Final

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import LstmError
from ..tracing import check_input, find_pipes

__all__ = [
    "BATCH_TOKENS",
    "find_component",
    "is_blank",
    "name_components",
    "prepare_parts",
    "read_first",
    "read_tokens",
]

# Tokens of all parts that are read together: it bounds the memory that this takes.
BATCH_TOKENS: Final = 4_000


def name_components(nlp: Language, factory: str) -> list[str]:
    """The names of the pipeline's components of a factory."""
    return [name for name in nlp.pipe_names if nlp.get_pipe_meta(name).factory == factory]


def find_component(nlp: Language, factory: str, component: str | None) -> str:
    """The name of the pipeline's component of a factory.

    component: the one to take where there may be several; None for the first.

    Raises LstmError where there is none.
    """
    found = name_components(nlp, factory)
    if component is not None:
        found = [name for name in found if name == component]
    if not found:
        wanted = f"no {factory}" if component is None else f"no {factory} named {component!r}"
        raise LstmError(
            f"{wanted} in the pipeline: it has {', '.join(nlp.pipe_names) or 'no components'}"
        )
    return found[0]


def read_tokens(nlp: Language, text_or_doc: str | Doc) -> Doc:
    """The tokens of a text, or the `Doc` as it is. Raises as `tracing.check_input` does."""
    check_input(nlp, text_or_doc)
    return nlp.make_doc(text_or_doc) if isinstance(text_or_doc, str) else text_or_doc


def is_blank(doc: Doc) -> bool:
    """Whether a text has no word, so that there is nothing to explain in it."""
    return all(token.is_space for token in doc)


def prepare_parts(
    nlp: Language, component: str, doc: Doc, parts: Iterable[Sequence[int]]
) -> list[Doc]:
    """New documents of some of the tokens of one, each as the component takes it: what it listens
    to has read them."""
    words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    # The tokenizer's own, such as "not" for "n't".
    norms = {token.i: token.norm_ for token in doc if token.norm != token.lex.norm}
    docs = []
    for kept in parts:
        part = Doc(doc.vocab, words=[words[i] for i in kept], spaces=[spaces[i] for i in kept])
        if norms:
            for place, i in enumerate(kept):
                if i in norms:
                    part[place].norm_ = norms[i]
        docs.append(part)
    for pipe in list(find_pipes(nlp, component))[:-1]:
        docs = list(pipe.pipe(docs))
    return docs


def read_first(nlp: Language, component: str, text_or_doc: str | Doc) -> str | Doc:
    """A text as the component takes it. A `Doc` is replaced by a new one where the component
    listens to another: that has to read it, and would write to it."""
    if isinstance(text_or_doc, str) or len(list(find_pipes(nlp, component))) == 1:
        return text_or_doc
    return prepare_parts(nlp, component, text_or_doc, [range(len(text_or_doc))])[0]
