"""The sentiment of tokens, spans and entities, from what `lstm_sentiment` leaves on a `Doc`.

`doc.user_data["lstm_sentiment"]` holds plain data: `weights`, each token's signed share of
`doc.sentiment`; `mass`, P(positive) + P(negative); and `scale`, the factor between a share of
the log odds of positive over negative and a weight. Where `lstm_coref` left its tree before,
there is `clauses` too: a list of each clause's predicate, and one of each clause's sentiment.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

from spacy.tokens import Doc, Span, Token

from ..coref.clauses import USER_DATA_KEY as TREE_KEY
from ..coref.clauses import find_clauses, is_tree, load_trees, read_tree
from ..coref.groups import CLUSTER_PREFIX, numbered_keys
from ..coref.mentions import is_pronoun
from ..coref.opinions import find_opinions
from ..coref.referents import find_referents, index_opinions, weigh_opinions

__all__ = [
    "ENTITY_NEUTRAL",
    "USER_DATA_KEY",
    "entity_sentiment",
    "span_sentiment",
    "stored_tree",
    "token_weight",
]

USER_DATA_KEY: Final = "lstm_sentiment"
ENTITY_NEUTRAL: Final = 0.15
"""A record's sentiment up to this, on either side of 0, is best called neutral: chosen on the
development half of `corpus/suites/entities_en`, where little changes from 0.05 to 0.25."""

# A span's share is read as if it stood for the whole text. This many neutral tokens are added
# to both sides of that comparison, so that one word alone does not swing to the extremes.
PRIOR_TOKENS: Final = 8
# Words on either side of a mention, within its sentence, that can speak of it.
WINDOW: Final = 12
_SENTENCE_ENDS: Final = frozenset(".!?。！？…;；")


def token_weight(token: Token) -> float:
    """The token's signed share of `doc.sentiment`; 0.0 where there is none."""
    record = _read_record(token.doc)
    return record["weights"][token.i] if record else 0.0


def span_sentiment(span: Span) -> float:
    """The sentiment of a span in its context, in [-1, 1].

    The log odds of positive over negative that its tokens contribute to the document's are
    scaled up to the document's length, and turned into a score as those of the document are.
    So a span over the whole document has `doc.sentiment`, and a sentence in a long text does
    not fade because the other sentences share the decision.
    """
    record = _read_record(span.doc)
    weight = math.fsum(record["weights"][span.start : span.end]) if record else 0.0
    if not record or not weight:
        return 0.0
    share = weight / record["scale"]
    spread = (len(span.doc) + PRIOR_TOKENS) / (len(span) + PRIOR_TOKENS)
    return float(record["mass"] * math.tanh(share * spread / 2))


def entity_sentiment(doc: Doc) -> list[dict[str, Any]]:
    """What the text says of each thing it speaks of.

    With `lstm_coref` and its tree: one record per coreference cluster that names its referent
    with more than pronouns, and per noun phrase in none. Its sentiment is that of the clauses
    which are about it (`coref.opinions`), read from the clause's token vectors alone: in "Maria
    hated the hotel", the hotel is hated, and nothing is said against Maria.

    Without a tree: one record per cluster, or without clusters per entity of `doc.ents` (those
    of the same text together), and the mean of `span_sentiment` over the words around each
    mention within its sentence.

    RETURNS: records in text order with `name`, `mentions` (token offsets) and `sentiment`, in
        [-1, 1]; up to `ENTITY_NEUTRAL` on either side of 0 it is best called neutral. Empty
        where `lstm_sentiment` has not read the document.
    """
    record = _read_record(doc)
    if record is None:
        return []
    tree = stored_tree(doc)
    if tree is not None and "clauses" in record:
        return _read_clauses(doc, tree, dict(zip(*record["clauses"], strict=True)))
    records = []
    for name, mentions in _referents(doc):
        scores = [span_sentiment(_around(mention)) for mention in mentions]
        records.append(
            {
                "name": name,
                "mentions": [[mention.start, mention.end] for mention in mentions],
                "sentiment": math.fsum(scores) / len(scores),
            }
        )
    return sorted(records, key=lambda record: record["mentions"][0])


def _read_record(doc: Doc) -> dict[str, Any] | None:
    record = doc.user_data.get(USER_DATA_KEY)
    # Merged tokens, or the document of a span, leave weights that belong to other tokens.
    return record if record and len(record["weights"]) == len(doc) else None


def stored_tree(doc: Doc) -> str | None:
    """The tree that `lstm_coref` left, as it is stored; None without one of these tokens."""
    stored = doc.user_data.get(TREE_KEY)
    return stored if is_tree(stored, len(doc)) else None


def _read_clauses(doc: Doc, stored: str, scores: dict[int, float]) -> list[dict[str, Any]]:
    columns = load_trees([stored])
    tree = read_tree([token.text for token in doc], columns)
    clauses = find_clauses(columns).tolist()
    opinions = index_opinions(find_opinions(tree, clauses))
    clusters = [[(span.start, span.end) for span in group] for group in _clusters(doc)]
    return [
        {
            "name": doc[slice(*referent.name)].text,
            "mentions": [list(mention) for mention in referent.mentions],
            "sentiment": weigh_opinions(referent, opinions, scores),
        }
        for referent in find_referents(tree, clauses, clusters)
    ]


def _clusters(doc: Doc) -> list[list[Span]]:
    usual = {key for _, key in numbered_keys(doc.spans, CLUSTER_PREFIX)}
    return [
        list(group) for key, group in doc.spans.items() if "links" in group.attrs or key in usual
    ]


def _referents(doc: Doc) -> Iterator[tuple[str, list[Span]]]:
    groups = _clusters(doc)
    for spans in groups:
        names = [span.text for span in spans if not is_pronoun([token.text for token in span])]
        if names:
            yield names[0], spans
    if not groups:
        entities: dict[str, list[Span]] = {}
        for span in doc.ents:
            entities.setdefault(span.text, []).append(span)
        yield from entities.items()


def _around(mention: Span) -> Span:
    doc = mention.doc
    start, end = mention.start, mention.end
    while start > max(0, mention.start - WINDOW) and not _ends_sentence(doc[start - 1]):
        start -= 1
    while end < min(len(doc), mention.end + WINDOW) and not _ends_sentence(doc[end - 1]):
        end += 1
    return doc[start:end]


def _ends_sentence(token: Token) -> bool:
    # Sentence bounds are not asked of other components; punctuation is near enough.
    return token.text[-1:] in _SENTENCE_ENDS and not token.text[:1].isalnum()
