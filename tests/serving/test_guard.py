"""What is refused unread, and what the head of every answer says."""

import pytest

LOCAL = ("localhost", "127.0.0.1", "[::1]")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "LOCALHOST:1", "[::1]:8000"])
def test_hosts_that_are_known(connect, host):
    assert connect(hosts=LOCAL).get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8000", "", "[::2]", "::1"]
)
@pytest.mark.parametrize("address", ["/", "/healthz", "/api/models"])
def test_other_names_for_this_machine_are_refused(connect, host, address):
    response = connect(hosts=LOCAL).get(address, headers={"host": host})
    assert response.status_code == 400
    assert response.json()["error"].startswith("unknown host in the request: expected one of loc")


def test_any_host_where_none_are_named(client):
    assert client.get("/healthz", headers={"host": "explorer.example"}).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", None])
def test_forms_of_other_sites_are_refused(client, kind):
    """They can be sent without asking, as JSON cannot."""
    headers = {} if kind is None else {"content-type": kind}
    response = client.post("/api/resolve", content=b'{"text": "x"}', headers=headers)
    assert response.status_code == 415
    assert response.json() == {"error": "expected a body of the type application/json"}


def test_no_other_site_is_let_in(client):
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    response = client.options("/api/resolve", headers=headers)
    assert response.status_code == 405
    allowed = client.get("/healthz", headers=headers)
    for answer in (response, allowed):
        assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("told", [True, False])
def test_large_bodies_are_not_read(connect, told):
    client = connect(max_chars=10)
    body = b'{"text": "' + b"x" * 70_000 + b'"}'

    def pieces():
        yield body[:5]
        yield body[5:]

    response = client.post(
        "/api/resolve",
        content=body if told else pieces(),
        headers={"content-type": "application/json"},
    )
    assert response.status_code == 413
    assert response.json()["error"].startswith("the body is too large: expected at most 65656")


@pytest.mark.parametrize("address", ["/", "/style.css", "/explorer.js", "/healthz", "/nothing"])
def test_every_answer_is_headed(client, address):
    headers = client.get(address).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_errors_of_the_server_are_headed_and_tell_nothing(connect, library, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("/home/somebody/secret")

    client = connect()
    monkeypatch.setattr("spacy_lstm.serving.answers.describe_links", fail)
    response = client.post("/api/resolve", json={"text": "x"})
    assert response.status_code == 500
    assert response.json() == {"error": "an error of the server, which its log shows"}
    assert "content-security-policy" in response.headers
