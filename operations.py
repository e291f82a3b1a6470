"""What whoever runs Rollcall sees of it: /healthz, /readyz, /metrics, and an account of each request.

A request gets an id, which its answer, its line in the log and every error carry: what to search the log for.
"""

import hmac
import random
import re
import time

from flask import Flask, Response, abort, g, jsonify, request, session
from prometheus_client import CONTENT_TYPE_LATEST

import database
import scim
from core import metrics, readiness
from logs import LOG, REQUEST_ID, note_request, shown

PLAIN_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
HEALTH = ("/healthz", "/readyz", "/metrics")
LONGEST_METHOD = 20  # characters


def init_app(app: Flask):
    """Add the routes, and stand outermost: whatever wraps the application must be in place already."""

    @app.get("/healthz")
    def healthz():
        database.connection().exec_driver_sql("SELECT 1 FROM tokens LIMIT 1")
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz():
        stop = app.extensions.get("stop")
        found = readiness.problems(stop is not None and stop.is_set())
        if found:
            return jsonify(status="not ready", problems=found), 503
        return jsonify(status="ready")

    @app.get("/metrics")
    def show_metrics():
        token = app.config["METRICS_TOKEN"]
        if not token:
            abort(404)
        if not is_bearer(token):
            refusal = jsonify(error="Send the value of ROLLCALL_METRICS_TOKEN as a bearer token.")
            return refusal, 401, {"WWW-Authenticate": 'Bearer realm="Rollcall metrics"'}
        return Response(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)

    @app.after_request
    def tell_who(response):
        if token := g.get("token"):
            request.environ["rollcall.who"] = {"token_id": token.id}
        elif account := session.account:
            request.environ["rollcall.who"] = {"administrator_id": account.id}
        return response

    app.wsgi_app = Reported(app)


def is_bearer(token: str) -> bool:
    """Return whether the request carries this token; how long that takes says nothing of it."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode(errors="replace"), token.encode()
    )


def kind_of(method: str, path: str) -> str:
    """Return what kind of request the metrics count it as."""
    if scim.is_ours(path):
        is_read = method in ("GET", "HEAD") or path.endswith("/.search")
        return "scim_read" if is_read else "scim_write"
    if path in HEALTH:
        return "health"
    return "static" if path.startswith("/static/") else "portal"


class Reported:
    """WSGI middleware: gives a request its id, and tells the log and the metrics what became of it."""

    def __init__(self, app: Flask):
        self.app, self.inner = app, app.wsgi_app

    def __call__(self, environ, start_response):
        request_id = environ["rollcall.request_id"] = self._id_of(environ)
        report = Report(self.app, environ, request_id, start_response)
        context = REQUEST_ID.set(request_id)
        try:
            answer = self.inner(environ, report.start)
            if report.size is None:
                return Streamed(answer, report)
            report.finish()
            return answer
        except Exception:
            LOG.exception("A request could not be answered")
            body = b"Rollcall made a mistake; its log says more.\n"
            headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
            report.start("500 Internal Server Error", headers)
            report.finish()
            return [body]
        finally:
            REQUEST_ID.reset(context)

    def _id_of(self, environ):
        """Return the id that a proxy gave the request, if one is trusted, or else a new one."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        if given and self.app.config["TRUSTED_PROXIES"] and PLAIN_ID.fullmatch(given):
            return given
        return f"{random.getrandbits(64):016x}"  # no secret; the system's own randomness costs a call of it


class Report:
    """One request: when it began, and what was answered."""

    def __init__(self, app, environ, request_id, start_response):
        self.app, self.environ, self.request_id, self.start_response = app, environ, request_id, start_response
        self.started, self.status, self.size = time.perf_counter(), 500, None

    def start(self, status, headers, exc_info=None):
        """Stand in for WSGI's start_response."""
        self.status = int(status[:3])
        if self.environ["REQUEST_METHOD"] == "HEAD" or self.status in (204, 304):
            self.size = 0
        else:
            self.size = next((int(value) for name, value in headers if name.lower() == "content-length"), None)
        headers.append(("X-Request-Id", self.request_id))
        return self.start_response(status, headers, exc_info)

    def finish(self):
        """Count the request and write its line. The gate has cleaned its path, and a proxy's word its address."""
        seconds, environ = time.perf_counter() - self.started, self.environ
        method = environ["REQUEST_METHOD"][:LONGEST_METHOD]
        path = environ["PATH_INFO"].encode("latin-1", "replace").decode(errors="replace")
        metrics.count(self.app, kind_of(method, path), self.status, seconds)
        shown_path, milliseconds = shown(path), round(seconds * 1000, 2)
        note_request(
            "%s %r %s in %s ms",
            *(method, shown_path, self.status, milliseconds),
            request_id=self.request_id,
            method=method,
            path=shown_path,
            status=self.status,
            milliseconds=milliseconds,
            bytes=self.size or 0,
            address=environ.get("REMOTE_ADDR"),
            **environ.get("rollcall.who", {}),
        )


class Streamed:
    """An answer whose length nobody knows: it is counted as it goes out, and reported at its end."""

    def __init__(self, parts, report):
        self.parts, self.report, self.next = parts, report, iter(parts).__next__
        report.size = 0

    def __iter__(self):
        return self

    def __next__(self):
        part = self.next()
        self.report.size += len(part)
        return part

    def close(self):
        try:
            if hasattr(self.parts, "close"):
                self.parts.close()
        finally:
            self.report.finish()
