"""Finds the https address by which ngrok leads to this machine: asks the agent's local API. No database.

find(DEFAULT_API, 5000)     # Tunnel(url="https://name.ngrok.app", to="http://localhost:5000")

Whom to ask is the operator's to say, never a request's.
"""

import ipaddress
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
import requests
from urllib3.exceptions import HTTPError

DEFAULT_API = "http://127.0.0.1:4040/api/tunnels"
SECONDS = 2  # how long the agent may take to be reached, and to answer
LARGEST = 2**20  # bytes of its answer
PORTS = {"http": 80, "https": 443}


class TunnelError(Exception):
    """There is no https address that leads here; the message says what to type."""


@dataclass(frozen=True)
class Tunnel:
    url: str  # the public address, without a path
    to: str  # where it leads, as ngrok says it


def find(api_url: str, port: int) -> Tunnel:
    """Return the tunnel that leads to a port of this machine by https. Raise TunnelError."""
    tunnels = _tunnels(api_url, port)
    ours = [tunnel for tunnel in tunnels if _is_ours(tunnel.to, port)]
    for tunnel in ours:
        if tunnel.url.startswith("https://"):
            return tunnel
    if ours:
        raise TunnelError(
            f"The tunnel to port {port} has no https address, only {ours[0].url}: "
            f"end it and run `ngrok http {port}`, then try again."
        )
    others = ", ".join(sorted({tunnel.to for tunnel in tunnels}))
    found = f"leads elsewhere ({others})" if others else "has no tunnel"
    raise TunnelError(f"The ngrok agent {found}: run `ngrok http {port}` on this machine, then try again.")


def _tunnels(api_url, port):
    """Return what the agent says there is. Raise TunnelError if nothing answers there, or something else."""
    try:
        body = _get(api_url)
    except (requests.RequestException, HTTPError):
        raise TunnelError(
            f"No ngrok agent answers at {api_url}: run `ngrok http {port}` on this machine, then try again."
        ) from None
    try:
        tunnels = orjson.loads(body)["tunnels"]
        return [Tunnel(t["public_url"].rstrip("/"), str(t["config"]["addr"])) for t in tunnels]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise TunnelError(
            f"What answers at {api_url} is no ngrok agent: run `ngrok http {port}` on this machine, and set "
            "ROLLCALL_NGROK_API if its web interface has another address."
        ) from None


def _get(url):
    """Return the body of an answer; of one that is no 200, is too large or takes too long, nothing."""
    end, body = time.monotonic() + SECONDS, b""
    with requests.Session() as session:
        session.trust_env = False  # no proxy, no .netrc: it is on this machine
        session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})
        with session.get(url, timeout=SECONDS, allow_redirects=False, stream=True) as answer:
            while answer.status_code == 200 and len(body) <= LARGEST and time.monotonic() < end:
                part = answer.raw.read1(65_536, decode_content=False)
                if not part:
                    return body
                body += part
    return b""


def _is_ours(address, port):
    """Return whether http://localhost:5000, 127.0.0.1:5000 or just 5000 is that port of this machine."""
    if address.isdecimal():
        address = f"localhost:{address}"
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        leads_to = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return False
    return leads_to == port and _is_this_machine(parts.hostname or "")


def _is_this_machine(host):
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
