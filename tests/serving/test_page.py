"""The explorer in a real browser: what one sees, that nothing else is asked for, that no markup of
a text is followed."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

pytest.importorskip("uvicorn", reason="the extra serve is missing")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing")
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")

TEXT = "Alice is happy. She smiles."
EVIL = [
    "<script>window.followed = 1</script>",
    "<img src=x onerror='window.followed = 1'>",
    "</textarea></div><svg onload=window.followed=1>",
    "&lt;b&gt;&amp;#x27;",
    "javascript:window.followed=1",
    '" onfocus="window.followed=1" autofocus=\'',
    "{{7*7}}${7*7}<!-- -->]]>",
    "<style>*{display:none}</style>",
    "\u202eabc\u202c \u0000 😀 \u0301",
]


@pytest.fixture(scope="module")
def address(chinese_folder) -> Iterator[str]:
    words = ["--model", "en_lstm_sm", "--model", chinese_folder, "--port", "0"]
    command = [sys.executable, "-m", "spacy_lstm", "serve", *words, "--max-chars", "4000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        yield running.stdout.readline().decode().split()[0]
        running.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        # Containers often run as root, for whom Chromium has no sandbox.
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address) -> Iterator[Any]:
    """Opens the explorer; at the end nothing may have been complained of or asked elsewhere."""
    complaints: list[str] = []
    contexts = []

    def open_it(fragment="#text=", **settings):
        permissions = ["clipboard-read", "clipboard-write"]
        context = browser.new_context(permissions=permissions, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda sent: sent.url.startswith(address) or complaints.append(sent.url))
        page.goto(address + fragment)
        return page

    yield open_it
    followed = [page.evaluate("window.followed") for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    assert complaints == []
    assert followed == [None] * len(followed)


def show(page, text):
    """Type a text, and wait until all of it is drawn."""
    page.evaluate("document.querySelectorAll('.view').forEach((view) => view.replaceChildren())")
    page.fill("#text", text)
    wait(page)


def wait(page):
    page.wait_for_selector(".running svg")


def read_links(page):
    rows = page.locator("#links table tr").all()
    return [tuple(row.locator("bdi").all_inner_texts()) for row in rows]


def picture(page):
    return page.evaluate("document.querySelector('#memory canvas').toDataURL()")


def test_typing_shows_links_sentiment_gates_and_attention(open_page):
    page = open_page()
    page.locator("#text").press_sequentially(TEXT, delay=5)
    page.wait_for_function(
        "() => document.querySelector('#links .resolved')?.textContent.includes('. A')"
    )
    assert read_links(page) == [("She", "Alice")]
    wait(page)
    assert page.inner_text("#links .resolved") == "Alice is happy. Alice smiles."
    assert page.locator("#links .mention").all_inner_texts() == ["1Alice", "1She"]
    assert page.locator("#links .arcs .line").count() == 1
    assert page.inner_text("#sentiment .score .label") == "positive"
    assert page.locator("#opinions bdi").all_inner_texts() == ["Alice"]
    tokens = ["Alice", "is", "happy", ".", "She", "smiles", "."]
    for panel in ("#memory", "#attention"):
        assert page.locator(f"{panel} .labels button").all_inner_texts() == tokens
    assert page.locator("#memory button[aria-pressed=true]").inner_text() == "She"
    assert page.inner_text("#memory .heading:nth-child(3)") == "kept until She"
    colours = page.evaluate(
        "(() => { const c = document.querySelector('#memory canvas');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return [c.width, c.height, new Set(d).size]; })()"
    )
    assert colours[:2] == [128, 7]
    assert colours[2] > 50
    assert page.locator("#sentiment .running circle").count() == 7
    assert "7 tokens" in page.inner_text("#status")


def test_what_is_typed_before_the_models_are_known_counts(open_page):
    page = open_page()
    held = []
    page.route("**/api/models", lambda route: held.append(route))
    page.goto(page.url.replace("#text=", "") + "?again#token=2&text=Nothing.")
    page.fill("#text", TEXT)
    while not held:
        page.wait_for_timeout(10)
    held[0].continue_()
    wait(page)
    assert page.input_value("#text") == TEXT
    page.wait_for_selector("#memory .heading >> text=kept until She")


def test_a_turn_is_seen_as_the_text_is_read(open_page):
    page = open_page()
    show(page, "The film was dull at first, but the ending is wonderful.")
    tones = [
        circle.get_attribute("class") for circle in page.locator("#sentiment .running circle").all()
    ]
    assert (tones[4], tones[-1]) == ("negative", "positive")
    assert "The largest step: wonderful" in page.inner_text(".running figcaption")


def test_examples_and_models(open_page):
    page = open_page("")
    wait(page)
    page.click("text=About whom")
    page.wait_for_selector("#opinions >> text=the hotel")
    assert page.input_value("#text").startswith("Maria hated")
    assert page.input_value("#model") == "en_lstm_sm"
    page.click("text=转折")
    page.wait_for_selector("#memory .labels >> text=虽")
    assert (page.input_value("#model"), page.get_attribute("#text", "lang")) == ("klein_zh", "zh")
    assert page.locator("#memory canvas").evaluate("(canvas) => canvas.width") == 8
    page.select_option("#model", "en_lstm_sm")
    page.wait_for_function("() => document.querySelector('#memory canvas')?.width === 128")
    assert page.input_value("#text") == "虽然开头无聊，但结局很棒。"


def test_chinese_is_shown_character_by_character(open_page):
    text = "猫追老鼠，它跑得很快。"
    page = open_page(f"#model=klein_zh&text={quote(text)}")
    wait(page)
    assert (page.input_value("#model"), page.get_attribute("#text", "lang")) == ("klein_zh", "zh")
    assert read_links(page) == [("它", "猫")]
    assert page.locator("#links .mention").all_inner_texts() == ["1猫", "1它"]
    assert page.inner_text("#links .resolved") == "猫追老鼠，猫跑得很快。"
    assert page.inner_text("#sentiment .weighed") == text
    assert page.locator("#sentiment .running circle").count() == len(text)
    for panel in ("#memory", "#attention"):
        assert page.locator(f"{panel} .labels button").all_inner_texts() == list(text)
    assert page.locator("#memory button[aria-pressed=true]").inner_text() == "它"
    page.click("#memory .labels >> text=鼠")
    page.wait_for_selector("#memory .heading >> text=kept until 鼠")


def test_settings_change_the_picture(open_page):
    page = open_page()
    show(page, TEXT)
    pictures = [picture(page)]
    changes = {"channel": "cell_state", "order": "trained", "layer": "0-backward"}
    for name, value in {**changes, "component": "lstm_sentiment"}.items():
        with page.expect_response("**/api/trace"):
            page.select_option(f"#memory [name={name}]", value)
        page.wait_for_function(
            "(old) => document.querySelector('#memory canvas').toDataURL() !== old",
            arg=pictures[-1],
        )
        pictures.append(picture(page))
    assert len(set(pictures)) == 5
    page.click("#memory .labels >> text=happy")
    page.wait_for_selector("#memory .heading >> text=kept until happy")
    page.wait_for_selector("#attention .heading >> text=from happy")
    page.select_option("#attention [name=attention]", "lstm_sentiment.pooling")
    page.wait_for_selector("#attention .only-bars")
    assert page.locator("#attention canvas").count() == 0


WHY = "Alice met Bob in the garden. She smiled at him, and the dinner was terrible."


def show_why(page, text=WHY):
    """Type a text, go to the panel, and wait until it is drawn."""
    show(page, text)
    page.locator("#why").scroll_into_view_if_needed()
    page.wait_for_selector("#why .reasons")


def read_table(page, caption):
    """A table of the panel: name and figure of each row."""
    rows = page.locator(f"#why table:has(caption:text-is('{caption}')) tr").all()
    return [
        (row.locator("td").first.inner_text(), row.locator(".figure").inner_text()) for row in rows
    ]


def test_why_a_pronoun_has_its_antecedent(open_page):
    page = open_page(viewport={"width": 1200, "height": 700})
    show_why(page)
    options = page.locator("#why option").all_inner_texts()
    assert [option.partition(",")[0] for option in options] == [
        "She → Alice",
        "him → Bob",
        "negative",
    ]
    candidates = dict(read_table(page, "Candidates"))
    assert next(iter(candidates)) == "Alice chosen"
    assert "none of them" in candidates
    features = read_table(page, "Features that decided")
    assert features[0][0].split("\n") == [
        "gender and number",
        "feminine singular – feminine singular",
    ]
    assert features[0][1].startswith("+")
    assert features[-1][0] == "together"
    assert [part.inner_text() for part in page.locator("#why .text .part.anaphor").all()] == ["She"]
    assert [part.inner_text() for part in page.locator("#why .text .part.chosen").all()] == [
        "Alice"
    ]
    assert page.inner_text("#why .weighed") == WHY
    assert "how far the log odds fall without a word" in page.inner_text("#why .meaning")
    page.select_option("#why [name=why]", "1")
    assert page.locator("#why .text .part.anaphor").all_inner_texts() == ["him"]
    assert "why=1" in page.url
    page.select_option("#why [name=why]", "sentiment")
    labels = [name for name, _ in read_table(page, "Labels")]
    assert labels == ["negative chosen", "neutral", "positive"]
    words = read_table(page, "Words that decided")
    assert words[0][0] == "terrible"
    assert words[0][1].startswith("+")
    assert page.locator("#why .reasons.turned").count() == 1
    page.click("text=Copy JSON")
    found = page.evaluate("navigator.clipboard.readText().then(JSON.parse)")
    assert found["explain"]["links"]["method"] == "leave_one_out"
    link = page.url
    other = open_page(link[link.index("#") :])
    wait(other)
    other.locator("#why").scroll_into_view_if_needed()
    other.wait_for_selector("#why .reasons.turned")


def test_why_is_asked_for_once_and_only_where_it_is_seen(open_page):
    page = open_page(viewport={"width": 700, "height": 500})
    asked = []
    page.on("request", lambda sent: asked.append(sent.url) if "explain" in sent.url else None)
    show(page, WHY)
    page.wait_for_timeout(150)
    assert asked == []
    page.locator("#why").scroll_into_view_if_needed()
    page.wait_for_selector("#why .reasons")
    page.select_option("#why [name=why]", "1")
    page.evaluate("scrollTo(0, 0)")
    page.locator("#why").scroll_into_view_if_needed()
    page.wait_for_timeout(150)
    assert len(asked) == 1
    # Another text has other answers: it begins with the first.
    show_why(page, f"{WHY} Again.")
    assert page.input_value("#why [name=why]") == "0"
    assert len(asked) == 2


def test_why_without_an_answer_and_with_one_component(open_page):
    page = open_page()
    show_why(page, "The train leaves at nine.")
    assert page.locator("#why option").count() == 1
    page.evaluate("(text) => { location.hash = `text=${text}&model=klein_zh` }", "小明很高兴")
    page.wait_for_selector("#why .text >> text=小")
    page.evaluate(
        '() => { const body = \'{"error": "too much"}\', real = window.fetch;'
        " window.fetch = async (path, options) => path.endsWith('explain')"
        " ? new Response(body, { status: 413 }) : real(path, options); }"
    )
    show(page, TEXT)
    page.locator("#why").scroll_into_view_if_needed()
    page.wait_for_selector("#why .none >> text=too much")
    assert page.locator("#why .controls").is_hidden()


def test_an_answer_that_was_overtaken_is_not_drawn(open_page):
    page = open_page()
    show(page, TEXT)
    held = []

    def hold(route):
        late = '"channel":"candidate"' in route.request.post_data
        held.append(route) if late else route.continue_()

    page.route("**/api/trace", hold)
    page.select_option("#memory [name=channel]", "candidate")
    page.select_option("#memory [name=channel]", "cell_state")
    page.wait_for_selector("#memory canvas[aria-label^='Cell state']")
    (late,) = held
    with page.expect_response("**/api/trace"):
        late.continue_()
    page.wait_for_timeout(100)
    assert page.get_attribute("#memory canvas", "aria-label").startswith("Cell state")


def test_a_permalink_leads_to_the_same_picture(open_page):
    page = open_page()
    show(page, "Tom & Anna's #1 + 100% 😀: she smiles at him.")
    page.select_option("#memory [name=channel]", "candidate")
    page.select_option("#memory [name=order]", "change")
    page.select_option("#attention [name=head]", "2")
    page.click("#memory .labels >> text=smiles")
    page.wait_for_selector("#memory .heading >> text=kept until smiles")
    page.click("text=Copy permalink")
    link = page.evaluate("navigator.clipboard.readText()")
    other = open_page(link[link.index("#") :])
    wait(other)
    other.wait_for_selector("#attention .heading >> text=from smiles")
    assert other.input_value("#text") == "Tom & Anna's #1 + 100% 😀: she smiles at him."
    assert other.input_value("#attention [name=head]") == "2"
    assert picture(other) == picture(page)
    # Another one in the same page is followed, too.
    page.evaluate("(text) => { location.hash = `text=${encodeURIComponent(text)}` }", TEXT)
    page.wait_for_selector("#memory .heading >> text=kept until She")
    assert page.input_value("#memory [name=channel]") == "forget_gate"


def test_results_can_be_copied(open_page):
    page = open_page()
    show(page, TEXT)
    page.click("text=Copy text")
    assert page.evaluate("navigator.clipboard.readText()") == "Alice is happy. Alice smiles."
    page.click("text=Copy JSON")
    found = page.evaluate("navigator.clipboard.readText().then(JSON.parse)")
    assert found["resolve"]["links"][0]["antecedent"]["text"] == "Alice"
    assert found["sentiment"]["label"] == "POSITIVE"


def test_offsets_are_of_characters_not_of_their_halves(open_page):
    page = open_page()
    show(page, "😀👩‍👩‍👧 Alice is happy 😀. She smiles 😀.")
    assert page.locator("#links .mention").all_inner_texts() == ["1Alice", "1She"]
    assert page.inner_text("#links .resolved") == "😀👩‍👩‍👧 Alice is happy 😀. Alice smiles 😀."


def test_markup_in_a_text_is_shown(open_page):
    page = open_page()
    text = "Alice saw <img src=x onerror='window.followed=1'>. She <b>smiles</b>.<script>1</script>"
    show(page, text)
    assert page.inner_text("#sentiment .weighed") == text
    assert page.locator("main img, main b, main script").count() == 0


def test_a_thousand_answers_full_of_markup_run_nothing_and_break_nothing(open_page):
    """The drawing modules themselves, with answers whose every text, label and name is hostile."""
    page = open_page("#text=")
    draw = random.Random(0)
    answers = []
    for _ in range(1000):
        words = [draw.choice(EVIL) for _ in range(3)]
        text = " ".join(words)
        spans, at = [], 0
        for word in words:
            spans.append({"start": at, "end": at + len(word), "text": word})
            at += len(word) + 1
        answers.append(
            {
                "text": text,
                "resolved_text": text[::-1],
                "resolved_offsets": [[0, len(text), 0, len(text)]],
                "clusters": [spans, [{"start": 1, "end": len(text) - 1, "text": text}]],
                "links": [{"anaphor": spans[1], "antecedent": spans[0], "score": 0.5}],
                "cats": {words[0]: 0.5, words[1]: 0.5},
                "label": words[0],
                "sentiment": 0.1,
                "tokens": [{**span, "weight": 0.1} for span in spans],
                "entities": [{"name": words[2], "mentions": spans, "sentiment": -1}],
                "explain": explain_by_hand(text, spans),
            }
        )
    found = page.evaluate(DRAW, answers)
    page.wait_for_timeout(200)
    assert found == {"foreign": 0, "texts": 1000, "wide": 0}


def explain_by_hand(text, spans):
    """What /api/explain would answer, every text and name as hostile as the words."""
    word = spans[0]["text"]
    link = {
        "anaphor": spans[1],
        "antecedent": spans[0],
        "decided_by": spans[2],
        "score": 0.5,
        "candidates": [
            {**spans[0], "probability": 0.3, "chosen": True, "ruled_out": False},
            {**spans[2], "probability": 0.5, "chosen": False, "ruled_out": True},
        ],
        "none": 0.1,
        "log_odds": 0.5,
        "features": [{"name": word, "value": word, "share": 0.5}],
        "without_features": 0.1,
        "words": [0.5, -0.5, 0.1],
    }
    sentiment = {
        "method": word,
        "tokens": spans,
        "label": word,
        "probability": 0.5,
        "cats": {word: 0.5, "POSITIVE": 0.5},
        "log_odds": 0.1,
        "words": [0.5, -0.5, 0.1],
    }
    links = {"method": word, "tokens": spans, "explained": [link]}
    return {"text": text, "links": links, "sentiment": sentiment}


# How many elements came out of a text, how many texts are there in full, how many pages are wider
# than the window.
DRAW = """async (answers) => {
  const [links, sentiment, inside, why] = await Promise.all(
    ["./links.js", "./sentiment.js", "./inside.js", "./why.js"].map((name) => import(name)));
  const view = document.querySelector("#links .view");
  document.getElementById("panels").classList.remove("empty");
  const parts = Array.from({ length: 7 }, () => document.createElement("div"));
  view.replaceChildren(...parts);
  let foreign = 0, texts = 0, wide = 0;
  for (const [number, answer] of answers.entries()) {
    links.drawLinks(parts[0], answer);
    const running = sentiment.drawSentiment(parts[1], answer);
    sentiment.drawRunning(running, answer.tokens, [0.1, -0.5, 0.9]);
    sentiment.drawOpinions(parts[2], answer);
    const gates = { channel: "cell_state", units: 2, values: [[0, 1], [-1, 1], [2, 0]] };
    const survival = { token: 1, left: [0.5, 1, 0] };
    const attention = { name: answer.label, weights: [[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0]] };
    inside.drawMemory(parts[3], { tokens: answer.tokens, gates, survival }, "alike", () => 0);
    inside.drawAttention(parts[4], { tokens: answer.tokens, attention }, 1, () => 0);
    why.drawWhy(parts[5], answer.explain, "0");
    why.drawWhy(parts[6], answer.explain, "sentiment");
    foreign += view.querySelectorAll("script, img, style, b, textarea, a, [onload]").length;
    foreign += view.querySelectorAll("[onerror], [onfocus], [autofocus]").length;
    texts += [1, 5, 6].every((i) => parts[i].querySelector(".weighed").textContent === answer.text);
    // To lay a page out takes longer than to draw it.
    if (number % 20 === 0) wide += document.documentElement.scrollWidth > innerWidth;
  }
  return { foreign, texts, wide };
}"""


def test_refusals_and_a_server_that_is_gone(open_page):
    page = open_page("")
    wait(page)
    page.evaluate(
        '() => { const body = \'{"error": "too much"}\';'
        " window.fetch = async () => new Response(body, { status: 413 }); }"
    )
    page.fill("#text", "Some text.")
    page.wait_for_selector("[role=alert] >> text=too much")
    page.evaluate("() => { window.fetch = async () => { throw new TypeError('offline') } }")
    page.fill("#text", "Other text.")
    page.wait_for_selector("[role=alert] >> text=The server does not answer")
    page.fill("#text", "")
    page.wait_for_function(
        "() => document.getElementById('status').textContent.startsWith('Type a')"
    )
    assert page.locator("#alert").is_hidden()


def test_a_text_too_long_to_trace_is_still_resolved(open_page):
    page = open_page()
    show(page, "Alice is happy. She smiles. " * 70)
    assert read_links(page).count(("She", "Alice")) == 70
    assert "490 tokens: this shows texts of up to 400" in page.inner_text("#memory .view")
    page.locator("#why").scroll_into_view_if_needed()
    page.wait_for_selector("#why .reasons", timeout=120_000)
    assert "quicker and less faithful, as the text is long" in page.inner_text("#why .meaning")


def test_a_text_too_long_to_read_is_not_sent(open_page):
    page = open_page()
    page.fill("#text", "x" * 4001)
    page.wait_for_selector("[role=alert] >> text=4001 characters: this server reads up to 4000")


def test_keyboard_alone(open_page):
    page = open_page()
    show(page, TEXT)
    page.focus("#memory canvas")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert page.inner_text("#memory .readout").startswith("happy, unit ")
    page.keyboard.press("Enter")
    page.wait_for_selector("#memory .heading >> text=kept until happy")
    page.focus("#memory .labels button >> nth=0")
    page.keyboard.press("Space")
    page.wait_for_selector("#memory .heading >> text=kept until Alice")
    # What was chosen keeps the focus, although the picture is a new one.
    assert page.evaluate("document.activeElement.textContent") == "Alice"


def test_skipping_to_the_results_keeps_the_text(open_page):
    page = open_page()
    show(page, TEXT)
    before = page.url
    page.focus(".skip")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "panels"
    assert page.url == before
    assert page.input_value("#text") == TEXT


def test_everything_has_a_name_for_screen_readers(open_page):
    page = open_page()
    show(page, TEXT)
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, select, textarea, canvas, a, section, img')]"
        ".filter((e) => !(e.labels?.length || e.ariaLabel || e.textContent.trim()"
        " || e.alt === '' || e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML)"
    )
    assert unnamed == []
    label = page.locator("#memory .labels button").first.get_attribute("aria-label")
    assert label.startswith("Alice, ")
    assert label.endswith("% of the memory kept until She")


@pytest.mark.parametrize(
    "text", [TEXT, "W" * 400, "ليلى سعيدة. هي تبتسم. She smiles.", "猫追老鼠，它跑得很快。" * 4]
)
def test_no_screen_is_too_narrow(open_page, text):
    page = open_page(f"#text={quote(text)}")
    page.wait_for_selector("#attention .matrix")
    page.locator("#why").scroll_into_view_if_needed()
    page.wait_for_selector("#why .reasons")
    for width in (320, 390, 800, 1360):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(50)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_light_and_dark(open_page):
    page = open_page(color_scheme="dark")
    show(page, TEXT)
    background = "getComputedStyle(document.body).backgroundColor"
    dark, drawn_dark = page.evaluate(background), picture(page)
    page.emulate_media(color_scheme="light")
    page.wait_for_function(
        "(old) => document.querySelector('#memory canvas').toDataURL() !== old", arg=drawn_dark
    )
    light, drawn_light = page.evaluate(background), picture(page)
    assert dark != light
    page.click("#theme")
    page.wait_for_function(
        "(old) => document.querySelector('#memory canvas').toDataURL() !== old", arg=drawn_light
    )
    assert page.evaluate(background) == dark
    page.reload()
    wait(page)
    assert page.evaluate(background) == dark
