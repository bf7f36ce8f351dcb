"""From a style's name to HTML: the table of styles and the templates' environment.

A style is a function from what is drawn to the plain data that its template shows; templates
escape everything, and no page refers to anything outside of itself.
"""

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from spacy.tokens import Doc

from ..errors import LstmError, LstmTypeError
from ..explanations import Explanation
from ..traces import Trace
from .attention import view_attention
from .coref import view_coref
from .gates import view_gates, view_kept
from .sentiment import view_sentiment
from .why import view_why
from .words import TURNING

__all__ = ["STYLES", "Style", "render"]


class Style(NamedTuple):
    """One way to draw.

    title: the page's title.
    template: file name in `templates/`.
    takes: the class of what it draws.
    view: from that and the prefix of the cluster keys to the template's variables.
    how: what gives such a thing to draw.
    """

    title: str
    template: str
    takes: type
    view: Callable[[Any, str], Mapping[str, Any]]
    how: str


_READ: Final = "call the pipeline first, as in render(nlp(text))"
_TRACED: Final = 'trace it first, as in render(spacy_lstm.trace(nlp, text), style="gates")'
_EXPLAINED: Final = 'explain it first, as in render(spacy_lstm.explain(nlp, text), style="why")'


STYLES: Final[dict[str, Style]] = {
    "coref": Style("Coreference", "coref.html", Doc, view_coref, _READ),
    "sentiment": Style("Sentiment", "sentiment.html", Doc, view_sentiment, _READ),
    "gates": Style("Gates", "gates.html", Trace, view_gates, _TRACED),
    "attention": Style("Attention", "attention.html", Trace, view_attention, _TRACED),
    "memory": Style("Memory", "memory.html", Trace, view_kept, _TRACED),
    "why": Style("Why these answers", "why.html", Explanation, view_why, _EXPLAINED),
}
"""The styles that `render` knows, by name."""


def render(
    doc_or_trace: Any,
    style: str = "coref",
    *,
    page: bool = True,
    scripts: bool = True,
    span_cluster_prefix: str = "coref_clusters",
) -> str:
    """Draw a processed text as HTML that needs no network, no file beside it and no script.

    Styles: "coref" colours and numbers the clusters, and leads from each anaphor to its
    antecedent with the link's probability; a text without links gets a page that says so.
    "sentiment" tints the tokens by their signed share in the decision and shows the labels'
    probabilities. Where scripts run, a short one adds arcs to the coreference links. "gates",
    "memory" and "attention" show what an encoder did with a text, "why" what its answers hang on.

    doc_or_trace: a `Doc` that `lstm_coref` or `lstm_sentiment` has read; for gates, memory and
        attention a trace of `spacy_lstm.trace`, for "why" an explanation of `spacy_lstm.explain`.
    page: whether to give a whole document, or only an element to place in another.
    span_cluster_prefix: the prefix of the keys of `doc.spans` that hold clusters.

    Raises LstmError for an unknown style, and for "sentiment" without sentiment; LstmTypeError,
    which is one and a TypeError, for what the style cannot draw.
    """
    if style not in STYLES:
        raise LstmError(f"Unknown style {style!r}: choose one of {', '.join(STYLES)}.")
    chosen = STYLES[style]
    if not isinstance(doc_or_trace, chosen.takes):
        name = chosen.takes.__name__
        raise LstmTypeError(
            f"Style {style!r} got a {type(doc_or_trace).__name__}, expected "
            f"{'an' if name[0] in 'AEIOU' else 'a'} {name}: {chosen.how}."
        )
    variables = chosen.view(doc_or_trace, span_cluster_prefix)
    # Several pictures may stand on one page: their anchors must differ, yet not from run to run.
    uid = "lstm-" + blake2b(repr(variables).encode(), digest_size=5).hexdigest()
    template = environment().get_template("page.html" if page else chosen.template)
    return template.render(
        **variables, title=chosen.title, body=chosen.template, style=style, uid=uid, scripts=scripts
    )


@cache
def environment() -> Environment:
    """The templates' environment, which escapes everything."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates", encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = show_controls
    environment.filters["label"] = show_label
    return environment


def show_controls(text: str) -> str:
    """The text with control characters, which HTML forbids, as their pictures (␀, ␛)."""
    return text.translate(_CONTROL_PICTURES)


def show_label(text: str) -> str:
    """The same for what stands within the page's own words, whose direction it must not turn."""
    return show_controls(text).translate(TURNING)


_CONTROL_PICTURES: Final = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
    # A lone surrogate cannot be written to a file.
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),
}
