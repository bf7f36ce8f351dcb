"""`spacy package --build wheel`, and both wheels in an environment that has neither yet."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CHECK = """
import spacy
nlp = spacy.load("en_lstm_coref")
import en_lstm_coref, spacy_lstm
print(spacy_lstm.__file__)
print(en_lstm_coref.load()("Alice is happy. She smiles.")._.resolved_text)
print(nlp("Alice is happy. She smiles.")._.resolved_text)
"""


def call(*command: object, cwd: Path) -> str:
    """What the command printed; it has to succeed."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, capture_output=True, encoding="utf-8", check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """The Python of a new environment that finds the libraries, but not spacy-lstm itself.

    The path file names the folder of this environment's packages, whose own path files, such as
    that of an editable install, are not followed. A package installed there comes second.
    """
    place = tmp_path / "clean"
    venv.create(place, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    folder, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
    return place / folder / f"python{suffix}"


@pytest.mark.slow
def test_wheels_of_package_and_pipeline_work_where_neither_was(
    coref: Path, clean: Path, tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    call(sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "-w", wheels, cwd=tmp_path)
    packages = tmp_path / "packages"
    packages.mkdir()
    model = coref / "model-best"
    package = (sys.executable, "-m", "spacy", "package", model, packages)
    call(*package, "--name", "lstm_coref", "--build", "wheel", cwd=tmp_path)
    found = [*wheels.glob("*.whl"), *packages.rglob("*.whl")]
    assert [path.name.split("-")[0] for path in found] == ["spacy_lstm", "en_lstm_coref"]
    install = (sys.executable, "-m", "pip", "--python", clean, "install", "--no-deps", *found)
    call(*install, "--force-reinstall", cwd=tmp_path)
    where, *resolved = call(clean, "-c", CHECK, cwd=tmp_path).splitlines()
    assert Path(where).is_relative_to(clean.parents[1])
    assert resolved == ["Alice is happy. Alice smiles."] * 2
