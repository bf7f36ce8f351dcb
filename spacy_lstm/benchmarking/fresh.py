"""A program of its own: what a fresh process takes to start, and what a long document takes.

Reads a request, one JSON object, from standard input and writes its answer to standard output. It
is started by `processes` from its source, so that nothing is imported before time counts.
"""

import json
import sys
import time
from typing import Any

_CLOCKS = {False: time.perf_counter, True: time.process_time}
_STARTED = {cpu: clock() for cpu, clock in _CLOCKS.items()}

import spacy  # noqa: E402, F401

from spacy_lstm.pretrained import load_pipeline  # noqa: E402

_IMPORTED = {cpu: clock() for cpu, clock in _CLOCKS.items()}


def _memory(key: str) -> float | None:
    """Megabytes: resident now (VmRSS) or at most (VmHWM); None where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as stream:  # noqa: PTH123
            for line in stream:
                if line.startswith(key):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None


def _forget_peak() -> None:
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as stream:  # noqa: PTH123
            stream.write("5")
    except OSError:
        pass


def _run(request: dict[str, Any]) -> dict[str, Any]:
    clock = _CLOCKS[request["cpu"]]
    started, imported = _STARTED[request["cpu"]], _IMPORTED[request["cpu"]]
    begun = clock()
    nlp = load_pipeline(
        request["model"], exclude=request["exclude"], precision=request["precision"]
    )
    loaded = clock()
    nlp(request["first"])
    first = clock()
    answer: dict[str, Any] = {
        "import": imported - started,
        "load": loaded - begun,
        "first": first - loaded,
        "start": first - begun + imported - started,
        "base": _memory("VmRSS"),
        "documents": [],
    }
    if not request["documents"]:
        return answer

    nlp.max_length = 1 << 40
    for _ in nlp.pipe(request["warm_up"]):
        pass
    for path in request["documents"]:
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123
            text = stream.read()
        _forget_peak()
        before = _memory("VmRSS")
        started = clock()
        doc = nlp(text)
        seconds = clock() - started
        peak = _memory("VmHWM")
        extra = None if peak is None or before is None else peak - before
        answer["documents"].append(
            {"words": len(doc), "seconds": seconds, "extra_megabytes": extra}
        )
        del doc
    return answer


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_run(json.load(sys.stdin))))
