"""What is vendored is what was published, and the browser keeps what cannot change."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# of dist/htmx.min.js in npm's htmx.org, and of the only style sheet in npm's modern-normalize
CHECKSUMS = {
    "htmx-4.0.1.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "modern-normalize-3.0.1.css": "b4ad31da9b1b17de182a08e4c39159496574d90a82464c6d5afeda7133f0e110",
}


def test_vendored_files_are_as_published():
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (ROOT / "static/vendor").iterdir()}
    assert found == CHECKSUMS


@pytest.mark.parametrize("template", sorted(ROOT.glob("templates/**/*.html")), ids=lambda p: p.name)
def test_templates_hold_no_inline_script_or_style(template):
    text = template.read_text()
    assert not re.search(r"<style|\bstyle=|\son[a-z]+=|hx-on|javascript:|\|\s*safe\b|<script(?![^>]*\bsrc=)", text)


@pytest.mark.parametrize("template", sorted(ROOT.glob("templates/**/*.html")), ids=lambda p: p.name)
def test_templates_name_their_variables_first(template):
    assert template.read_text().startswith("{#")


def test_static_files_are_kept_until_they_change(app):
    client = app.test_client()
    address = re.search(r'href="(/static/app\.css\?v=\w+)"', client.get("/sign-in").text)[1]
    assert "immutable" in client.get(address).headers["Cache-Control"]
    assert "immutable" not in client.get("/static/app.css").headers["Cache-Control"]
