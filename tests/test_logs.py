"""The log of the program: a line for each request, the ids of requests, and the form of all of it."""

import io
import json
import logging
import os
import re
import subprocess
import sys
import threading

import pytest
import requests
from scim2_models import Error
from sqlalchemy import text

import logs
import rehearsal
from app import create_app
from core import directory, history
from core.history import LogQuery
from database import db, execute
from tests.conftest import ROOT, free_port, wait_for

SOMEBODY = "grace@example.com"
ID = re.compile(r"[0-9a-f]{16}")


@pytest.fixture
def written(app):
    """Return a function that returns, as dicts, the lines that the log has since it was last called."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLine())
    root = logging.getLogger()
    root.addHandler(handler)

    def written():
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        stream.seek(0)
        stream.truncate()
        return lines

    yield written
    root.removeHandler(handler)


@pytest.fixture
def log(written):
    """Return a function that returns the lines of requests alone."""
    return lambda: [line for line in written() if line["logger"] == "rollcall.requests"]


# the line of a request


def test_a_request_is_one_line(scim, barbara, log):
    log()
    answer = scim.get(f"/Users/{barbara['id']}")
    [line] = log()
    assert re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert 0 < line.pop("milliseconds") < 5_000
    assert line.pop("message").startswith("GET '/scim/v2/Users/")
    assert line == {
        "level": "INFO",
        "logger": "rollcall.requests",
        "request_id": answer.headers["X-Request-Id"],
        "method": "GET",
        "path": f"/scim/v2/Users/{barbara['id']}",
        "status": 200,
        "bytes": len(answer.data),
        "address": "127.0.0.1",
        "token_id": 1,
    }


def test_a_refused_request_is_a_line_that_names_no_token(app, token, log):
    app.test_client().get("/scim/v2/Users", headers={"Authorization": f"Bearer {token[:-1]}x"})
    [line] = log()
    assert line["status"] == 401 and "token_id" not in line


@pytest.mark.parametrize("path", ["/scim/v2/Users", "/sign-in", "/healthz", "/nothing"])
def test_the_query_string_is_in_no_line(scim, written, path):
    scim.client.get(f"{path}?filter=userName+eq+%22olivia%22&token={scim.token}")
    assert "?" not in json.dumps(line := written()) and "olivia" not in json.dumps(line)


@pytest.mark.parametrize("path", ["/set-up", "/invitation", "/password", "/Set-Up"])
@pytest.mark.parametrize("secret", ["x" * 43, "line%0Abreak" + "x" * 43])
def test_the_secret_of_a_link_is_in_no_line(app, log, path, secret):
    app.test_client().get(f"{path}/{secret}")
    [line] = log()
    assert line["path"] == f"{path}/…" and "xxx" not in json.dumps(line)


def test_a_token_that_was_pasted_in_a_path_is_in_no_line(scim, written):
    scim.get(f"/Users/{scim.token}")
    scim.client.get(f"/{scim.token}")
    assert scim.token[3:20] not in json.dumps(written())


@pytest.mark.parametrize(
    "name", ["x%0d%0aFORGED", "x%E2%80%A8FORGED", "%ff%fe", "%00", "\ud800".encode("utf-8", "surrogatepass")]
)
@pytest.mark.parametrize("form", [logs.JsonLine, logs.TextLine])
def test_a_path_forges_no_line(scim, name, form):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(form())
    logs.REQUESTS.addHandler(handler)
    try:
        scim.get(f"/Users/{name if isinstance(name, str) else name.decode('latin-1')}")
    finally:
        logs.REQUESTS.removeHandler(handler)
    assert stream.getvalue().count("\n") == 1


def test_a_line_is_no_longer_than_needed(scim, log):
    scim.get(f"/Users/{'x' * 50_000}")
    [line] = log()
    assert len(line["path"]) == logs.LONGEST_PATH + 1


def test_a_head_and_an_answer_without_a_body_have_no_bytes(scim, barbara, log):
    log()
    scim.open("HEAD", f"/Users/{barbara['id']}")
    scim.get(f"/Users/{barbara['id']}", {"If-None-Match": 'W/"1"'})
    scim.delete(f"/Users/{barbara['id']}")
    assert [(line["status"], line["bytes"]) for line in log()] == [(200, 0), (304, 0), (204, 0)]


def test_no_line_is_written_where_only_warnings_are(scim, written):
    logs.LOG.setLevel("WARNING")
    try:
        scim.get("/Users")
        assert written() == []
    finally:
        logs.LOG.setLevel("INFO")


@pytest.mark.parametrize("proxies, address", [(0, "127.0.0.1"), (1, "192.0.2.7"), (2, "203.0.113.5")])
def test_the_address_is_the_one_that_trusted_proxies_vouch_for(instance, log, proxies, address):
    app = create_app({"INSTANCE_PATH": instance, "TRUSTED_PROXIES": proxies})
    app.test_client().get("/healthz", headers={"X-Forwarded-For": "evil, 203.0.113.5, 192.0.2.7"})
    assert [line["address"] for line in log()] == [address]
    with app.app_context():
        db.engine.dispose()


# mistakes of ours


@pytest.fixture
def mistake(monkeypatch):
    """Make the look-up of a user fail, as a statement of ours would, about somebody."""

    def fail(*_):
        execute(text("SELECT * FROM nowhere WHERE name = :name"), {"name": SOMEBODY})

    monkeypatch.setattr(directory, "find", fail)


def test_a_mistake_is_one_line_with_its_traceback_and_the_id_of_its_request(scim, mistake, written):
    answer = scim.get("/Users/1")
    failure, request = written()
    assert answer.status_code == request["status"] == 500 and failure["level"] == "ERROR"
    assert failure["request_id"] == request["request_id"] == answer.headers["X-Request-Id"]
    assert failure["exception"].startswith("Traceback") and "no such table: nowhere" in failure["exception"]


def test_whom_a_statement_was_about_is_in_no_line(scim, mistake, written):
    scim.get("/Users/1")
    assert SOMEBODY not in json.dumps(written())


def test_a_session_that_cannot_be_stored_shows_no_secret_of_a_link(app, written, monkeypatch):
    def fail(*_):
        raise RuntimeError("no session today")

    monkeypatch.setattr(type(app.session_interface), "save_session", fail)
    answer = app.test_client().get("/invitation/" + "s" * 43)
    assert answer.status_code == 500
    lines = json.dumps(written())
    assert "no session today" in lines and "sss" not in lines


def test_what_even_flask_cannot_answer_is_answered_and_logged(app, written, monkeypatch):
    def fail(*_):
        raise RuntimeError("the gate is stuck")

    monkeypatch.setattr(app.wsgi_app, "inner", fail)
    answer = app.test_client().get("/healthz")
    failure, request = written()
    assert (answer.status_code, request["status"]) == (500, 500) and "stuck" not in answer.text
    assert "the gate is stuck" in failure["exception"]
    assert failure["request_id"] == request["request_id"] == answer.headers["X-Request-Id"]


def test_a_line_belongs_to_no_request_after_its_end(app, written):
    app.test_client().get("/healthz")
    logs.LOG.warning("later")
    assert "request_id" not in written()[-1]


# the id of a request


@pytest.mark.parametrize("method, path", [
    ("GET", "/scim/v2/Users"),
    ("GET", "/scim/v2/nothing"),
    ("PUT", "/scim/v2/Users"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/sign-in"),
    ("GET", "/nothing"),
    ("POST", "/sign-in"),
    ("GET", "/static/app.css"),
    ("DELETE", "/static/app.css"),
])  # fmt: skip
def test_every_answer_carries_an_id_of_its_own(scim, method, path):
    headers = {"Authorization": f"Bearer {scim.token}"}
    answers = [scim.client.open(path, method=method, headers=headers) for _ in range(2)]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == 2 and all(map(ID.fullmatch, ids))


@pytest.mark.parametrize("given", ["evil", "0123456789abcdef", ""])
def test_without_a_trusted_proxy_nobody_chooses_an_id(scim, given):
    answer = scim.get("/Users", {"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given


@pytest.fixture
def behind_proxy(instance):
    app = create_app({"INSTANCE_PATH": instance, "TRUSTED_PROXIES": 1})
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


def test_a_trusted_proxy_chooses_the_id(behind_proxy, log):
    answer = behind_proxy.get("/healthz", headers={"X-Request-Id": "Edge-7f3a"})
    [line] = log()
    assert answer.headers["X-Request-Id"] == line["request_id"] == "Edge-7f3a"


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "<script>", "é", "a_b", '"', "x\ty"])
def test_an_id_that_is_not_plain_is_replaced(behind_proxy, given):
    answer = behind_proxy.get("/healthz", headers={"X-Request-Id": given})
    assert ID.fullmatch(answer.headers["X-Request-Id"])


def refusals(scim):
    user = {"userName": "bjensen@example.com"}
    yield scim.post("/Users", user)  # 409
    yield scim.get("/Users/nobody")  # 404
    yield scim.get("/nothing")  # Werkzeug's 404
    yield scim.get("/Users?filter=x")  # 400
    yield scim.open("POST", "/Users", b"{", {"Content-Type": "text/plain"})  # 415
    yield scim.get("/Me")  # 501
    yield scim.get("/Users", {"Authorization": "Bearer no"})  # 401


def test_every_scim_error_ends_in_the_id_and_strict_clients_read_it(scim, barbara):
    statuses = set()
    for answer in refusals(scim):
        error = Error.model_validate(answer.json)  # refuses members that RFC 7644 does not know
        assert error.detail.endswith(f" (request {answer.headers['X-Request-Id']})")
        statuses.add(error.status)
    assert statuses == {400, 401, 404, 409, 415, 501}


def test_every_error_page_shows_the_id(app):
    for path in ("/nothing", "/metrics", "/static/nothing"):
        answer = app.test_client().get(path)
        assert answer.status_code == 404
        assert f"Request {answer.headers['X-Request-Id']}" in answer.text


def test_the_provisioning_log_finds_a_refusal_by_its_id(app, scim, barbara):
    answer, _ = scim.get("/Users/nobody"), scim.get("/Users/somebody")
    scim.post("/Users", {"userName": "later@example.com"})  # writes what waits
    with app.app_context():
        rows, _ = history.log_page(LogQuery(text=answer.headers["X-Request-Id"]))
    assert [row.path for row in rows] == ["/scim/v2/Users/nobody"]


# the form of the log


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def root(monkeypatch):
    """Give back, after the test, what `set_up` changes for the whole process."""
    root, kept = logging.getLogger(), list(logging.getLogger().handlers)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root.handlers[:] = []
    yield root
    root.handlers[:] = kept
    logging.captureWarnings(False)


@pytest.mark.parametrize("form, stream, is_json", [
    ("", io.StringIO, True),
    ("", Terminal, False),
    ("json", Terminal, True),
    ("text", io.StringIO, False),
])  # fmt: skip
def test_the_log_is_json_unless_a_person_reads_it(root, monkeypatch, form, stream, is_json):
    monkeypatch.setattr(sys, "stderr", stream())
    logs.set_up(form)
    logs.set_up(form)
    logs.LOG.warning("Mails %s", "wait")
    [line] = sys.stderr.getvalue().splitlines()
    assert (json.loads(line)["message"] if is_json else line[-10:]) == "Mails wait"


def test_a_thread_that_dies_is_one_line(root, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    logs.set_up("json")
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    line = json.loads(sys.stderr.getvalue())
    assert line["level"] == "CRITICAL" and "ZeroDivisionError" in line["exception"]


def test_the_server_writes_nothing_but_json_lines_to_stderr(make_server):
    server = make_server()
    requests.get(f"{server.base_url}/Users", timeout=5)
    requests.get(f"{server.url}/nothing", timeout=5)
    server.stop()
    lines = (server.instance / "log").read_text().splitlines()
    said = [line for line in lines if not line.startswith("{")]
    assert len(said) == 3 and said[0].startswith("Rollcall serves ")  # on stdout, for whoever started it
    paths = [json.loads(line)["path"] for line in lines if line.startswith("{")]
    assert paths[-2:] == ["/scim/v2/Users", "/nothing"]


def test_a_rehearsal_on_a_server_of_its_own_shows_its_steps_and_no_requests(tmp_path):
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(tmp_path), "PORT": str(free_port())}
    command = [sys.executable, "-m", "flask", "--app", "app", "rehearse", "--users", str(rehearsal.FEWEST_USERS)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    assert "a server is started for the rehearsal" in done.stderr
    assert "all as Okta needs it" in done.stdout


@pytest.fixture
def lines(monkeypatch):
    """The stream of a handler of JSON lines, which is the only one of the log of requests."""
    stream = io.StringIO()
    handler = logs.Lines(stream)
    handler.setFormatter(logs.JsonLine())
    monkeypatch.setattr(logs.REQUESTS, "handlers", [handler])
    monkeypatch.setattr(logs.REQUESTS, "propagate", False)
    return stream


def test_the_line_of_a_read_waits_for_the_next_other_line(lines):
    logs.note_request("first", method="GET")
    assert lines.getvalue() == ""
    logs.note_request("second", method="POST")
    assert [json.loads(line)["message"] for line in lines.getvalue().splitlines()] == ["first", "second"]


def test_a_failure_waits_for_nothing(lines):
    logs.REQUESTS.error("failed")
    assert json.loads(lines.getvalue())["message"] == "failed"


def test_no_more_lines_wait_than_a_few(lines):
    for _ in range(logs.MOST_WAITING):
        logs.note_request("read", method="GET")
    assert len(lines.getvalue().splitlines()) == logs.MOST_WAITING


def test_the_line_of_a_read_is_written_within_seconds_and_by_a_stop(server):
    server.session().get(f"{server.base_url}/Users?count=1")
    assert wait_for(lambda: "/scim/v2/Users" in (server.instance / "log").read_text(), 10)
    server.session().get(f"{server.base_url}/Groups?count=1")
    server.stop()
    assert "/scim/v2/Groups" in (server.instance / "log").read_text()


def test_the_server_writes_text_if_it_is_told_to(make_server):
    server = make_server(ROLLCALL_LOG_FORMAT="text")
    answer = requests.get(f"{server.url}/nothing", timeout=5)
    server.stop()
    [line] = [line for line in (server.instance / "log").read_text().splitlines() if "/nothing" in line]
    assert "INFO GET '/nothing' 404 in " in line and line.endswith(f"[{answer.headers['X-Request-Id']}]")


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), ValueError("I/O operation on closed file")]
)
def test_a_log_that_takes_nothing_stops_nobody(error):
    class Full(io.StringIO):
        def flush(self):
            raise error

    handlers = [logging.StreamHandler(Full()), logs.Lines(Full())]
    for handler in handlers:
        logging.getLogger().addHandler(handler)
    try:
        logs.flush()
    finally:
        for handler in handlers:
            logging.getLogger().removeHandler(handler)
