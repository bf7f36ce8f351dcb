"""`spacy-lstm train`: spaCy's training loop with settings that suit the machine."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, TextIO

import typer
from spacy.language import DEFAULT_CONFIG, Language
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp
from spacy.util import get_lang_class, import_file, load_config, resolve_dot_names
from thinc.api import Config

from ..errors import LstmError
from ..pretraining import count_processes
from .machine import choose_device
from .overrides import check_overrides, nest_overrides
from .reporting import only_json, print_json

__all__ = ["parse_overrides", "read_config", "train", "train_cli"]

BEST, LAST = "model-best", "model-last"


def train(
    config_path: str | Path,
    output: str | Path,
    *,
    gpu_id: int | None = None,
    resume: bool = False,
    overrides: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train a pipeline from a config that `spacy train` would take too.

    The models are written beside `output` and put in place when they are whole; whatever was
    there before stays until then, also if the training fails or is interrupted in between.

    Args:
        config_path: a config; sections that it leaves out take spaCy's defaults.
        output: the folder for `model-best` and `model-last`.
        gpu_id: which GPU, -1 for none, None to take one if thinc can use it.
        resume: start from the weights in `output/model-last`.
        overrides: `section.key` → value, over what the config says.
    Returns:
        path (of model-best), score (of the config's score weights, as in training), seconds,
        and figures: the score weights' metrics.
    """
    started = perf_counter()
    target = Path(output)
    config = read_config(Path(config_path), overrides or {})
    if resume:
        config = _resumed(config, target / LAST)
    if count_processes() > 1:
        raise LstmError(
            f"{count_processes()} processes were started to train together, which spaCy's training "
            "loop cannot: start train without torchrun (pretrain can)"
        )
    gpu = choose_device(gpu_id)
    workshop = _workshop(target)
    try:
        nlp = init_nlp(config, use_gpu=gpu)
        _check_development_data(nlp)
        try:
            stdout: Any = _Renamed(sys.stdout, str(workshop), str(target))
            train_nlp(nlp, workshop, use_gpu=gpu, stdout=stdout, stderr=sys.stderr)
        finally:
            # spaCy's loop has saved when it lets an interruption through.
            _publish(workshop, target)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return {**_result(target / BEST), "seconds": round(perf_counter() - started, 1)}


def _check_development_data(nlp: Language) -> None:
    """Without a text in it every score is 0, which shows when the training is over."""
    config = nlp.config.interpolate()
    (read,) = resolve_dot_names(config, [config["training"]["dev_corpus"]])
    if next(iter(read(nlp)), None) is None:
        path = config["paths"].get("dev")
        raise LstmError(f"no texts in the development data (paths.dev = {path}): give some")


class _Renamed:
    """A stream that speaks of a file by the name that it will have."""

    def __init__(self, stream: TextIO, name: str, later: str) -> None:
        self._stream = stream
        self._name = name
        self._later = later

    def write(self, text: str) -> int:
        return self._stream.write(text.replace(self._name, self._later))

    def flush(self) -> None:
        self._stream.flush()


def read_config(path: Path, overrides: Mapping[str, Any]) -> Config:
    """A config file with overrides, and spaCy's defaults for what it leaves out.

    Raises LstmError for an override that names no setting.
    """
    if not path.is_file():
        raise LstmError(f"no config file {path}: give the path of a .cfg file")
    plain = load_config(path, interpolate=False)
    nested = nest_overrides(plain, overrides)
    check_overrides(plain, nested)
    config = load_config(path, overrides=nested, interpolate=False)
    # What a language sets for itself, such as its tokenizer, comes before what all share.
    lang = config.interpolate().get("nlp", {}).get("lang")
    defaults = get_lang_class(lang).default_config if lang else DEFAULT_CONFIG
    filled: Config = defaults.merge(config)
    return filled


def _resumed(config: Config, model: Path) -> Config:
    """The config with every component taken from a trained pipeline."""
    if not (model / "config.cfg").is_file():
        raise LstmError(f"nothing to resume in {model}: train without --resume first")
    resumed = config.copy()
    for name in resumed["nlp"]["pipeline"]:
        resumed["components"][name] = {"source": str(model)}
    return resumed


def _workshop(target: Path) -> Path:
    """An empty folder beside the target."""
    if target.is_file():
        raise LstmError(f"output {target} is a file: give a folder")
    workshop = target.with_name(f".{target.name}.partial")
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir(parents=True)
    return workshop


def _publish(workshop: Path, target: Path) -> None:
    """Put the models in place, each by a rename. Without a best one nothing is there to keep."""
    if not (workshop / BEST).is_dir():
        return
    target.mkdir(parents=True, exist_ok=True)
    for name in (BEST, LAST):
        old = workshop / f"{name}.old"
        if (target / name).exists():
            (target / name).rename(old)
        (workshop / name).rename(target / name)


def _result(model: Path) -> dict[str, Any]:
    meta = json.loads((model / "meta.json").read_text(encoding="utf-8"))
    weights = Config().from_disk(model / "config.cfg")["training"]["score_weights"]
    figures = {name: meta["performance"].get(name) for name in weights}
    score = sum(weight * (figures[name] or 0) for name, weight in weights.items() if weight)
    return {"path": str(model), "score": score, "figures": figures}


def parse_overrides(words: Sequence[str]) -> dict[str, Any]:
    """`--section.key value` or `--section.key=value` words; values are JSON, or else strings.

    A key without a value is true, as in `spacy train`. With `=` the dashes may be left out: the
    variables of a spaCy project lose them on the command line.
    """
    overrides: dict[str, Any] = {}
    rest = list(words)
    while rest:
        key, equals, value = rest.pop(0).partition("=")
        named = key.startswith("--") or (equals and not key.startswith("-"))
        if not named or "." not in key:
            raise typer.BadParameter(f"{key!r} is no option, nor an override --section.key=value")
        if not equals:
            value = rest.pop(0) if rest and not rest[0].startswith("--") else "true"
        overrides[key.removeprefix("--").replace("-", "_")] = _value(value)
    return overrides


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _import_code(path: Path) -> None:
    """Run a file of the user's that registers functions."""
    if not path.is_file():
        raise LstmError(f"no code file {path}: give the path of a Python file")
    import_file("python_code", path)


def train_cli(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The training config.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for model-best and model-last.")
    ],
    gpu_id: Annotated[
        int | None,
        typer.Option("--gpu-id", "-g", help="Which GPU; -1: none. Left out: one if it is there."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUTPUT/model-last.")] = False,
    code: Annotated[
        Path | None,
        typer.Option("--code", "-c", help="Python file that registers functions of yours."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Train a pipeline; settings are overridden as in --training.max_epochs=3."""
    overrides = parse_overrides(context.args)
    if code is not None:
        _import_code(code)
    with only_json(as_json):
        result = train(config, output, gpu_id=gpu_id, resume=resume, overrides=overrides)
    if as_json:
        print_json(result)
    else:
        print(f"score {result['score']:.3f} after {result['seconds']} s: {result['path']}")
