"""`spacy-lstm serve`, as a process."""

import http.client
import json
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from spacy_lstm import serving
from spacy_lstm.cli import app

pytest.importorskip("uvicorn", reason="the extra serve is missing")


def run(*words):
    return CliRunner().invoke(app, ["serve", *words])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_serves_until_it_is_stopped(chinese_folder, host):
    words = ["--model", chinese_folder, "--port", "0", "--host", host, "--max-chars", "7"]
    command = [sys.executable, "-m", "spacy_lstm", "serve", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        line = running.stdout.readline().decode()
        address = line.split("/")[2]
        assert (
            line == f"http://{host}:{address.split(':')[1]}/ shows the explorer; Ctrl-C stops it\n"
        )
        assert ask(address, "GET", "/healthz")[1]["models"] == ["klein_zh"]
        assert ask(address, "POST", "/api/resolve", '{"text": "他很高兴。"}')[0] == 200
        assert ask(address, "POST", "/api/resolve", '{"text": "他很高兴，他笑。"}')[0] == 413
        assert ask(address, "GET", "/healthz", host="evil.example")[0] == 400
        running.terminate()
        output, complaints = running.communicate(timeout=20)
    assert (running.returncode, output, complaints) == (0, b"", b"")


def ask(address, method, path, body=None, host=None):
    """Status and JSON; always to 127.0.0.1, by whatever name."""
    connection = http.client.HTTPConnection("127.0.0.1", int(address.split(":")[1]), timeout=20)
    headers = {"content-type": "application/json", "host": host or address}
    connection.request(method, path, body and body.encode(), headers)
    response = connection.getresponse()
    found = response.status, json.loads(response.read())
    connection.close()
    return found


def test_a_busy_port_is_told_in_a_line_before_anything_is_loaded():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--port", str(port), "--model", "nowhere")
    assert result.exit_code == 1
    assert result.stderr == (
        f"✘ cannot listen on 127.0.0.1, port {port} (address already in use): "
        "choose another --port or --host\n"
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--model", "nowhere", "--port", "0"), "✘ No pipeline at nowhere"),
        (("--timeout", "inf"), "✘ timeout = inf: expected a finite number above 0"),
        (("--host", "no.such.host.invalid"), "✘ cannot listen on no.such.host.invalid, port 8000"),
    ],
)
def test_mistakes_are_one_line(words, line):
    result = run(*words)
    assert result.exit_code == 1
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--port", value) for value in ("70000", "-1", "x")),
        *(("--max-chars", value) for value in ("0", "-1", "nan", "2.5")),
        *(("--timeout", value) for value in ("0", "-1", "nan", "soon")),
    ],
)
def test_wrong_usage(option, value):
    result = run(f"{option}={value}")
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.stderr


def test_options_reach_the_server(monkeypatch):
    seen = []
    monkeypatch.setattr(
        serving, "serve", lambda *args, **kwargs: seen.append((args, kwargs)), False
    )
    words = ["--host", "0.0.0.0", "--port", "99", "--max-chars", "5", "--timeout", "2.5"]
    assert run("-m", "a", "-m", "b=c", *words).exit_code == 0
    assert run().exit_code == 0
    ((models,), options), ((usual,), _) = seen
    assert (models, usual) == (["a", "b=c"], ["en_lstm_sm"])
    assert (options["host"], options["port"]) == ("0.0.0.0", 99)
    assert options["limits"] == serving.Limits(max_chars=5, timeout=2.5)


@pytest.mark.parametrize(
    ("host", "local", "url"),
    [
        ("127.0.0.1", True, "http://127.0.0.1:80/"),
        ("::1", True, "http://[::1]:80/"),
        ("localhost", True, "http://localhost:80/"),
        ("0.0.0.0", False, "http://127.0.0.1:80/"),
        ("::", False, "http://[::1]:80/"),
        ("explorer.example", False, "http://explorer.example:80/"),
    ],
)
def test_addresses(host, local, url):
    from spacy_lstm.serving import running  # noqa: PLC0415 (needs uvicorn)

    assert running._is_local(host) == local
    assert running._url(host, 80) == url
