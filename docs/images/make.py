"""Makes the pictures beside it: `python docs/images/make.py`. It needs the English bundle and
Chromium."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from spacy_lstm.cli.explain import explain, explain_example

FOLDER = Path(__file__).parent
TEXT = "Alice met Bob in the garden yesterday, and later that day she gave him a book."
REASONS = (
    "Alice met Bob in the garden, and later she gave him a book. "
    "It was dull at first, but the ending is wonderful."
)


class Picture(NamedTuple):
    """A page as it stands in a window.

    style: of `explain`; "example" for the worked one.
    state: what the page is asked to show, after the # of its address.
    size: of the window, in pixels.
    """

    name: str
    style: str
    state: str
    size: tuple[int, int]
    text: str = TEXT


PICTURES = [
    Picture("gates", "gates", "order=variance", (1180, 730)),
    Picture("memory_units", "gates", "channel=left&order=reach", (1180, 730)),
    Picture("memory", "memory", "", (1180, 860)),
    Picture("attention", "attention", "", (1180, 960)),
    Picture("why", "why", "", (1180, 790), REASONS),
    Picture("alice", "example", "", (980, 1010)),
]


def main() -> None:
    """Every picture, in the place of what was there."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no chromium to make pictures with")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        for picture in PICTURES:
            if picture.style == "example":
                explain_example("alice", output=page)
            else:
                explain(picture.text, output=page, style=picture.style)
            width, height = picture.size
            command = [
                *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                f"--window-size={width},{height}",
                f"--screenshot={FOLDER / picture.name}.png",
                f"{page.as_uri()}#{picture.state}",
            ]
            subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
