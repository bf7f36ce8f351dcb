"""The bundled weights, and how a component or a command finds them.

A bundle is a saved spaCy pipeline in a folder here, its large tables in 8 bits and its other
weights in half precision, its card in README.md. Whatever loads a bundle also loads any pipeline
directory.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import spacy
from spacy.language import Language
from spacy.util import is_package, registry
from thinc.api import Config, Model

from ..errors import LstmError
from .affixes import skip_letters
from .serializers import remember_serializers

__all__ = [
    "Pretrained",
    "build_model",
    "bundle_names",
    "find_pretrained",
    "has_listener",
    "load",
    "load_pipeline",
]

_ROOT: Final = Path(__file__).parent
# Spellings between spaces whose tokens the tokenizer keeps, some 150 bytes each.
_TOKENIZER_CACHE: Final = 100_000


class Pretrained(NamedTuple):
    """Where the weights of one component lie, and what model they belong to."""

    path: Path
    """The component's directory in the saved pipeline."""
    model: dict[str, Any]
    """The config of its model."""


def bundle_names() -> list[str]:
    """The bundles that were installed with this package."""
    return sorted(path.parent.name for path in _ROOT.glob("*/config.cfg"))


def load(name: str, *, config: dict[str, Any] | None = None) -> Language:
    """A pipeline with the components of a bundle. Its tokenizer finds the same as spaCy's by
    itself, in half the time: it remembers ten times as many words, and is quicker about new ones
    (`affixes`). In the whole process srsly then looks its encoders up once and not at every call
    (`serializers`), so that documents go between the processes of `nlp.pipe` in a tenth of the
    time.

    name: one of `bundle_names()`.
    config: settings in the place of the bundle's, as `spacy.load` takes them, such as
        `{"components.lstm_sentiment.precision": "bfloat16"}`.
    """
    if name not in bundle_names():
        raise LstmError(f"No bundle is named {name!r}: there are {_listed(bundle_names())}.")
    return _load(_ROOT / name, config)


def load_pipeline(
    model: str | Path,
    *,
    config: dict[str, Any] | None = None,
    exclude: Sequence[str] = (),
    precision: str | None = None,
) -> Language:
    """A bundle by name, or what `spacy.load` takes: an installed package or a directory.

    config: as in `load`.
    exclude: names of components to leave out.
    precision: of all components of ours; None for what their config says.
    """
    nlp = _load(_find_pipeline(model), config, exclude)
    if precision is not None:
        for _, component in nlp.pipeline:
            if hasattr(component, "choose_precision"):
                component.choose_precision(precision)
    return nlp


def _find_pipeline(model: str | Path) -> str | Path:
    if str(model) in bundle_names():
        return _ROOT / str(model)
    if not (Path(model) / "config.cfg").is_file() and not is_package(str(model)):
        raise LstmError(
            f"No pipeline at {model}: expected a directory with a config.cfg, an installed "
            f"package, or one of the bundles {_listed(bundle_names())}."
        )
    return model


def _load(path: str | Path, config: dict[str, Any] | None, exclude: Sequence[str] = ()) -> Language:
    nlp = spacy.load(path, config=config or {}, exclude=exclude)
    # Tokenizers of other languages have no such table.
    if hasattr(nlp.tokenizer, "max_cache_size"):
        nlp.tokenizer.max_cache_size = _TOKENIZER_CACHE
    skip_letters(nlp.tokenizer)
    remember_serializers()
    return nlp


def find_pretrained(spec: str, *, lang: str, factory: str) -> Pretrained:
    """The weights that a component's `pretrained` setting asks for.

    spec: "auto" for the bundle of the language, a bundle's name, or a pipeline's directory.
    lang: of the pipeline that asks.
    factory: of the component that asks.
    """
    directory = _bundle_for(lang) if spec == "auto" else _directory(spec)
    config = Config().from_disk(directory / "config.cfg")
    for name, settings in config.get("components", {}).items():
        if settings.get("factory") == factory:
            return Pretrained(directory / name, settings["model"])
    found = _listed([str(s.get("factory")) for s in config.get("components", {}).values()])
    raise LstmError(
        f"{spec!r} holds no {factory} (it has {found}): name a pipeline that has one, or set "
        "pretrained = null to train your own."
    )


def build_model(config: dict[str, Any]) -> Model[Any, Any]:
    """The model, without weights, that a config block describes."""
    model: Model[Any, Any] = registry.resolve({"model": config}, validate=True)["model"]
    return model


def has_listener(model: Model[Any, Any]) -> bool:
    """Whether a part of the model listens to another component, without which it is nothing:
    spaCy's listeners give zeros where nobody speaks."""
    return any(hasattr(node, "upstream_name") for node in model.walk())


def _bundle_for(lang: str) -> Path:
    languages = {name: _language(_ROOT / name) for name in bundle_names()}
    for name, language in languages.items():
        if language == lang:
            return _ROOT / name
    raise LstmError(
        f"No bundled weights for the language {lang!r}: there are bundles for "
        f"{_listed(sorted(set(languages.values())))}. Set pretrained = null to train your own, "
        "or give the path of a trained pipeline."
    )


def _directory(spec: str) -> Path:
    for directory in (_ROOT / spec, Path(spec)):
        if (directory / "config.cfg").is_file():
            return directory
    raise LstmError(
        f"pretrained = {spec!r} is neither a bundle ({_listed(bundle_names())}) nor the directory "
        'of a trained pipeline: expected one of these, "auto" or null.'
    )


def _language(directory: Path) -> str:
    meta = json.loads((directory / "meta.json").read_text(encoding="utf8"))
    return str(meta["lang"])


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "(none)"
