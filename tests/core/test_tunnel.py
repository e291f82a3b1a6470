"""Find my tunnel: the https address that leads to our port, or a sentence that says what to type."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core import tunnel
from core.tunnel import TunnelError
from tests.conftest import free_port

HTTPS = "https://brave-owl.ngrok.app"


class Agent:
    """A small HTTP server that answers as an ngrok agent does, or as a test has it."""

    def __init__(self):
        self.status, self.body, self.headers, self.pause, self.paths = 200, b"", {}, 0, []
        agent = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                agent.paths.append(self.path)
                self.send_response(agent.status)
                for name, value in agent.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for part in agent.body if isinstance(agent.body, list) else [agent.body]:
                        self.wfile.write(part)
                        time.sleep(agent.pause)
                except OSError:
                    pass  # the client has had enough

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/api/tunnels"

    def has(self, *tunnels):
        """Let it have tunnels: (public address, where it leads)."""
        listed = [
            {
                "name": "x",
                "public_url": url,
                "proto": url.partition(":")[0],
                "config": {"addr": to, "inspect": True},
            }
            for url, to in tunnels
        ]
        self.body = json.dumps({"tunnels": listed, "uri": "/api/tunnels"}).encode()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def agent():
    agent = Agent()
    yield agent
    agent.close()


OURS = [
    "http://localhost:5000",
    "https://localhost:5000",
    "http://localhost:5000/",
    "localhost:5000",
    "LOCALHOST:5000",
    "127.0.0.1:5000",
    "http://127.0.0.1:5000",
    "http://127.1.2.3:5000",
    "http://[::1]:5000",
    "http://0.0.0.0:5000",
    "http://rollcall.localhost:5000",
    "5000",
]


@pytest.mark.parametrize("address", OURS)
def test_the_address_that_leads_to_our_port_is_found(agent, address):
    agent.has(("https://other.ngrok.app", "http://localhost:8080"), (HTTPS, address))
    found = tunnel.find(agent.url, 5000)
    assert (found.url, found.to) == (HTTPS, address)
    assert agent.paths == ["/api/tunnels"]


def test_a_port_of_the_scheme_is_meant_where_none_is_named(agent):
    agent.has((HTTPS, "http://localhost"))
    assert tunnel.find(agent.url, 80).url == HTTPS


def test_of_http_and_https_it_is_https(agent):
    agent.has(("http://brave-owl.ngrok.app", "localhost:5000"), (HTTPS, "localhost:5000"))
    assert tunnel.find(agent.url, 5000).url == HTTPS


def test_a_number_is_a_port(agent):
    agent.body = json.dumps({"tunnels": [{"public_url": HTTPS + "/", "config": {"addr": 5000}}]}).encode()
    assert tunnel.find(agent.url, 5000).url == HTTPS


NOT_OURS = [
    "http://localhost:8080",
    "http://localhost",
    "http://192.168.1.5:5000",
    "http://example.com:5000",
    "http://localhost.example.com:5000",
    "http://localhost:5000@example.com:80",
    "http://localhost:50000",
    "http://localhost:port",
    "http://[::1:5000",
    "file:///srv/5000",
    "15000",
    "",
]


@pytest.mark.parametrize("address", NOT_OURS)
def test_a_tunnel_to_elsewhere_is_not_ours_and_is_named(agent, address):
    agent.has((HTTPS, address))
    with pytest.raises(TunnelError, match="run `ngrok http 5000`") as refusal:
        tunnel.find(agent.url, 5000)
    assert address in str(refusal.value)


def test_an_agent_without_tunnels_says_what_to_type(agent):
    agent.has()
    with pytest.raises(TunnelError, match="has no tunnel: run `ngrok http 5000` on this machine"):
        tunnel.find(agent.url, 5000)


@pytest.mark.parametrize("public", ["http://brave-owl.ngrok.app", "tcp://0.tcp.ngrok.io:12345"])
def test_without_https_it_says_what_there_is_and_what_to_type(agent, public):
    agent.has((public, "localhost:5000"))
    with pytest.raises(TunnelError, match="no https address, only .+: end it and run `ngrok http 5000`") as refusal:
        tunnel.find(agent.url, 5000)
    assert public in str(refusal.value)


def test_no_agent_says_what_to_type():
    url = f"http://127.0.0.1:{free_port()}/api/tunnels"
    with pytest.raises(TunnelError) as refusal:
        tunnel.find(url, 5000)
    expected = f"No ngrok agent answers at {url}: run `ngrok http 5000` on this machine, then try again."
    assert str(refusal.value) == expected


STRANGE = [
    b"",
    b"hello",
    b"null",
    b"[]",
    b"{}",
    b'{"tunnels": null}',
    b'{"tunnels": 1}',
    b'{"tunnels": ["x"]}',
    b'{"tunnels": [{}]}',
    b'{"tunnels": [{"public_url": null, "config": {"addr": "5000"}}]}',
    b'{"tunnels": [{"public_url": "https://x", "config": null}]}',
    b"\xff\xfe",
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
def test_an_answer_that_is_no_ngrok_api_is_refused(agent, body):
    agent.body = body
    with pytest.raises(TunnelError, match="is no ngrok agent.+ROLLCALL_NGROK_API"):
        tunnel.find(agent.url, 5000)


@pytest.mark.parametrize("status", [204, 301, 302, 307, 308, 401, 404, 500])
def test_another_status_is_refused_and_no_redirect_is_followed(agent, status):
    agent.has((HTTPS, "localhost:5000"))
    agent.status, agent.headers = status, {"Location": "/elsewhere"}
    with pytest.raises(TunnelError, match="is no ngrok agent"):
        tunnel.find(agent.url, 5000)
    assert agent.paths == ["/api/tunnels"]


@pytest.mark.parametrize("spaces, found", [(2**19, True), (2**20, False), (10 * 2**20, False)])
def test_more_than_a_megabyte_is_not_read(agent, spaces, found):
    agent.has((HTTPS, "localhost:5000"))
    agent.body = [b" " * spaces, agent.body]
    if found:
        assert tunnel.find(agent.url, 5000).url == HTTPS
    else:
        with pytest.raises(TunnelError, match="is no ngrok agent"):
            tunnel.find(agent.url, 5000)


@pytest.mark.parametrize("pause", [0.05, 5])
def test_a_slow_answer_is_not_waited_for(agent, monkeypatch, pause):
    monkeypatch.setattr(tunnel, "SECONDS", 0.3)
    agent.body, agent.pause = [b" "] * 60, pause
    started = time.monotonic()
    with pytest.raises(TunnelError):
        tunnel.find(agent.url, 5000)
    assert time.monotonic() - started < 2


def test_no_proxy_of_the_environment_is_asked(agent, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    agent.has((HTTPS, "localhost:5000"))
    assert tunnel.find(agent.url, 5000).url == HTTPS
