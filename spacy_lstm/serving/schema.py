"""What clients send and get, as the OpenAPI schema shows it. Offsets count characters (Unicode
code points), ends are exclusive."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "Answer",
    "AttentionAnswer",
    "ErrorAnswer",
    "ExplainAnswer",
    "ExplainRequest",
    "GatesAnswer",
    "Health",
    "LimitsAnswer",
    "ModelAnswer",
    "ModelsAnswer",
    "ResolveAnswer",
    "ResolveBatch",
    "SentimentAnswer",
    "SentimentBatch",
    "SurvivalAnswer",
    "TextsRequest",
    "TraceAnswer",
    "TraceRequest",
]


def _check_surrogates(text: str) -> str:
    # JSON may hold half of a pair, which is no character and cannot be answered with.
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair: expected Unicode text") from None
    return text


_Text = Annotated[str, AfterValidator(_check_surrogates)]
_Model = Annotated[
    _Text | None, Field(description="One of `/api/models`; left out, the first of them.")
]


class Request(BaseModel):
    """No other fields than these."""

    model_config = ConfigDict(extra="forbid")


class TextsRequest(Request):
    """One text, or several to be read in one go."""

    text: _Text | None = Field(None, examples=["Alice is happy. She smiles."])
    texts: list[_Text] | None = Field(None, description="In the place of `text`.")
    model: _Model = None

    @model_validator(mode="after")
    def _take_one(self) -> "TextsRequest":
        if (self.text is None) == (self.texts is None):
            raise ValueError("expected either text or texts")
        return self


class TraceRequest(Request):
    """A text, and which part of its trace to give."""

    text: _Text = Field(examples=["Alice is happy. She smiles."])
    model: _Model = None
    component: _Text | None = Field(
        None, description="The component whose encoder it is; left out, the first that has one."
    )
    layer: int = Field(0, description="0 reads the embeddings; negative ones count from the last.")
    direction: Literal["forward", "backward"] = "forward"
    channel: _Text | None = Field(
        "hidden_state", description="A gate or state of the cell; null for none."
    )
    token: int | None = Field(
        None,
        description="A token's number: of the memory after each token, how much is left at it.",
    )
    attention: _Text | None = Field(None, description="Name of an attention; left out, none.")
    head: int | None = Field(None, description="One of its heads; left out, their mean.")


class ExplainRequest(Request):
    """A text whose answers are to be explained."""

    text: _Text = Field(examples=["Alice met Bob in the garden. She smiled."])
    model: _Model = None


class Answer(BaseModel):
    """What every answer about a text says."""

    model: str = Field(description="The name of the model that read the text.")


class Piece(BaseModel):
    """A part of the text."""

    start: int
    end: int
    text: str


class Link(BaseModel):
    """What an anaphor stands for."""

    anaphor: Piece
    antecedent: Piece
    score: float = Field(description="Calibrated probability of the link.")


class Resolved(BaseModel):
    """Coreference of a text."""

    text: str
    resolved_text: str = Field(description="The text with its pronouns replaced.")
    resolved_offsets: list[tuple[int, int, int, int]] = Field(
        description="Segments: start and end in `resolved_text`, start and end in `text`."
    )
    clusters: list[list[Piece]] = Field(description="Mentions of one thing each, in text order.")
    links: list[Link]


class ResolveAnswer(Answer, Resolved):
    """Coreference of the text."""


class ResolveBatch(Answer):
    """Coreference of each text."""

    results: list[Resolved]


class WeighedToken(Piece):
    """A token and its share."""

    weight: float = Field(description="Signed share in the decision.")


class Entity(BaseModel):
    """What the text says of a person or thing."""

    name: str
    mentions: list[Piece]
    sentiment: float = Field(description="From -1 to 1.")


class Classified(BaseModel):
    """Sentiment of a text."""

    text: str
    cats: dict[str, float] = Field(description="The labels' probabilities, which sum to 1.")
    label: str = Field(description="The most probable one.")
    sentiment: float = Field(description="P(positive) - P(negative).")
    tokens: list[WeighedToken]
    entities: list[Entity]


class SentimentAnswer(Answer, Classified):
    """Sentiment of the text."""


class SentimentBatch(Answer):
    """Sentiment of each text."""

    results: list[Classified]


class GatesAnswer(BaseModel):
    """One channel of one layer and direction."""

    layer: int
    direction: str
    cell: str
    channel: str
    units: int
    values: list[list[float]] = Field(description="By token, by unit.")


class SurvivalAnswer(BaseModel):
    """What of the memory survives to a token."""

    token: int
    left: list[float] = Field(
        description="By earlier or same token: the share of the memory as it stood after it that "
        "is left at `token`, the mean over the units; 0 for those that are read later."
    )


class AttentionAnswer(BaseModel):
    """What each query looked at."""

    name: str
    kind: str
    heads: int
    head: int | None = Field(description="Null: the mean of all.")
    weights: list[list[float]] = Field(
        description="By query, by token. A query is a token; of a pooling there is only one, "
        "the text."
    )


class TraceAnswer(Answer):
    """A part of the trace of a text."""

    component: str
    lang: str
    text: str
    tokens: list[Piece]
    windows: list[tuple[int, int, int, int]] = Field(
        description="Parts read for themselves: start and end, and from where to where the "
        "results were taken; in tokens."
    )
    gates: GatesAnswer | None
    survival: SurvivalAnswer | None
    attention: AttentionAnswer | None


class Candidate(Piece):
    """A mention that an anaphor may refer to."""

    probability: float
    chosen: bool = Field(description="Whether it is of the cluster that the anaphor joined.")
    ruled_out: bool = Field(
        description="Likelier than all that are chosen, but of a cluster whose gender or number "
        "the mention is not of."
    )


class Feature(BaseModel):
    """What a named feature brought to a link."""

    name: str
    value: str = Field(description="Of the mention and the likeliest chosen candidate, in words.")
    share: float = Field(description="Part of the log odds; below 0 it spoke against the link.")


class ExplainedLink(Link):
    """Why an anaphor has its antecedent."""

    decided_by: Piece = Field(
        description="The mention whose decision is explained: the anaphor, or the antecedent "
        "where that joined the anaphor."
    )
    candidates: list[Candidate] = Field(
        description="Of `decided_by`, the likeliest first; those below 1 % are left out."
    )
    none: float = Field(description="Probability of no antecedent.")
    log_odds: float = Field(
        description="Of the chosen candidates together against all others and none."
    )
    features: list[Feature] = Field(
        description="The largest first. With `without_features` they sum to `log_odds`."
    )
    without_features: float = Field(description="What the mentions' vectors alone would give.")
    words: list[float] = Field(
        description="By token, what it brought to the log odds through the encoder."
    )


class ExplainedLinks(BaseModel):
    """Why each pronoun has its antecedent."""

    method: str | None = Field(
        description='How the words are weighed: "leave_one_out", or in a text of more than 250 '
        'tokens "gradient_x_input", which is quicker there and less faithful. Null without links.'
    )
    tokens: list[Piece] = Field(description="What `words` counts. Empty without links.")
    explained: list[ExplainedLink]


class ExplainedSentiment(BaseModel):
    """Why the text has its sentiment."""

    method: str = Field(description="How the words are weighed.")
    tokens: list[Piece]
    label: str
    probability: float
    cats: dict[str, float]
    log_odds: float = Field(
        description="Of the label against all others together, before calibration."
    )
    words: list[float] = Field(
        description="By token, what it brought to the log odds; below 0 it spoke against the label."
    )


class RunningPiece(Piece):
    """A token, and how it stood after it."""

    score: float = Field(description="P(positive) - P(negative), as if the text ended there.")


class ExplainAnswer(Answer):
    """Why the text got its answers."""

    text: str
    lang: str
    links: ExplainedLinks | None = Field(description="Null where the model has no `lstm_coref`.")
    sentiment: ExplainedSentiment | None = Field(
        description="Null where the model has no `lstm_sentiment`."
    )
    running: list[RunningPiece] = Field(
        description="The sentiment token by token; in a long text after every so many."
    )


class Layer(BaseModel):
    """One direction of one layer of an encoder."""

    layer: int
    direction: str
    cell: str
    units: int
    channels: list[str]


class AttentionKind(BaseModel):
    """An attention that can be asked for."""

    name: str
    kind: str
    heads: int


class Component(BaseModel):
    """A component whose encoder can be traced."""

    name: str
    layers: list[Layer]
    attention: list[AttentionKind]


class ModelAnswer(BaseModel):
    """What a model can do."""

    name: str
    lang: str
    version: str
    description: str
    resolves: bool = Field(description="Whether `/api/resolve` takes it.")
    classifies: bool = Field(description="Whether `/api/sentiment` takes it.")
    components: list[Component]


class LimitsAnswer(BaseModel):
    """What a request may ask for."""

    max_chars: int
    max_texts: int
    max_tokens: int = Field(description="Of a text to trace.")
    max_explained: int = Field(description="Tokens of a text to explain.")
    timeout: float


class ModelsAnswer(BaseModel):
    """The models that are loaded; the first is the default."""

    version: str = Field(description="Of spacy-lstm.")
    limits: LimitsAnswer
    models: list[ModelAnswer]


class Health(BaseModel):
    """It runs."""

    status: Literal["ok"] = "ok"
    version: str
    models: list[str]


class ErrorAnswer(BaseModel):
    """What was wrong."""

    error: str = Field(description="One line: what was got, what was expected.")
