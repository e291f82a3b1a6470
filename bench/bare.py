"""The floors: routes of a bare Flask app.

One answers a fixed user, to the one token of the bench. One renders a page of the users page's shape and size, with
50 fixed rows: no database, no session, no macros, and links as they stand in the template.
"""

import hashlib
import os

import orjson
from flask import Flask, Response, render_template
from flask_httpauth import HTTPTokenAuth

from bench import people

app = Flask(__name__)
auth = HTTPTokenAuth()
digest = hashlib.sha256(os.environ["BENCH_TOKEN"].encode()).digest()
user = people.person(1) | {"id": "1", "meta": {"resourceType": "User", "version": 'W/"1"'}}
rows = [
    people.person(number)
    | {"id": f"{number:08}-0000-4000-8000-000000000000", "source": "SCIM Okta", "status": "Enabled"}
    | {"invite": "Not Invited", "group": f"{number:08}-0000-4000-8000-111111111111", "group_name": "Group of 1000"}
    | {"changed": "2026-11-24T20:00:00.000000Z", "ago": "2 h ago"}
    for number in range(50)
]


@auth.verify_token
def verify_token(token):
    return hashlib.sha256(token.encode()).digest() == digest


@app.get("/scim/v2/Users/<user_id>")
@auth.login_required
def get_user(user_id):
    return Response(orjson.dumps(user), content_type="application/scim+json")


@app.get("/users")
def users():
    return render_template("users.html", rows=rows)
