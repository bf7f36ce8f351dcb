"""`spacy-lstm pretrain`: an encoder learns from raw text before it is trained on a task."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..pretraining import PretrainSettings, join_ranks, pretrain_component
from .machine import choose_device
from .reporting import only_json, print_json
from .train import parse_overrides, read_config

__all__ = ["pretrain", "pretrain_cli"]

_DEFAULTS = PretrainSettings()


def pretrain(
    config_path: str | Path,
    texts: Sequence[str | Path],
    output: str | Path,
    *,
    component: str | None = None,
    settings: PretrainSettings = _DEFAULTS,
    save_every: int = 500,
    gpu_id: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Pretrain the encoder of a training config on raw text, both directions a language model.

    What it leaves in `output` a later call with the same settings goes on from. Processes that
    `torchrun` started train together, each on its share of every batch.

    Args:
        config_path: the training config.
        texts: files of raw text, plain or compressed (.gz, .bz2, .xz): a paragraph a line, a
            blank line between documents; and `.spacy` files, as `prepare` writes them.
        output: folder for `tok2vec.bin`, which `initialize.components.NAME.encoder` of the
            training takes.
        component: whose encoder is trained; None for the first of the pipeline.
        settings: sizes, rates and the seed.
        save_every: steps between two checkpoints.
        gpu_id: which GPU, -1 for none, None to take one if thinc can use it.
        overrides: `section.key` → value, over what the config says.
    Returns:
        path, step, tokens, loss, perplexity (of held-out text, mean of both directions),
        seconds (of the call that made the last step), since_step (the step it began with) and
        rank (0 but for further processes of `torchrun`).
    """
    choose_device(gpu_id)
    config = read_config(Path(config_path), overrides or {})
    with join_ranks() as ranks:
        result = pretrain_component(
            config,
            [Path(text) for text in texts],
            Path(output),
            settings,
            component=component,
            save_every=save_every,
            show_progress=show_progress,
            ranks=ranks,
        )
        return {**result, "rank": ranks.rank}


def pretrain_cli(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The training config.")],
    texts: Annotated[list[str], typer.Argument(help="Raw text, a paragraph a line; .spacy files.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the weights; resumed if it is there.")
    ],
    component: Annotated[
        str | None, typer.Option(help="Whose encoder; left out: the pipeline's first.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps in all.")] = _DEFAULTS.steps,
    sequences: Annotated[int, typer.Option(min=1, help="Chunks a step.")] = _DEFAULTS.sequences,
    length: Annotated[int, typer.Option(min=2, help="Tokens a chunk.")] = _DEFAULTS.length,
    vocabulary: Annotated[int, typer.Option(min=2, help="Words to tell.")] = _DEFAULTS.vocabulary,
    samples: Annotated[int, typer.Option(min=1, help="Words a contrast.")] = _DEFAULTS.samples,
    rate: Annotated[float, typer.Option(min=0, help="Highest learning rate.")] = _DEFAULTS.rate,
    dropout: Annotated[float, typer.Option(min=0, max=0.9)] = _DEFAULTS.dropout,
    seed: Annotated[int, typer.Option(min=0)] = _DEFAULTS.seed,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 500,
    gpu_id: Annotated[
        int | None,
        typer.Option("--gpu-id", "-g", help="Which GPU; -1: none. Left out: one if it is there."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Pretrain an encoder on raw text; settings are overridden as in --paths.vectors=FILE."""
    settings = PretrainSettings(steps, sequences, length, vocabulary, samples, rate, dropout, seed)
    words = [*texts, *context.args]
    files = [word for word in words if not word.startswith("--")]
    overrides = [word for word in words if word.startswith("--")]
    for word in overrides:
        # What follows a bare --section.key could be its value or a text.
        if "=" not in word:
            raise typer.BadParameter(f"{word!r} is no option, nor an override --section.key=value")
    with only_json(as_json):
        result = pretrain(
            config,
            files,
            output,
            component=component,
            settings=settings,
            save_every=save_every,
            gpu_id=gpu_id,
            overrides=parse_overrides(overrides),
            show_progress=sys.stderr.isatty(),
        )
    # What several processes have made is told once.
    if result["rank"]:
        return
    if as_json:
        print_json(result)
    else:
        print(f"perplexity {result['perplexity']} after {result['step']} steps: {result['path']}")
