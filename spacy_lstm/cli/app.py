"""The commands under one roof, and what becomes of their errors."""

import sys
from typing import Annotated, Any

import typer
from confection import ConfigValidationError
from typer.core import TyperGroup

from .annotate import annotate_cli
from .benchmark import benchmark_cli
from .bundle import bundle_cli
from .classify import classify_cli
from .evaluate import evaluate_app
from .evaluate_entities import evaluate_entities_cli
from .evaluate_faithfulness import evaluate_faithfulness_cli
from .evaluate_suite import evaluate_suite_cli
from .explain import explain_cli
from .label import label_cli
from .prepare import prepare_cli
from .pretrain import pretrain_cli
from .probe import probe_cli
from .resolve import resolve_cli
from .serve import serve_cli
from .silver import silver_cli
from .split import split_cli
from .train import train_cli

__all__ = ["app"]

_DEBUG = "--debug"


class OneLineErrors(TyperGroup):
    """Prints an error as one line and exits with status 1; `--debug` anywhere shows all of it.

    It sits in the group, not in `main`, so that it also holds under `python -m spacy lstm`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take `--debug` wherever it stands, so that it need not be every command's option."""
        end = args.index("--") if "--" in args else len(args)
        if _DEBUG in args[:end]:
            rest = [word for word in args[:end] if word != _DEBUG]
            args = [_DEBUG, *rest, *args[end:]]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (typer.Abort, BrokenPipeError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            # Exits and usage errors, of whichever click typer brings, know their exit status.
            if ctx.params.get("debug") or hasattr(error, "exit_code"):
                raise
            print(f"✘ {_one_line(error)}", file=sys.stderr)
            raise typer.Exit(1) from None


def _one_line(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        text = "interrupted"
    elif isinstance(error, ConfigValidationError):
        text = f"config: {_config_faults(error)}"
    elif isinstance(error, OSError) and error.strerror and error.filename:
        text = f"{error.filename}: {error.strerror}"
    elif isinstance(error, ValueError | OSError):
        # spaCy's own errors are long: the first paragraph says what is wrong.
        text = str(error).strip().split("\n\n")[0] or repr(error)
    else:
        text = f"{type(error).__name__}: {error} ({_DEBUG} shows where)"
    return " ".join(text.split())


def _config_faults(error: ConfigValidationError) -> str:
    faults = [
        f"{' → '.join(map(str, fault.get('loc', ())))}: {fault.get('msg')}"
        for fault in error.errors or ()
    ]
    return "; ".join(faults) or error.desc or str(error.title)


app = typer.Typer(
    name="spacy-lstm",
    cls=OneLineErrors,
    help="Pronoun resolution and sentiment with LSTMs, for spaCy.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option(_DEBUG, help="Show the traceback of an error.")] = False,
) -> None:
    """Read by the group."""


app.command("prepare")(prepare_cli)
app.command("split")(split_cli)
app.command("silver")(silver_cli)
app.command("label")(label_cli)
_OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}
app.command("pretrain", context_settings=_OVERRIDES)(pretrain_cli)
app.command("train", context_settings=_OVERRIDES)(train_cli)
evaluate_app.command("entities")(evaluate_entities_cli)
evaluate_app.command("faithfulness")(evaluate_faithfulness_cli)
evaluate_app.command("suite")(evaluate_suite_cli)
app.add_typer(evaluate_app, name="evaluate")
app.command("resolve")(resolve_cli)
app.command("classify")(classify_cli)
app.command("annotate")(annotate_cli)
app.command("explain")(explain_cli)
app.command("probe")(probe_cli)
app.command("serve")(serve_cli)
app.command("bundle")(bundle_cli)
app.command("benchmark")(benchmark_cli)
