"""What whoever runs Rollcall asks of it: whether it is alive, whether it is ready, and its metrics."""

import shutil
import threading

import pytest
from sqlalchemy import text

import database
import operations
from app import create_app
from core import metrics, readiness
from database import db, execute

# health and readiness


def readyz(app):
    answer = app.test_client().get("/readyz")
    return answer.status_code, answer.json


def test_a_server_that_is_ready_says_so(app):
    assert readyz(app) == (200, {"status": "ready"})


def assert_not_ready(app, problem):
    status, body = readyz(app)
    assert (status, body["status"], list(body["problems"])) == (503, "not ready", [problem])
    assert app.instance_path not in str(body) and "sqlite" not in str(body).lower()


def test_an_older_schema_is_not_ready(app):
    with app.app_context(), database.transaction():
        execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert_not_ready(app, "schema")


def test_no_schema_is_not_ready(tmp_path):
    app = create_app({"INSTANCE_PATH": tmp_path})
    assert_not_ready(app, "schema")
    with app.app_context():
        db.engine.dispose()


def test_a_database_that_is_none_is_not_ready(app, instance):
    with app.app_context():
        db.engine.dispose()
    (instance / "rollcall.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    assert_not_ready(app, "database")


def test_a_full_disk_is_not_ready(app, monkeypatch):
    monkeypatch.setattr(readiness.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40, 2**20))
    assert_not_ready(app, "disk")


def test_a_server_that_was_told_to_stop_is_not_ready(app):
    app.extensions["stop"] = threading.Event()
    assert readyz(app)[0] == 200
    app.extensions["stop"].set()
    assert_not_ready(app, "process")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_health_is_only_read(app, path, method):
    assert app.test_client().open(path, method=method).status_code == 405


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_whoever_asks_for_health_gets_no_cookie(app, path):
    assert "Set-Cookie" not in app.test_client().get(path).headers


# metrics

TOKEN = "metrics-token-0123"


@pytest.fixture
def open_metrics(app):
    app.config["METRICS_TOKEN"] = TOKEN
    return app


def scrape(app, authorization=f"Bearer {TOKEN}"):
    return app.test_client().get("/metrics", headers={"Authorization": authorization} if authorization else {})


def test_metrics_are_closed_unless_there_is_a_token(app, token):
    for authorization in (None, "Bearer ", f"Bearer {token}", "Bearer None"):
        assert scrape(app, authorization).status_code == 404


@pytest.mark.parametrize("authorization", [
    None, "", TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}",
    "Bearer é", "Bearer \xff\xfe", f"Bearer {TOKEN} {TOKEN}", f"Bearer {TOKEN.upper()}",
])  # fmt: skip
def test_a_wrong_bearer_gets_no_metrics(open_metrics, authorization):
    answer = scrape(open_metrics, authorization)
    assert answer.status_code == 401 and "rollcall_" not in answer.text and TOKEN not in answer.text
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_token_of_okta_opens_no_metrics(open_metrics, token):
    assert scrape(open_metrics, f"Bearer {token}").status_code == 401


def test_the_token_of_the_metrics_opens_no_scim(open_metrics):
    answer = open_metrics.test_client().get("/scim/v2/Users", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_right_bearer_gets_metrics(open_metrics, scheme):
    answer = scrape(open_metrics, f"{scheme} {TOKEN}")
    assert (
        answer.status_code == 200 and answer.mimetype == "text/plain" and "rollcall_requests_total" in answer.text
    )


@pytest.mark.parametrize("method, path, kind", [
    ("GET", "/scim/v2/Users", "scim_read"),
    ("HEAD", "/scim/v2/Users", "scim_read"),
    ("POST", "/scim/v2/Users/.search", "scim_read"),
    ("POST", "/scim/v2/Users", "scim_write"),
    ("DELETE", "/scim/v2/Users/1", "scim_write"),
    ("GET", "/scimitar", "portal"),
    ("GET", "/users", "portal"),
    ("GET", "/static/app.css", "static"),
    ("GET", "/healthz", "health"),
])  # fmt: skip
def test_requests_are_counted_by_kind_and_outcome(open_metrics, scim, method, path, kind):
    answer = scim.client.open(path, method=method, headers={"Authorization": f"Bearer {scim.token}"})
    said = scrape(open_metrics).text
    outcome = f"{answer.status_code // 100}xx"
    assert f'rollcall_requests_total{{kind="{kind}",outcome="{outcome}"}} 1.0' in said
    assert f'rollcall_request_seconds_count{{kind="{kind}"}} 1.0' in said


def test_the_kinds_are_those_that_are_counted():
    cases = [("GET", "/scim"), ("PUT", "/scim/x"), ("GET", "/"), ("GET", "/static/x"), ("GET", "/metrics")]
    assert {operations.kind_of(*case) for case in cases} == set(metrics.KINDS)
