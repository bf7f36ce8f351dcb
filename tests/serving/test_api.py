"""The JSON API gives what the pipelines give, and says in one line what it does not give."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import spacy

import spacy_lstm
from spacy_lstm.descriptions import describe_explanation
from spacy_lstm.serving import Library

TOK2VEC = {"@architectures": "spacy_lstm.BiLSTMTok2Vec.v1", "width": 16, "rows": 200}

NAMES = ["Eve", "Ruth", "Ann", "Joan", "Sue", "Kate"]
TEXT = "Alice is happy 😀. She smiles."


def error_of(response):
    """The one line; nothing else is in the answer."""
    answer = response.json()
    assert list(answer) == ["error"]
    assert "\n" not in answer["error"]
    return answer["error"]


def test_resolve_is_what_the_pipeline_finds(client, bundle):
    answer = client.post("/api/resolve", json={"text": TEXT}).json()
    doc = bundle(TEXT)
    ((anaphor, antecedent, score),) = doc._.coref_links
    (link,) = answer["links"]
    assert answer["model"] == "en"
    assert link["score"] == pytest.approx(score)
    for found, span in ((link["anaphor"], anaphor), (link["antecedent"], antecedent)):
        assert TEXT[found["start"] : found["end"]] == found["text"] == span.text
    assert [[span["text"] for span in cluster] for cluster in answer["clusters"]] == [
        ["Alice", "She"]
    ]
    assert answer["resolved_text"] == doc._.resolved_text == "Alice is happy 😀. Alice smiles."
    assert answer["resolved_offsets"] == [list(segment) for segment in doc._.resolved_offsets]


def test_sentiment_is_what_the_pipeline_finds(client, bundle):
    answer = client.post("/api/sentiment", json={"text": TEXT, "model": "en"}).json()
    doc = bundle(TEXT)
    assert answer["cats"] == pytest.approx(doc.cats)
    assert answer["label"] == "POSITIVE"
    assert answer["sentiment"] == pytest.approx(doc.sentiment)
    assert [token["weight"] for token in answer["tokens"]] == pytest.approx(
        [token._.sentiment_weight for token in doc]
    )
    assert [TEXT[token["start"] : token["end"]] for token in answer["tokens"]] == [
        token.text for token in doc
    ]
    (alice,) = answer["entities"]
    assert (alice["name"], alice["sentiment"] > 0) == ("Alice", True)
    assert [mention["text"] for mention in alice["mentions"]] == ["Alice", "She"]


def test_chinese_is_read_character_by_character(client, chinese):
    text = "猫追老鼠，它跑得很快。"
    asked = {"text": text, "model": "zh"}
    resolved = client.post("/api/resolve", json=asked).json()
    it, cat = {"start": 5, "end": 6, "text": "它"}, {"start": 0, "end": 1, "text": "猫"}
    (link,) = resolved["links"]
    assert (link["anaphor"], link["antecedent"]) == (it, cat)
    assert 0.5 < link["score"] <= 1
    assert resolved["clusters"] == [[cat, it]]
    assert resolved["resolved_text"] == "猫追老鼠，猫跑得很快。"
    each = [{"start": i, "end": i + 1, "text": sign} for i, sign in enumerate(text)]
    said = client.post("/api/sentiment", json=asked).json()
    weights = [token.pop("weight") for token in said["tokens"]]
    assert said["tokens"] == each
    assert said["label"] == "POSITIVE"
    assert weights == pytest.approx([t._.sentiment_weight for t in chinese(text)], abs=1e-5)
    traced = client.post("/api/trace", json={**asked, "token": 5, "channel": "cell_state"}).json()
    assert (traced["tokens"], traced["lang"]) == (each, "zh")
    gates = spacy_lstm.trace(chinese, text).find()
    np.testing.assert_allclose(traced["gates"]["values"], gates.cell_state, atol=1e-5)
    np.testing.assert_allclose(traced["survival"]["left"], gates.survival(5).mean(1), atol=1e-5)


@pytest.mark.parametrize("address", ["resolve", "sentiment"])
def test_batches_are_their_texts(client, address):
    texts = ["Alice is happy. She smiles.", "", "Tom lost his keys.", "\n \x00 é"]
    batch = client.post(f"/api/{address}", json={"texts": texts}).json()
    assert set(batch) == {"model", "results"}
    for text, result in zip(texts, batch["results"], strict=True):
        alone = client.post(f"/api/{address}", json={"text": text}).json()
        assert alone.pop("model") == batch["model"] == "en"
        assert_same(alone, result)


def assert_same(one, other):
    """Equal but for the rounding of a batch."""
    if isinstance(one, dict):
        assert list(one) == list(other)
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-5)
    else:
        assert one == other


def test_trace_gives_the_chosen_part(client, bundle):
    asked = {
        "text": TEXT,
        "component": "lstm_sentiment",
        "layer": -1,
        "direction": "backward",
        "channel": "forget_gate",
        "token": 2,
        "attention": "pooling",
    }
    answer = client.post("/api/trace", json=asked).json()
    found = spacy_lstm.trace(bundle, TEXT, component="lstm_sentiment")
    gates = found.find(layer=-1, direction="backward")
    np.testing.assert_allclose(answer["gates"]["values"], gates.forget_gate, atol=1e-5)
    np.testing.assert_allclose(answer["survival"]["left"], gates.survival(2).mean(1), atol=1e-5)
    assert answer["survival"]["left"][2] == 1
    assert np.sum(answer["attention"]["weights"]) == pytest.approx(1, abs=1e-4)
    assert (answer["component"], answer["lang"]) == ("lstm_sentiment", "en")
    assert [TEXT[t["start"] : t["end"]] for t in answer["tokens"]] == list(found.tokens)
    assert answer["windows"] == [list(window) for window in found.windows]


def test_trace_gives_no_more_than_is_asked(client):
    answer = client.post("/api/trace", json={"text": TEXT, "channel": None}).json()
    assert (answer["gates"], answer["survival"], answer["attention"]) == (None, None, None)
    usual = client.post("/api/trace", json={"text": TEXT}).json()
    assert (usual["component"], usual["gates"]["channel"]) == ("lstm_coref", "hidden_state")


def test_trace_of_a_head_and_of_their_mean(client, bundle):
    asked = {"text": TEXT, "channel": None, "attention": "encoder"}
    mean = client.post("/api/trace", json=asked).json()["attention"]
    heads = [
        client.post("/api/trace", json={**asked, "head": head}).json()["attention"]["weights"]
        for head in range(mean["heads"])
    ]
    assert mean["heads"] == 4
    np.testing.assert_allclose(np.mean(heads, axis=0), mean["weights"], atol=1e-4)


def test_explain_is_what_the_package_finds(client, bundle):
    text = "😀 Alice met Bob in the garden. She smiled, and that was wonderful."
    answer = client.post("/api/explain", json={"text": text}).json()
    found = describe_explanation(spacy_lstm.explain(bundle, text))
    assert answer.pop("model") == "en"
    assert_same(sort_keys(answer), sort_keys(found))
    (link,) = answer["links"]["explained"]
    for span in (link["anaphor"], link["antecedent"], link["decided_by"], *link["candidates"]):
        assert text[span["start"] : span["end"]] == span["text"]
    assert (link["anaphor"]["text"], link["antecedent"]["text"]) == ("She", "Alice")
    assert sum(each["probability"] for each in link["candidates"]) + link["none"] <= 1.0001
    assert answer["links"]["method"] == "leave_one_out"
    assert answer["sentiment"]["method"] == "integrated_gradients"
    assert len(link["words"]) == len(answer["links"]["tokens"]) == len(answer["running"])
    classified = client.post("/api/sentiment", json={"text": text}).json()
    assert answer["sentiment"]["cats"] == pytest.approx(classified["cats"])
    assert answer["running"][-1]["score"] == pytest.approx(classified["sentiment"])


def sort_keys(value):
    return json.loads(json.dumps(value, sort_keys=True))


def test_explain_says_that_a_long_text_is_weighed_otherwise(client, monkeypatch):
    monkeypatch.setattr("spacy_lstm.explaining.whole.LONG_TEXT", 5)
    answer = client.post("/api/explain", json={"text": TEXT}).json()
    assert answer["links"]["method"] == "gradient_x_input"


def test_explain_with_one_component_or_nothing_to_explain(client):
    mood = client.post("/api/explain", json={"text": TEXT, "model": "mood"}).json()
    assert mood["links"] is None
    assert len(mood["running"]) == len(mood["sentiment"]["words"])
    without = client.post("/api/explain", json={"text": "The train leaves."}).json()
    assert without["links"] == {"method": None, "tokens": [], "explained": []}
    empty = client.post("/api/explain", json={"text": ""}).json()
    assert (empty["links"]["explained"], empty["running"]) == ([], [])
    assert (empty["sentiment"]["label"], empty["sentiment"]["words"]) == ("NEUTRAL", [])


def test_a_model_with_an_encoder_alone_explains_nothing(connect):
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": TOK2VEC})
    nlp.initialize()
    client = connect(Library([("bare", nlp)]))
    response = client.post("/api/explain", json={"text": TEXT})
    assert response.status_code == 422
    assert error_of(response) == "the model bare has no lstm_coref and no lstm_sentiment"


def test_models_and_health(client):
    answer = client.get("/api/models").json()
    english, chinese, mood = answer["models"]
    assert [english["lang"], chinese["lang"]] == ["en", "zh"]
    assert (mood["resolves"], mood["classifies"]) == (False, True)
    (layer, *_) = english["components"][0]["layers"]
    assert layer["channels"][0] == "forget_gate"
    assert english["components"][0]["attention"][0] == {
        "name": "encoder",
        "kind": "multihead",
        "heads": 4,
    }
    assert answer["limits"]["max_texts"] == 64
    health = client.get("/healthz").json()
    assert health == {
        "status": "ok",
        "version": spacy_lstm.__version__,
        "models": ["en", "zh", "mood"],
    }


def test_every_component_that_is_listed_can_be_traced(client):
    for model in client.get("/api/models").json()["models"]:
        for component in model["components"]:
            for layer in component["layers"]:
                for channel in layer["channels"]:
                    asked = {
                        "text": "猫追老鼠 .",
                        "model": model["name"],
                        "channel": channel,
                        "layer": layer["layer"],
                        "direction": layer["direction"],
                        "component": component["name"],
                    }
                    gates = client.post("/api/trace", json=asked).json()["gates"]
                    assert np.shape(gates["values"])[1] == layer["units"] == gates["units"]


def test_openapi_names_every_address_and_error(client):
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) == {
        *("/api/resolve", "/api/sentiment", "/api/trace", "/api/explain"),
        *("/api/models", "/healthz"),
    }
    for address in ("trace", "explain"):
        post = schema["paths"][f"/api/{address}"]["post"]
        assert set(post["responses"]) == {"200", "400", "404", "413", "415", "422", "503", "504"}
        for status, response in post["responses"].items():
            if status != "200":
                (content,) = response["content"].values()
                assert content["schema"]["$ref"].endswith("/ErrorAnswer")
    assert "texts" in schema["components"]["schemas"]["TextsRequest"]["properties"]


@pytest.mark.parametrize(
    ("address", "asked", "status", "message"),
    [
        ("resolve", {"text": "x", "model": "nowhere"}, 404, "no model 'nowhere': expected one of"),
        ("resolve", {"text": "x", "model": "mood"}, 422, "the model mood has no lstm_coref"),
        ("resolve", {}, 422, "expected either text or texts"),
        ("resolve", {"text": "x", "texts": ["x"]}, 422, "expected either text or texts"),
        ("resolve", {"txt": "x"}, 422, "unknown field 'txt'"),
        ("resolve", {"text": 5}, 422, "text: input should be a valid string"),
        ("resolve", {"texts": ["a", None]}, 422, "texts.1: input should be a valid string"),
        ("resolve", [], 422, "expected a JSON object as the body"),
        ("sentiment", {"texts": ["x"] * 65}, 413, "65 texts: expected at most 64 a request"),
        ("sentiment", {"texts": ["x" * 400] * 3}, 413, "1200 characters: expected at most 1000"),
        ("resolve", {"text": "x" * 1001}, 413, "1001 characters: expected at most 1000"),
        ("trace", {"text": "x" * 1001}, 413, "1001 characters: expected at most 1000"),
        ("trace", {"text": "x " * 21}, 413, "21 tokens: expected at most 20 to trace"),
        ("trace", {}, 422, "text: field required"),
        ("explain", {"text": "x", "model": "nowhere"}, 404, "no model 'nowhere': expected one of"),
        ("explain", {"text": "x" * 1001}, 413, "1001 characters: expected at most 1000"),
        ("explain", {"text": "x " * 31}, 413, "31 tokens: expected at most 30 to explain"),
        ("explain", {"texts": ["x"]}, 422, "text: field required"),
        ("explain", {"text": "x", "texts": ["x"]}, 422, "unknown field 'texts'"),
        ("trace", {"text": ""}, 422, "nothing to trace"),
        ("trace", {"text": "x", "component": "ner"}, 422, "no component 'ner' to trace: expected"),
        ("trace", {"text": "x", "layer": 7}, 422, "no layer 7 forward in the trace"),
        ("trace", {"text": "x", "direction": "up"}, 422, "direction: input should be 'forward'"),
        ("trace", {"text": "x", "channel": "door"}, 422, "no door in a cell of the kind lstm"),
        ("trace", {"text": "x", "token": 5}, 422, "no token 5 in a text of 1"),
        ("trace", {"text": "x", "attention": "all"}, 422, "no attention 'all' in lstm_coref"),
        ("trace", {"text": "x", "attention": "encoder", "head": 4}, 422, "no head 4 in encoder"),
    ],
)
def test_what_cannot_be_given_is_said_in_a_line(connect, address, asked, status, message):
    client = connect(max_chars=1000, max_tokens=20, max_explained=30)
    response = client.post(f"/api/{address}", json=asked)
    assert response.status_code == status
    assert message in error_of(response)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b'{"text": ', 400, "the body is not JSON"),
        (b'{"text": "\xff"}', 400, "the body is not JSON in UTF-8"),
        (b"", 422, "expected a JSON object as the body"),
        (b"[]", 422, "expected a JSON object as the body"),
        (b'{"text": "\\ud800"}', 422, "text: half of a surrogate pair: expected Unicode text"),
        (b"[" * 60_000, 400, "the body is not JSON"),
    ],
)
def test_bodies_that_cannot_be_read(client, body, status, message):
    headers = {"content-type": "application/json"}
    response = client.post("/api/resolve", content=body, headers=headers)
    assert response.status_code == status
    assert message in error_of(response)


def test_other_addresses_and_methods(client):
    assert error_of(client.get("/api/nothing")) == "Not Found"
    assert client.get("/api/nothing").status_code == 404
    assert client.get("/api/resolve/").status_code == 404
    assert client.post("/api/nothing", json={}).status_code == 405
    assert client.get("/..%2f..%2fapp.py").status_code == 404


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        *[
            (method, f"/api/{name}", "POST")
            for name in ("resolve", "sentiment", "trace")
            for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS")
        ],
        ("DELETE", "/healthz", "GET"),
        ("PUT", "/api/models", "GET"),
        ("POST", "/api/models", "GET"),
        ("POST", "/", "GET, HEAD"),
        ("PUT", "/style.css", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_which_is_right(client, method, address, allowed):
    response = client.request(method, address, json={"text": TEXT})
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert error_of(response) == f"{method} is not for this address: expected {allowed}"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert client.head(address).status_code == (405 if address[:2] in ("/a", "/h") else 200)


def test_no_path_of_the_server_is_told(connect, library, chinese_folder):
    client = connect(type(library).load([str(chinese_folder)]))
    asked = [client.get("/api/models"), client.get("/healthz"), client.get("/openapi.json")]
    asked.append(client.post("/api/resolve", json={"text": "x", "model": str(chinese_folder)}))
    for response in asked[:3]:
        assert str(chinese_folder.parent) not in response.text
    assert client.get("/api/models").json()["models"][0]["name"] == "klein_zh"


def test_requests_at_once_are_as_one_by_one(client):
    texts = [f"{name} lost the {'old ' * n}key. She was sad." for n, name in enumerate(NAMES)]
    asked = [
        (address, {"text": text, **more})
        for text in texts
        for address, more in (
            ("resolve", {}),
            ("sentiment", {}),
            ("trace", {"attention": "encoder", "channel": "cell_state", "token": 1}),
            ("explain", {}),
        )
    ]

    def ask(request):
        return json.dumps(client.post(f"/api/{request[0]}", json=request[1]).json())

    one_by_one = [ask(request) for request in asked]
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(ask, asked)) == one_by_one
