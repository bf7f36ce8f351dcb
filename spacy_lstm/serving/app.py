"""The web application: addresses, errors, the page's files."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from .. import __version__
from .answers import (
    RefusedError,
    answer_explain,
    answer_resolve,
    answer_sentiment,
    answer_trace,
    find_model,
)
from .guard import SECURITY_HEADERS, Guard
from .library import Library
from .limits import Limits
from .pool import BusyError, LateError, WorkPool
from .schema import (
    ErrorAnswer,
    ExplainAnswer,
    ExplainRequest,
    Health,
    LimitsAnswer,
    ModelAnswer,
    ModelsAnswer,
    ResolveAnswer,
    ResolveBatch,
    SentimentAnswer,
    SentimentBatch,
    TextsRequest,
    TraceAnswer,
    TraceRequest,
)

__all__ = ["create_app"]

_PAGE: Final = Path(__file__).parent / "static"
_MEANINGS: Final = {
    400: "Not JSON, or a host that this server does not answer to",
    404: "Unknown model",
    413: "Too much text, or too many texts",
    415: "The body is not said to be JSON",
    422: "Wrong fields, or more than this model can do",
    503: "Too many requests at once",
    504: "It took too long",
}
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorAnswer, "description": meaning} for status, meaning in _MEANINGS.items()
}

T = TypeVar("T")


def create_app(
    library: Library, *, limits: Limits | None = None, hosts: Collection[str] | None = None
) -> FastAPI:
    """The explorer page and the JSON API over loaded models, as an ASGI application.

    limits: how much a request may ask for; None for the usual ones.
    hosts: names in a request's `Host` that it answers to; None for any.
    """
    limits = limits or Limits()
    pool = WorkPool(limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        pool.close()

    app = FastAPI(
        title="spacy-lstm",
        summary="Who is meant, how it is meant, and what the LSTM remembers",
        version=__version__,
        lifespan=lifespan,
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(Guard, hosts=hosts, max_bytes=limits.max_bytes)
    _add_errors(app, limits)
    _add_api(app, _Api(library, limits, pool))
    # Mounted, it would answer wrong methods of the addresses above, too: with "not found".
    app.router.default = StaticFiles(directory=_PAGE, html=True)
    return app


class _Api:
    """What is called when an address is."""

    def __init__(self, library: Library, limits: Limits, pool: WorkPool) -> None:
        self._library = library
        self._limits = limits
        self._pool = pool

    async def resolve(self, asked: TextsRequest) -> ResolveAnswer | ResolveBatch:
        """Coreference clusters, links with probabilities, and the text with its pronouns
        replaced."""
        return await self._work(answer_resolve, asked)

    async def classify(self, asked: TextsRequest) -> SentimentAnswer | SentimentBatch:
        """Labels' probabilities, each token's signed share in the decision, and what the text
        says of each person and thing."""
        return await self._work(answer_sentiment, asked)

    async def trace(self, asked: TraceRequest) -> TraceAnswer:
        """Gates, states and attention weights of an encoder, part by part: all of them are too
        much for one answer."""
        return await self._work(answer_trace, asked)

    async def explain(self, asked: ExplainRequest) -> ExplainAnswer:
        """Why each pronoun has its antecedent and the text its sentiment: the candidates, and what
        the features and the words brought."""
        return await self._work(answer_explain, asked)

    async def _work(
        self, answer: Callable[..., T], asked: TextsRequest | TraceRequest | ExplainRequest
    ) -> T:
        model = find_model(self._library, asked.model)
        return await self._pool.run(answer, model, asked, self._limits)

    async def list_models(self) -> ModelsAnswer:
        """The models that are loaded, what each can do, and the limits."""
        return ModelsAnswer(
            version=__version__,
            limits=LimitsAnswer.model_validate(self._limits, from_attributes=True),
            models=[ModelAnswer.model_validate(model.describe()) for model in self._library],
        )

    async def say_health(self) -> Health:
        """Whether the server runs."""
        return Health(version=__version__, models=[model.name for model in self._library])


def _add_api(app: FastAPI, api: _Api) -> None:
    asking: tuple[tuple[str, Callable[..., Any], str], ...] = (
        ("/api/resolve", api.resolve, "Resolve pronouns"),
        ("/api/sentiment", api.classify, "Tell the sentiment"),
        ("/api/trace", api.trace, "Look inside"),
        ("/api/explain", api.explain, "Explain the answers"),
    )
    for path, call, summary in asking:
        app.add_api_route(path, call, methods=["POST"], summary=summary, responses=_ERRORS)
    bad_host: dict[int | str, dict[str, Any]] = {400: _ERRORS[400]}
    app.add_api_route("/api/models", api.list_models, summary="List models", responses=bad_host)
    app.add_api_route("/healthz", api.say_health, summary="Health", responses=bad_host)


def _add_errors(app: FastAPI, limits: Limits) -> None:
    """Every error is `{"error": one line}`, and none tells of the server's inside."""

    def say(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
        return JSONResponse({"error": " ".join(message.split())}, status, headers)

    async def refused(_: Request, error: Any) -> JSONResponse:
        return say(error.status, str(error))

    async def not_http(asked: Request, error: Any) -> JSONResponse:
        if error.status_code == 405:
            # The page's files do not say what they take.
            allowed = (error.headers or {}).get("Allow", "GET, HEAD")
            told = f"{asked.method} is not for this address: expected {allowed}"
            return say(405, told, {"allow": allowed})
        # Bytes that are no text, or lists within lists without end: the framework's own words
        # do not say what is expected.
        unread = error.status_code == 400
        told = "the body is not JSON in UTF-8" if unread else str(error.detail)
        return say(error.status_code, told, error.headers)

    async def malformed(_: Request, error: Any) -> JSONResponse:
        return say(*_explain(error.errors()[0]))

    async def busy(_: Request, error: Exception) -> JSONResponse:
        return say(503, "too many requests at once: try again", {"retry-after": "1"})

    async def late(_: Request, error: Exception) -> JSONResponse:
        return say(504, f"not done after {limits.timeout:g} s: send less text")

    async def broken(_: Request, error: Exception) -> JSONResponse:
        # It is answered outside of the guard; what went wrong is in the server's log.
        return say(500, "an error of the server, which its log shows", SECURITY_HEADERS)

    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(HTTPException, not_http)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(BusyError, busy)
    app.add_exception_handler(LateError, late)
    app.add_exception_handler(Exception, broken)


def _explain(fault: dict[str, Any]) -> tuple[int, str]:
    """Status and message of a fault that pydantic found."""
    place = ".".join(str(part) for part in fault["loc"] if part != "body")
    if fault["type"] == "json_invalid":
        return 400, f"the body is not JSON ({fault.get('ctx', {}).get('error', fault['msg'])})"
    if not place and fault["type"] in ("missing", "model_attributes_type"):
        return 422, "expected a JSON object as the body"
    if fault["type"] == "extra_forbidden":
        return 422, f"unknown field {place[:80]!r}"
    message = fault["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return 422, f"{place}: {message}" if place else message
