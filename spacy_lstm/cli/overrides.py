"""Which settings of a config can be overridden."""

import inspect
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from spacy.language import DEFAULT_CONFIG, Language
from spacy.util import registry
from thinc.api import Config

from ..errors import LstmError

__all__ = ["check_overrides", "nest_overrides"]

_CHOICES: Final = frozenset({"factory", "source"})
_SOURCED: Final = frozenset({"source", "component", "replace_listeners"})
# Their keys are names that the user chooses, or (pretraining is spaCy's own) nothing reads them.
_UNCHECKED: Final = frozenset({"components", "corpora", "pretraining"})


def nest_overrides(config: Config, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides, those of keys under a setting that is null as a block in its place.

    spaCy overrides keys of sections that a file has; `corpora.train.labels.0` needs none where
    the file says `labels = null`.
    """
    nested: dict[str, Any] = {}
    for key, value in overrides.items():
        place, names = _empty_place(config, key)
        if not names:
            nested[key] = value
            continue
        block = nested.setdefault(place, {})
        for name in names[:-1]:
            block = block.setdefault(name, {})
        block[names[-1]] = value
    return nested


def _empty_place(config: Config, key: str) -> tuple[str, list[str]]:
    """The setting above a key that is null, and the names from there."""
    names = key.split(".")
    block: Any = config
    for i, name in enumerate(names[:-1]):
        if not isinstance(block, dict) or name not in block:
            break
        block = block[name]
        if block is None:
            return ".".join(names[: i + 1]), names[i + 1 :]
    return key, []


def check_overrides(config: Config, overrides: Mapping[str, Any]) -> None:
    """Raise LstmError for one that names no setting, with the nearest that there is.

    spaCy takes any key of a section that the file has, and many of them nobody reads.

    Args:
        config: of the file, not interpolated, without spaCy's defaults.
        overrides: `section.key` → value.
    """
    for key in overrides:
        section, _, name = key.rpartition(".")
        block = _find(config, section)
        if block is not None and name in block:
            continue
        # Another function or factory, given in the same call, has other settings.
        siblings = {k.rpartition(".")[2]: k for k in overrides if k.rpartition(".")[0] == section}
        swapped = {
            sibling: overrides[path]
            for sibling, path in siblings.items()
            if sibling.startswith("@") or sibling in _CHOICES
        }
        known = None if block is None else _known_names(config, section, {**block, **swapped})
        if block is not None and (known is None or name in known):
            continue
        near = get_close_matches(key, {*_keys(config), *(f"{section}.{n}" for n in known or ())}, 1)
        mend = f"did you mean {near[0]}?" if near else "see the config for what there is"
        what = "has no such setting" if block is not None else f"has no section [{section}]"
        raise LstmError(f"--{key}: the config {what}: {mend}")


def _find(config: Config, section: str) -> dict[str, Any] | None:
    block: Any = config
    for name in section.split("."):
        block = block.get(name) if isinstance(block, dict) else None
    return block if isinstance(block, dict) else None


def _known_names(config: Config, section: str, block: Mapping[str, Any]) -> set[str] | None:
    """The keys that a section can have; None where any can be."""
    function = next((key for key in block if key.startswith("@")), None)
    if function is not None:
        names = _parameters(function[1:], block[function])
    elif section.startswith("components.") and section.count(".") == 1:
        names = _component_settings(block)
    elif "." in section or section in _UNCHECKED:
        return None
    else:
        # Sections for variables have those that the file refers to, maybe without a value yet.
        referred = re.findall(rf"\$\{{{re.escape(section)}[.:](\w+)", config.to_str())
        names = {*DEFAULT_CONFIG.get(section, ()), *referred}
    return None if names is None else {*block, *names}


def _parameters(kind: str, name: str) -> set[str] | None:
    try:
        found = inspect.signature(registry.get(kind, name)).parameters
    except ValueError:
        # What is not registered is reported when it is needed.
        return None
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return None if any(p.kind in variadic for p in found.values()) else set(found)


def _component_settings(block: Mapping[str, Any]) -> set[str] | None:
    if "source" in block:
        return set(_SOURCED)
    # Factories are registered when the first pipeline is made.
    nlp, factory = Language(), block.get("factory")
    if not isinstance(factory, str) or not nlp.has_factory(factory):
        return None
    return {"factory", *(nlp.get_factory_meta(factory).default_config or {})}


def _keys(block: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in block.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{name}.")
