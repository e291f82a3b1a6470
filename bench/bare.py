"""The floor: one route of a bare Flask app that answers a fixed user, to the one token of the bench."""

import hashlib
import os

import orjson
from flask import Flask, Response
from flask_httpauth import HTTPTokenAuth

from bench import people

app = Flask(__name__)
auth = HTTPTokenAuth()
digest = hashlib.sha256(os.environ["BENCH_TOKEN"].encode()).digest()
user = people.person(1) | {"id": "1", "meta": {"resourceType": "User", "version": 'W/"1"'}}


@auth.verify_token
def verify_token(token):
    return hashlib.sha256(token.encode()).digest() == digest


@app.get("/scim/v2/Users/<user_id>")
@auth.login_required
def get_user(user_id):
    return Response(orjson.dumps(user), content_type="application/scim+json")
