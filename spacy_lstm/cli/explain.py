"""`spacy-lstm explain`: a page that shows what a pipeline found in a text, or how."""

import json
import warnings
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from spacy.tokens import Doc

from ..descriptions import describe_explanation
from ..errors import LstmError
from ..explaining import explain as explain_answers
from ..explanations import Explanation
from ..files import replacing
from ..pretrained import load_pipeline
from ..traces import Trace
from ..tracing import PUBLISHED, trace, trace_example
from ..viz import draw, render
from ..viz.example import render_example, view_example
from .files import write_atomically
from .models import (
    DEFAULT_MODEL,
    FileOption,
    JsonOption,
    ModelOption,
    TextArgument,
    load_for,
    read_text,
)
from .reporting import format_table, only_json, print_json

__all__ = ["explain", "explain_cli", "explain_example"]

_FACTORIES: Final = {"coref": "lstm_coref", "sentiment": "lstm_sentiment"}
_TRACED: Final = ("gates", "memory", "attention")
_WHY: Final = "why"
_STYLES: Final = (*_FACTORIES, *_TRACED, _WHY)
_FIGURES: Final = (".png", ".svg")
_SAVED: Final = (".npz", ".json")
# A page may go to a pipe or to a file without an end to its name.
_PAGES: Final = (".html", ".htm", "")
# Beside pages.
_FORMS: Final = {
    **dict.fromkeys(_FACTORIES, ()),
    **dict.fromkeys(_TRACED, _FIGURES + _SAVED),
    _WHY: (*_FIGURES, ".json"),
}
_DOTS_PER_INCH: Final = 150
# The other parameters choose what an example has chosen.
_WITH_EXAMPLE: Final = ("example", "output", "as_json")


def explain(
    text: str,
    *,
    output: str | Path,
    model: str | Path = DEFAULT_MODEL,
    style: str | None = None,
    component: str | None = None,
) -> Doc | Trace | Explanation:
    """Run a pipeline over a text and write a picture of what it found, or of its insides.

    Args:
        text: what to read.
        output: the file, replaced if it is there: .html for a page, .png or .svg for a figure
            (needs matplotlib), .npz or .json for the trace itself, .json for the explanation.
        model: a bundle's name, a pipeline's folder or package.
        style: what to show: "coref" or "sentiment"; "why" for what both hang on; or of the
            encoder's work "gates", "memory" or "attention". None is "coref" for a page, and
            "gates" for all else.
        component: whose encoder, for the latter three; None for the first that has one.
    """
    target = Path(output)
    chosen = style or ("gates" if component or target.suffix in _FIGURES + _SAVED else "coref")
    _check(chosen, target, component)
    if chosen == _WHY:
        explained = explain_answers(load_pipeline(model), text)
        _write(explained, target, chosen)
        return explained
    if chosen not in _FACTORIES:
        found = trace(load_pipeline(model), text, component=component)
        _write(found, target, chosen)
        return found
    nlp, pipe = load_for(model, _FACTORIES[chosen])
    doc = nlp(text)
    prefix = {"span_cluster_prefix": pipe.span_cluster_prefix} if chosen == "coref" else {}
    write_atomically(target, render(doc, style=chosen, **prefix))
    return doc


def explain_example(name: str, *, output: str | Path) -> list[dict[str, Any]]:
    """Write a page of a worked example, and give its two readings: what the weights lead to, and
    what was published.

    Args:
        name: "alice", the one there is.
        output: the HTML file, replaced if it is there.
    """
    if name != "alice":
        raise LstmError(f"no example {name!r}: there is alice")
    if Path(output).suffix not in _PAGES:
        raise LstmError(f"the example as {Path(output).name}: expected a name that ends in .html")
    worked, as_published = trace_example(), trace_example(published=True)
    write_atomically(output, render_example(worked, as_published, PUBLISHED))
    return view_example(worked, as_published, PUBLISHED)


