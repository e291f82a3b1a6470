"""The peer: scim2-flask on its own in-memory storage, behind the bearer check of the floor."""

import os

from flask import Flask
from scim2_flask import ScimServer
from scim2_models import URN, EnterpriseUser, Extension, Group, ResourceType, ScimProvider, User
from scim2_server.memory import InMemoryStorage
from scim2_server.utils import load_default_service_provider_config

from bench import people
from bench.bare import auth


class Custom(Extension):
    __schema__ = URN(people.CUSTOM)
    cust_attr1: str | None = None


Person = User[EnterpriseUser | Custom]
USERS, GROUPS = ResourceType.from_resource(Person), ResourceType.from_resource(Group)


def fill(storage, users: int):
    """Put the people and groups of the bench into the storage."""
    ids = [storage.create(USERS, Person.model_validate(doc)).id for doc in people.people(users)]
    for name, numbers in people.groups(users):
        members = [{"value": ids[number]} for number in numbers]
        group = {"schemas": [people.GROUP], "displayName": name, "members": members}
        storage.create(GROUPS, Group.model_validate(group))


app = Flask(__name__)
app.secret_key = os.environ["BENCH_TOKEN"]
app.before_request(auth.login_required(lambda: None))
provider = ScimProvider(
    [User, EnterpriseUser, Custom, Group], [USERS, GROUPS], load_default_service_provider_config()
)
storage = InMemoryStorage()
with provider:
    fill(storage, int(os.environ["BENCH_USERS"]))
ScimServer(storage, provider, app=app)
