"""Takes the picture of the explorer, `explorer.png` beside this file.

    python docs/images/explorer.py

Needs the extra `serve`, playwright, and Chromium on the path (or its path in CHROMIUM).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

TEXT = "Alice, who had arrived yesterday with her two brothers, was tired, but she smiled."
SETTINGS = {"channel": "cell_state", "token": 15, "why": 1}
SIZE = {"width": 1280, "height": 900}


def take(url: str, path: Path) -> None:
    """Open the page, wait until all of it is drawn, and write what it looks like."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        # Containers often run as root, for whom Chromium has no sandbox.
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(f"{url}#{urlencode({'text': TEXT, **SETTINGS})}")
        page.wait_for_selector(".running svg")
        # It is worked out once somebody comes to see it.
        page.locator("#why").scroll_into_view_if_needed()
        page.wait_for_selector("#why .reasons")
        page.screenshot(path=path, full_page=True)
        browser.close()


def main() -> None:
    command = [sys.executable, "-m", "spacy_lstm", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        take(server.stdout.readline().split()[0], Path(__file__).with_name("explorer.png"))
        server.terminate()


if __name__ == "__main__":
    main()
