"""What the service says of itself."""

import pytest

from tests.scim.test_users import CUSTOM, ENTERPRISE, USER, assert_refused

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def test_the_service_provider_config(scim):
    config = scim.get("/ServiceProviderConfig").json
    assert config["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]
    assert [config[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag")] == [True] * 5
    assert config["changePassword"] == {"supported": False}
    assert config["filter"]["maxResults"] == 1000 and config["bulk"]["maxOperations"] == 1000
    assert config["pagination"]["cursor"] and config["pagination"]["index"]
    assert config["authenticationSchemes"][0]["type"] == "oauthbearertoken"
    assert config["meta"]["resourceType"] == "ServiceProviderConfig"


def test_the_resource_types(scim):
    listed = scim.get("/ResourceTypes").json
    assert listed["totalResults"] == 2
    user, group = listed["Resources"]
    assert (user["name"], user["endpoint"], user["schema"]) == ("User", "/Users", USER)
    assert user["schemaExtensions"] == [
        {"schema": ENTERPRISE, "required": False},
        {"schema": CUSTOM, "required": False},
    ]
    assert (group["name"], group["endpoint"], group["schema"]) == ("Group", "/Groups", GROUP)
    assert scim.get("/ResourceTypes/User").json == user
    assert user["meta"]["location"] == "http://localhost/scim/v2/ResourceTypes/User"


@pytest.mark.parametrize("urn", [USER, ENTERPRISE, CUSTOM, GROUP])
def test_a_schema_by_its_urn(scim, urn):
    schema = scim.get(f"/Schemas/{urn}").json
    assert schema["id"] == urn and schema["meta"]["location"].endswith(f"/Schemas/{urn}")
    assert schema in scim.get("/Schemas").json["Resources"]
    names = {"name", "type", "multiValued", "description", "required", "mutability", "returned"}
    assert all(names <= attribute.keys() for attribute in schema["attributes"])


def test_the_password_is_declared_as_never_returned(scim):
    attributes = {a["name"]: a for a in scim.get(f"/Schemas/{USER}").json["attributes"]}
    assert (attributes["password"]["mutability"], attributes["password"]["returned"]) == ("writeOnly", "never")
    assert attributes["userName"]["uniqueness"] == "server" and attributes["userName"]["required"]
    assert attributes["groups"]["mutability"] == "readOnly"


@pytest.mark.parametrize("path", ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"])
def test_what_the_service_offers_cannot_be_filtered(scim, path):
    assert_refused(scim.get(f"{path}?filter=id%20pr"), 403)


@pytest.mark.parametrize("path", ["/Schemas/urn:nope", "/ResourceTypes/Nope"])
def test_what_it_does_not_offer_is_404(scim, path):
    assert_refused(scim.get(path), 404)