def _check(style: str, target: Path, component: str | None) -> None:
    """Before anything is loaded."""
    if style not in _STYLES:
        raise LstmError(f"Unknown style {style!r}: choose one of {', '.join(_STYLES)}.")
    if style not in _TRACED and component is not None:
        raise LstmError(
            f"--component {component} with --style {style}: it goes with {', '.join(_TRACED)}"
        )
    if target.suffix not in _PAGES + _FIGURES + _SAVED:
        raise LstmError(
            f"cannot write {target.name}: expected a name that ends in .html, "
            f"{', '.join(_FIGURES + _SAVED)}"
        )
    if target.suffix not in _PAGES + _FORMS[style]:
        others = ", ".join(name for name, ends in _FORMS.items() if target.suffix in ends)
        raise LstmError(
            f"--style {style} as {target.name}: expected a name that ends in "
            f"{', '.join(('.html', *_FORMS[style]))}, or --style {others}"
        )


def _write(found: Trace | Explanation, target: Path, style: str) -> None:
    if isinstance(found, Explanation) and target.suffix == ".json":
        write_atomically(target, json.dumps(describe_explanation(found), ensure_ascii=False))
    elif isinstance(found, Trace) and target.suffix in _SAVED:
        found.save(target)
    elif target.suffix in _FIGURES:
        figure = draw(found, style)
        with replacing(target) as beside, warnings.catch_warnings():
            # Of a sign that no font here has, an empty box is drawn.
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            figure.savefig(beside, format=target.suffix[1:], dpi=_DOTS_PER_INCH)
    else:
        write_atomically(target, render(found, style=style))


def _check_alone(context: typer.Context) -> None:
    """An example brings its text, its model and its page: what else is given would be lost."""
    for each in context.command.params:
        source = context.get_parameter_source(each.name or "")
        if each.name not in _WITH_EXAMPLE and source is not None and source.name == "COMMANDLINE":
            name = "a text" if each.name == "text" else max(each.opts, key=len)
            raise typer.BadParameter(f"give {name} or --example, not both")


def explain_cli(
    context: typer.Context,
    text: TextArgument = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The file to write: .html; of the encoder and of why also .png, .svg, or all of "
            "it as .json, and of the encoder as .npz.",
        ),
    ] = Path("explain.html"),
    style: Annotated[
        str | None,
        typer.Option(
            "--style", "-s", help=f"What to show: {', '.join(_STYLES)}.", show_default="coref"
        ),
    ] = None,
    component: Annotated[
        str | None,
        typer.Option(help="Whose encoder to look into; the first that has one, if left out."),
    ] = None,
    example: Annotated[
        str | None,
        typer.Option(
            help="A worked example in the place of a text: alice, a cell of one unit. Only "
            "--output and --json go with it."
        ),
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    file: FileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a web page that shows the links of a text, its sentiment, why it got both, or how an
    LSTM read it: every gate, what its memory holds, every attention."""
    if example is not None:
        _check_alone(context)
        with only_json(as_json):
            readings = explain_example(example, output=output)
        if as_json:
            print_json({"output": str(output), "example": example, "readings": readings})
        else:
            print("\n\n".join(map(_print_reading, readings)), output, sep="\n\n")
        return
    content = read_text(text, file)
    with only_json(as_json):
        found = explain(content, output=output, model=model, style=style, component=component)
    if as_json:
        print_json(_describe(found, output, style))
    else:
        print(output)


def _describe(found: Doc | Trace | Explanation, output: Path, style: str | None) -> dict[str, Any]:
    if isinstance(found, Explanation):
        links, sentiment = found.links, found.sentiment
        return {
            "output": str(output),
            "style": _WHY,
            "links": None if links is None else len(links),
            "label": sentiment.label if sentiment else None,
        }
    if isinstance(found, Doc):
        return {"output": str(output), "style": style or "coref", "tokens": len(found)}
    return {
        "output": str(output),
        "style": style or "gates",
        "tokens": len(found.tokens),
        "component": found.component,
    }


def _print_reading(reading: dict[str, Any]) -> str:
    header = ["", "forget", "input", "output", "candidate", "cell", "hidden"]
    rows = [[row["word"], *map(_print_cell, row["cells"])] for row in reading["rows"]]
    notes = f"{reading['meaning']} In brackets: the published values; ≠ where they differ "
    notes += "by more than rounding by hand (0.002)."
    return "\n".join([reading["name"], notes, "", format_table(header, rows)])


def _print_cell(cell: dict[str, Any]) -> str:
    if cell["published"] is None:
        return f"{cell['value']:.3f}"
    return f"{cell['value']:.3f} {'≠' if cell['differs'] else ''}[{cell['published']:.3f}]"
