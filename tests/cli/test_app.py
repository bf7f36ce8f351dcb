"""The roof over the commands: help, errors in one line, exit status, the three ways to call."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import spacy
import typer
from confection import ConfigValidationError
from spacy.cli._util import app as spacy_app
from typer.testing import CliRunner, Result

from spacy_lstm.cli import machine
from spacy_lstm.cli.app import OneLineErrors
from spacy_lstm.cli.files import write_atomically
from spacy_lstm.cli.machine import usable_cores
from spacy_lstm.cli.models import load_for, read_text
from spacy_lstm.cli.reporting import format_table, only_json, to_plain
from spacy_lstm.cli.spacy_app import register
from spacy_lstm.errors import LstmError

Run = Callable[..., Result]
COMMANDS = ["prepare", "split", "train", "evaluate", "resolve", "classify", "explain", "serve"]


@pytest.fixture
def failing() -> Callable[[BaseException, tuple[str, ...]], Result]:
    """Runs a command that raises, under the group that the real ones are in."""

    def invoke(error: BaseException, words: tuple[str, ...] = ()) -> Result:
        broken = typer.Typer(cls=OneLineErrors, pretty_exceptions_enable=False)

        @broken.callback()
        def options(debug: bool = typer.Option(False, "--debug")) -> None:
            """As in the real one."""

        @broken.command("break")
        def fail() -> None:
            raise error

        return CliRunner().invoke(broken, ["break", *words])

    return invoke


def test_help_lists_every_command(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name}" in result.stdout
        assert run(name, "--help").exit_code == 0


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (LstmError("unknown cell 'x': expected lstm"), "✘ unknown cell 'x': expected lstm"),
        (LstmError("two\nlines"), "✘ two lines"),
        (FileNotFoundError(2, "No such file or directory", "a.txt"), "✘ a.txt: No such file"),
        (OSError("disk is gone"), "✘ disk is gone"),
        (ValueError("[E1] long\nstory\n\nof spaCy's"), "✘ [E1] long story\n"),
        (ValueError(), "✘ ValueError()"),
        (KeyError("x"), "✘ KeyError: 'x' (--debug shows where)"),
        (KeyboardInterrupt(), "✘ interrupted"),
        (
            ConfigValidationError(errors=[{"loc": ["training", "seed"], "msg": "no number"}]),
            "✘ config: training → seed: no number",
        ),
        (ConfigValidationError(desc="cyclic", title="Config"), "✘ config: cyclic"),
    ],
)
def test_errors_are_one_line(
    failing: Callable[..., Result], error: BaseException, line: str
) -> None:
    result = failing(error)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_debug_shows_the_error_itself(failing: Callable[..., Result]) -> None:
    error = LstmError("here")
    assert failing(error, ("--debug",)).exception is error


def test_debug_after_two_dashes_is_a_text(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("spacy_lstm.cli.resolve.read_text", lambda text, file: seen.append(text))
    run("resolve", "--", "--debug")
    assert seen == ["--debug"]


@pytest.mark.parametrize(
    "words", [("nonsense",), ("resolve", "--nonsense"), ("evaluate", "coref"), ("train", "a.cfg")]
)
def test_wrong_usage_exits_with_2(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        [Path(sys.executable).parent / "spacy-lstm"],
        [sys.executable, "-m", "spacy_lstm"],
        [sys.executable, "-m", "spacy", "lstm"],
    ],
    ids=["script", "module", "spacy"],
)
def test_three_ways_to_call(command: list[str]) -> None:
    words = ["resolve", "She smiles.", "--model", "nowhere", "--json"]
    done = subprocess.run([*command, *words], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("✘ No pipeline at nowhere")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_a_polite_kill_is_an_interruption() -> None:
    code = (
        "import sys, time; from spacy_lstm.cli import resolve, main\n"
        "def wait(*args, **kwargs):\n"
        "    print('ready', file=sys.stderr, flush=True); time.sleep(60)\n"
        "resolve.resolve = wait\n"
        "sys.argv = ['spacy-lstm', 'resolve', 'She smiles.']\n"
        "main()\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert running.stderr is not None
    assert running.stderr.readline() == "ready\n"
    running.send_signal(signal.SIGTERM)
    assert running.stderr.read() == "✘ interrupted\n"
    assert running.wait() == 1
    running.stderr.close()


def test_read_text_from_a_word_a_file_or_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "text.txt"
    file.write_text("小明 smiles.\n", encoding="utf-8")
    assert read_text("Alice.", None) == "Alice."
    assert read_text(None, file) == "小明 smiles."
    with file.open(encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert read_text(None, Path("-")) == "小明 smiles."
        stream.seek(0)
        assert read_text(None, None) == "小明 smiles."


def test_read_text_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(typer.BadParameter, match="not both"):
        read_text("Alice.", tmp_path)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    with pytest.raises(typer.BadParameter, match="no text"):
        read_text(None, None)
    file = tmp_path / "latin.txt"
    file.write_bytes("café".encode("latin-1"))
    with pytest.raises(LstmError, match="is not UTF-8"):
        read_text(None, file)
    with pytest.raises(LstmError, match="the text is not UTF-8: convert it first"):
        read_text("caf\udce9", None)


def test_load_for_names_what_is_missing(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path)
    with pytest.raises(LstmError, match=r"no lstm_coref \(it has sentencizer\)"):
        load_for(tmp_path, "lstm_coref")


def test_write_atomically_leaves_the_old_file_when_it_fails(tmp_path: Path) -> None:
    file = tmp_path / "new" / "figures.json"
    write_atomically(file, "old")
    with pytest.raises(UnicodeEncodeError, match="surrogates"):
        write_atomically(file, "half \ud800")
    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]


def test_write_atomically_names_the_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    wanted = tmp_path / "file" / "page.html"
    with pytest.raises(LstmError, match=f"^cannot write {re.escape(str(wanted))}: .*: choose"):
        write_atomically(wanted, "text")


def idle() -> float:
    return 0.0


def test_usable_cores_counts_cores_not_threads_nor_more_than_the_quota(tmp_path: Path) -> None:
    none = tmp_path / "none"
    smt, quota = tmp_path / "smt", tmp_path / "quota"
    smt.write_text("1\n")
    all_cores = usable_cores(none, none, idle)
    assert usable_cores(smt, none, idle) == max(1, all_cores // 2)
    quota.write_text("max 100000\n")
    assert usable_cores(none, quota, idle) == all_cores
    quota.write_text("50000 100000\n")
    assert usable_cores(none, quota, idle) == 1


def test_usable_cores_leaves_busy_ones_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = tmp_path / "none"
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)), raising=False)
    found = [usable_cores(none, none, lambda load=load: load) for load in (0.2, 0.9, 3.0, 9.0)]
    assert found == [4, 3, 1, 1]


def test_plain_values_are_json() -> None:
    value = {"a": np.float32(0.5), 1: (np.int64(2), float("nan")), "b": [None, True, "é"]}
    assert json.dumps(to_plain(value)) == '{"a": 0.5, "1": [2, null], "b": [null, true, "\\u00e9"]}'


def test_only_json_keeps_standard_output_clean(capsys: pytest.CaptureFixture[str]) -> None:
    with only_json(True):
        print("chatter")  # noqa: T201
    with only_json(False):
        print("table")  # noqa: T201
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("table\n", "chatter\n")


def test_table_aligns() -> None:
    table = format_table(["pair", "F"], [["given", "71.0"], ["detected here", "-"]])
    assert table.splitlines() == [
        "pair              F",
        "-------------  ----",
        "given          71.0",
        "detected here     -",
    ]


def test_spacy_app_registers_once() -> None:
    register()
    register()
    assert [group.name for group in spacy_app.registered_groups].count("lstm") == 1


@pytest.mark.parametrize(("parent", "calls"), [(None, 1), (object(), 0)])
def test_a_child_process_keeps_its_threads(monkeypatch, parent, calls) -> None:
    called: list[int] = []
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(machine, "parent_process", lambda: parent)
    monkeypatch.setattr(machine.torch, "set_num_threads", called.append)
    machine.limit_threads()
    assert len(called) == calls
