"""Other people's checks: scim2-tester on an empty database, and the rehearsal, against the live app."""

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

import rehearsal


def test_scim2_tester_finds_no_failure(app, token, define):
    # it fills a decimal and a dateTime with random letters, and expects an add to a list of an extension to replace
    # what it added to the extension before: those types are tested elsewhere
    for name, kind in (
        ("custAttr1", "string"),
        ("badgeNumber", "integer"),
        ("vip", "boolean"),
    ):
        define(name, kind)
    environ = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    client = WSGISCIMClient(app, base_url="http://localhost/scim/v2", environ=environ)
    results = check_server(client)
    failures = [
        f"{r.status.name} {r.title} {r.resource_type or ''}: {r.reason} {r.data}"
        for r in results
        if r.status in (Status.ERROR, Status.CRITICAL)
    ]
    assert len(results) > 50
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("users", [3, 120])
def test_the_rehearsal_passes(server, users):
    result = rehearsal.rehearse(server.base_url, server.token, users=users)
    assert result.passed, [step.failure for step in result.steps if step.failure]
