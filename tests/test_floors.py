"""Which room may import what: read from the source, not from what happens to be loaded."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import spacy_lstm

PACKAGE = Path(spacy_lstm.__file__).parent
GROUND = {
    "batching",
    "errors",
    "explanations",
    "files",
    "labels",
    "nn",
    "coref",
    "lexicons",
    "probing",
    "suites",
    "traces",
}
# Room → the rooms below it. Components find models, scorers and readers by registry name only,
# so that none of these stands in their line. "" is the package's own __init__ and __main__.
ROOMS = {
    "": {"errors", "explaining", "pretrained", "traces", "tracing", "viz", "cli"},
    "errors": set(),
    "batching": set(),
    "files": {"errors"},
    "labels": set(),
    "traces": {"errors", "files"},
    "explanations": {"coref"},
    "suites": {"errors"},
    "lexicons": {"errors"},
    "coref": {"errors", "lexicons"},
    "nn": {"errors", "coref", "lexicons", "traces"},
    "models": {"errors", "nn", "coref", "lexicons", "traces"},
    "scorers": {"errors", "labels", "coref"},
    "corpora": {"errors", "coref", "lexicons"},
    "tracing": {"errors", "nn", "models", "traces", "viz"},
    "explaining": {
        *("batching", "errors", "explanations", "labels", "coref", "models", "traces", "tracing"),
        "viz",
    },
    "viz": {"errors", "coref", "explanations", "traces"},
    "pretrained": {"errors", "models"},
    "pretraining": {"errors", "files", "nn", "models", "corpora"},
    "probing": {"errors", "nn"},
    "benchmarking": {"batching", "errors", "models", "nn", "pipeline", "pretrained"},
    "pipeline": {"batching", "errors", "labels", "coref", "pretrained"},
    "descriptions": {"explanations"},
    "serving": {
        *("", "errors", "descriptions", "explaining", "explanations"),
        *("traces", "tracing", "pretrained"),
    },
    "bulk": {"", "errors", "labels", "descriptions", "corpora", "pretrained"},
    "cli": {
        *(
            "errors",
            "files",
            "labels",
            "coref",
            "pretrained",
            "pretraining",
            "viz",
            "corpora",
            "pipeline",
            "benchmarking",
            "explaining",
            "explanations",
            "probing",
            "bulk",
            "descriptions",
            "serving",
        ),
        *("suites", "traces", "tracing"),
    },
}
# Library → the only rooms that may import it at all.
OWNERS = {
    "torch": {"nn", "models", "pretraining", "benchmarking", "cli"},
    "spacy": set(ROOMS) - GROUND,
    "thinc": set(ROOMS) - GROUND,
    "datasets": {"corpora"},
    "pandas": set[str](),
    "pyarrow": {"bulk"},
    "fsspec": {"bulk"},
    "ray": {"bulk"},
    "matplotlib": {"viz"},
    "typer": {"cli"},
    "jinja2": {"viz", "cli"},
    "fastapi": {"serving"},
    "starlette": {"serving"},
    "uvicorn": {"serving"},
    "pydantic": {"serving"},
    "scipy": {"coref", "scorers"},
    "numpy": set(ROOMS) - {"", "batching", "errors", "files", "labels", "probing", "cli"},
}


class Import(NamedTuple):
    """One imported module, as an absolute name."""

    module: str
    line: int
    in_function: bool


def source_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] not in {"__main__", "LstmError"} else ""


def read_imports(path: Path) -> list[Import]:
    """Every import of a file but those that only the type checker sees."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path.parent / "x")
    package = package.removesuffix(".x")
    return list(_walk(ast.parse(path.read_text(encoding="utf-8")), package, in_function=False))


def _walk(node: ast.AST, package: str, *, in_function: bool) -> Iterator[Import]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, node.lineno, in_function) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*up, *([node.module] if node.module else [])])
        for alias in node.names:
            name = f"{base}.{alias.name}"
            yield Import(name if _is_module(name) else base, node.lineno, in_function)
    inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, package, in_function=inside)


def _is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


FILES = source_files()
IDS = [str(path.relative_to(PACKAGE)) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_stay_on_their_floor(path: Path) -> None:
    room = room_of(module_name(path))
    assert room in ROOMS, f"{room} is a room without a floor: add it to the table"
    for found in read_imports(path):
        top = found.module.split(".")[0]
        if top == "spacy_lstm":
            other = room_of(found.module)
            assert other in ROOMS[room] | {room}, f"line {found.line}: {room} imports {other}"
        else:
            owners = OWNERS.get(top, set(ROOMS))
            assert room in owners, f"line {found.line}: {room} imports {top}"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_no_import_of_ours_hides_in_a_function(path: Path) -> None:
    # `datasets` takes a second to import: of all commands only `prepare` has to pay for it.
    allowed = {"spacy_lstm.corpora.readers"} if path.parent.name == "cli" else set()
    hidden = {
        found.module
        for found in read_imports(path)
        if found.in_function and found.module.startswith("spacy_lstm")
    }
    assert hidden <= allowed


def test_no_circles() -> None:
    known = {module_name(path) for path in FILES}
    graph = {
        module_name(path): {
            found.module
            for found in read_imports(path)
            if found.module in known and found.module != "spacy_lstm"
        }
        for path in FILES
    }
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) >= len(FILES) - 1


def test_nobody_imports_the_command_line() -> None:
    importers = {
        room_of(module_name(path))
        for path in FILES
        for found in read_imports(path)
        if found.module.startswith("spacy_lstm.cli")
    }
    assert importers <= {"", "cli"}


def test_the_guard_reads_every_form_of_import(tmp_path: Path) -> None:
    source = tmp_path / "sample.py"
    source.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import pandas\n"
        "from ..errors import LstmError\n"
        "from .. import errors\n"
        "def f():\n    import torch.nn as n\n"
    )
    found = list(_walk(ast.parse(source.read_text()), "spacy_lstm.viz", in_function=False))
    assert found == [
        Import("typing", 1, False),
        Import("spacy_lstm.errors", 4, False),
        Import("spacy_lstm.errors", 5, False),
        Import("torch.nn", 7, True),
    ]
