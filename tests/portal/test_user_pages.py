"""A person's pages: what is known, where it came from, and what changed."""

import pytest

CUSTOM = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def test_the_overview_tells_who_it_is(alan, barbara):
    page = alan.get(f"/users/{barbara['id']}")
    assert "<title>Babs Jensen · Users · Rollcall</title>" in page.text
    text = alan.says(f"/users/{barbara['id']}")
    for word in (
        "Managed by Okta",
        "First name Barbara",
        "Last name Jensen",
        "Title Tour Guide",
        "bjensen@example.com (work, primary)",
        "babs@jensen.org (home)",
        "Source SCIM Okta",
        "Status Enabled",
        "Invite Not Invited",
        barbara["id"],
        "00u1",
    ):
        assert word in text


def test_the_overview_leads_to_the_persons_requests(alan, barbara):
    link = f"/admin/provisioning-log?person={barbara['id']}"
    assert link in alan.get(f"/users/{barbara['id']}").text
    assert alan.get(link).status_code == 200


def test_every_kind_of_attribute_can_be_read(alan, make_user):
    user = make_user(
        "full@example.com",
        addresses=[{"streetAddress": "Main St 1", "locality": "Wien", "postalCode": "1010", "type": "work"}],
        x509Certificates=[{"value": "AAAA"}],
        photos=[{"value": "javascript:alert(1)", "type": "photo"}],
        phoneNumbers=[{"value": "+1"}],
        profileUrl="javascript:alert(2)",
        roles=["boss"],
        **{ENTERPRISE: {"department": "Tours", "manager": {"value": "m1", "displayName": "Ann"}}},
    )
    page = alan.get(f"/users/{user['id']}")
    text = alan.says(f"/users/{user['id']}")
    for word in ("Main St 1, 1010 Wien (work)", "A certificate of 4 characters", "Department Tours", "Manager Ann"):
        assert word in text
    assert 'href="javascript' not in page.text


@pytest.mark.parametrize("tab", ["", "/attributes", "/groups", "/activity", "/edit"])
def test_nobody_is_404(grace, tab):
    assert grace.get(f"/users/nobody{tab}").status_code == 404


def test_the_attributes_say_what_to_use_and_where_it_came_from(alan, define, make_user):
    define("custAttr1")
    define("floor", "integer")
    user = make_user("ada@example.com", locale="en-GB", **{CUSTOM: {"custAttr1": "Office Berlin"}})
    text = alan.says(f"/users/{user['id']}/attributes")
    system, custom = text.split("User attributes")
    assert "System attributes" in system
    assert "userUIDDomain example.com System ${userUIDDomain} Copy Okta, just now" in system
    assert "userLocale en-GB System" in system
    assert "department no value System" in system
    assert "custAttr1 Office Berlin IDP ${custAttr1} Copy Okta, just now" in custom
    assert "floor no value IDP ${floor} Copy –" in custom


def test_the_attributes_of_a_local_person_came_from_here(grace, define):
    define("custAttr1")
    made = grace.post("/users/new", {"user_name": "local@example.com", "custom.custAttr1": "Here"})
    text = grace.says(f"{made.location}/attributes")
    assert "userUID local@example.com System ${userUID} Copy here" in text
    assert "custAttr1 Here IDP ${custAttr1} Copy here" in text


def test_without_defined_attributes_the_section_says_so(alan, barbara):
    assert "No user attributes are defined" in alan.says(f"/users/{barbara['id']}/attributes")


def test_the_groups_of_a_person_are_links(alan, barbara, make_group):
    group = make_group("Tour guides", barbara)
    page = alan.get(f"/users/{barbara['id']}/groups").text
    assert f'href="/users/groups/{group["id"]}">Tour guides' in page


def test_who_is_in_no_group_is_told_so(alan, barbara):
    assert "In no group" in alan.says(f"/users/{barbara['id']}/groups")


def test_the_activity_tells_what_changed_and_by_whom(alan, scim, barbara):
    scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "title", "value": "Guide"})
    scim.patch(f"/Users/{barbara['id']}", {"op": "remove", "path": "displayName"})
    text = alan.says(f"/users/{barbara['id']}/activity")
    assert "SCIM Okta (Okta) changed title Tour Guide → Guide" in text
    assert "displayName Babs Jensen cleared" in text
    assert "created" in text and "userName bjensen@example.com" in text


def test_the_activity_comes_in_pages(alan, scim, barbara):
    for number in range(60):
        scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "title", "value": f"Title {number:02}"})
    first = alan.get(f"/users/{barbara['id']}/activity").text
    assert "Title 59" in first and "Title 08" not in first
    older = first.partition(f'href="/users/{barbara["id"]}/activity?before=')[2].partition('"')[0]
    second = alan.says(f"/users/{barbara['id']}/activity?before={older}")
    assert "Title 08" in second and "Newest" in second and "Title 59" not in second


def test_a_strange_place_in_the_activity_is_the_newest(alan, barbara):
    assert "created" in alan.says(f"/users/{barbara['id']}/activity?before=x")


def test_what_may_be_done_to_a_person_depends_on_who_looks(alan, grace, barbara):
    path = f"/users/{barbara['id']}"
    assert "/users/disable" in grace.get(path).text
    assert "/users/delete" not in grace.get(path).text and "/edit" not in grace.get(path).text
    assert "/users/disable" not in alan.get(path).text


def test_a_local_person_can_be_edited_and_deleted(grace):
    page = grace.get(grace.post("/users/new", {"user_name": "local@example.com"}).location).text
    assert "/edit" in page and "/users/delete" in page
