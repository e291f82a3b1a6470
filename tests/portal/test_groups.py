"""User groups: the list, a group's members, and the groups that are made here."""

import re

import pytest

from tests.portal.conftest import PASSWORD, words


@pytest.fixture
def group(grace):
    """The id of a local group without members."""
    return grace.post("/users/groups/new", {"name": "Tour guides"}).location.rpartition("/")[2]


def names(page) -> list:
    return re.findall(r'<a class="whole" href="/users/groups/[^"]+">([^<]+)<', page)


def members(scim, group_id) -> set:
    return {member["value"] for member in scim.get(f"/Groups/{group_id}").json.get("members", [])}


def test_the_list_tells_how_many_members_are_disabled(alan, make_user, make_group):
    make_group("Guides", *(make_user(f"u{n}@example.com", active=n > 0) for n in range(3)))
    text = alan.says("/users/groups")
    assert "Guides SCIM Okta 3 (1 disabled) just now" in text
    assert "1–1 of 1 group" in text


def test_without_groups_the_list_says_what_to_do(alan):
    assert "No groups yet" in alan.says("/users/groups")


def test_the_list_is_searched_filtered_and_sorted(alan, group, make_group, barbara):
    make_group("Alpine guides", barbara)
    make_group("Office")
    assert names(alan.get("/users/groups").text) == ["Alpine guides", "Office", "Tour guides"]
    assert names(alan.get("/users/groups?q=GUIDE").text) == ["Alpine guides", "Tour guides"]
    assert names(alan.get("/users/groups?source=local").text) == ["Tour guides"]
    assert names(alan.get("/users/groups?sort=members&order=descending").text)[0] == "Alpine guides"
    assert "No group matches" in alan.says("/users/groups?q=nothing")
    assert alan.get("/users/groups?q=x&source=").location == "/users/groups?q=x"


def test_the_list_comes_in_pages(alan, make_group):
    for number in range(60):
        make_group(f"Group {number:02}")
    first = alan.get("/users/groups").text
    assert len(names(first)) == 50 and "1–50 of 60 groups" in first
    last = alan.get("/users/groups?before=end").text
    assert names(last)[-1] == "Group 59" and "11–60 of 60 groups" in last


def test_a_group_lists_and_searches_its_members(alan, make_user, make_group):
    users = [make_user(f"u{n}@example.com", displayName=f"Person {n}", active=n > 0) for n in range(3)]
    made = make_group("Guides", *users[:2])
    text = alan.says(f"/users/groups/{made['id']}")
    assert "Managed by Okta" in text and "Members 2 (1 disabled)" in text
    assert "Person 0" in text and "Person 1" in text and "Person 2" not in text and "Disabled" in text
    text = alan.says(f"/users/groups/{made['id']}?q=u1")
    assert "Person 1" in text and "Person 0" not in text
    page = alan.get(f"/users/groups/{made['id']}?sort=user_name&order=descending").text
    assert page.index("Person 1") < page.index("Person 0")
    assert f'href="/users?group={made["id"]}"' in page
    assert "No member matches" in alan.says(f"/users/groups/{made['id']}?q=u2")


def test_the_group_filter_cannot_be_lifted_by_the_address(alan, make_user, make_group):
    make_user("outside@example.com")
    made = make_group("Guides", make_user("inside@example.com"))
    assert "outside@" not in alan.says(f"/users/groups/{made['id']}?group=x&q=example")


def test_an_empty_group_says_so(alan, make_group):
    assert "Nobody is in this group" in alan.says(f"/users/groups/{make_group('Empty')['id']}")


def test_there_is_no_other_group(grace):
    for path in ("", "/edit", "/add", "/delete"):
        assert grace.get(f"/users/groups/nothing{path}").status_code == 404


def test_a_group_is_made_here(grace, scim):
    answer = grace.post("/users/groups/new", {"name": " Tour guides "})
    assert answer.status_code == 303
    assert "Added the group Tour guides." in grace.says(answer.location)
    assert "Local" in grace.says("/users/groups")
    assert scim.get("/Groups").json["Resources"][0]["displayName"] == "Tour guides"


@pytest.mark.parametrize(("name", "status"), [("", 422), ("  ", 422), ("a\x00b", 422), ("TOUR GUIDES", 409)])
def test_a_name_that_cannot_be_is_refused_beside_it(grace, scim, group, name, status):
    answer = grace.post("/users/groups/new", {"name": name})
    assert answer.status_code == status
    assert 'id="name-problem"' in answer.text
    assert scim.get("/Groups").json["totalResults"] == 1


def test_a_name_that_is_too_long_is_refused_by_the_fields_name(grace, group):
    for path in ("/users/groups/new", f"/users/groups/{group}/edit"):
        answer = grace.post(path, {"name": "x" * 1025, "shown": "Tour guides"})
        assert answer.status_code == 422
        assert "Name may be at most 1024 characters long." in words(answer.text)
        assert "displayName" not in answer.text


def test_a_group_is_renamed(grace, scim, group):
    answer = grace.post(f"/users/groups/{group}/edit", {"shown": "Tour guides", "name": "Guides"})
    assert (answer.status_code, answer.location) == (303, f"/users/groups/{group}")
    assert scim.get(f"/Groups/{group}").json["displayName"] == "Guides"


def test_an_old_form_does_not_undo_a_newer_name(ada, grace, scim, group):
    ada.post(f"/users/groups/{group}/edit", {"shown": "Tour guides", "name": "Newer"})
    answer = grace.post(f"/users/groups/{group}/edit", {"shown": "Tour guides", "name": "Mine"})
    assert answer.status_code == 409
    assert 'value="Mine"' in answer.text and "Newer" in answer.text
    assert scim.get(f"/Groups/{group}").json["displayName"] == "Newer"
    assert grace.post(f"/users/groups/{group}/edit", {"shown": "Newer", "name": "Mine"}).status_code == 303


def test_an_empty_rename_changes_nothing(grace, scim, group):
    assert grace.post(f"/users/groups/{group}/edit").status_code == 409
    assert grace.post(f"/users/groups/{group}/edit", {"shown": "Tour guides", "name": ""}).status_code == 422
    assert scim.get(f"/Groups/{group}").json["displayName"] == "Tour guides"


def test_people_are_found_and_added(grace, scim, group, barbara, make_user):
    make_user("other@example.com")
    text = grace.says(f"/users/groups/{group}/add?q=babs")
    assert "Babs Jensen" in text and "other@" not in text
    answer = grace.post(f"/users/groups/{group}/add", {"user": [barbara["id"], "gone"]})
    assert (answer.status_code, answer.location) == (303, f"/users/groups/{group}")
    assert members(scim, group) == {barbara["id"]}
    assert "Added 1 person. 1 was deleted meanwhile." in grace.says(f"/users/groups/{group}")
    assert "in it" in grace.says(f"/users/groups/{group}/add?q=babs")


def test_members_are_removed_and_stay_enabled(grace, scim, group, barbara, make_user):
    other = make_user("other@example.com")
    grace.post(f"/users/groups/{group}/add", {"user": [barbara["id"], other["id"]]})
    grace.post(f"/users/groups/{group}/remove", {"user": [barbara["id"]]})
    assert members(scim, group) == {other["id"]}
    assert "Removed 1 person." in grace.says(f"/users/groups/{group}")
    assert scim.get(f"/Users/{barbara['id']}").json["active"] is True


@pytest.mark.parametrize(
    "path, changed, unchanged",
    [
        ("add", "Added 1 person.", "is in the group already"),
        ("remove", "Removed 1 person.", "is not in the group any more"),
    ],
)
def test_who_was_added_or_removed_in_another_tab_is_told_of(
    grace, scim, group, barbara, make_user, path, changed, unchanged
):
    other = make_user("other@example.com")
    if path == "remove":
        grace.post(f"/users/groups/{group}/add", {"user": [barbara["id"], other["id"]]})
    grace.post(f"/users/groups/{group}/{path}", {"user": barbara["id"]})
    now = members(scim, group)
    grace.post(f"/users/groups/{group}/{path}", {"user": barbara["id"]})
    participle = changed.split()[0].lower()
    assert f"Nobody was {participle}: 1 {unchanged}." in grace.says(f"/users/groups/{group}")
    assert members(scim, group) == now
    grace.post(f"/users/groups/{group}/{path}", {"user": [barbara["id"], other["id"]]})
    assert f"{changed} 1 {unchanged}." in grace.says(f"/users/groups/{group}")
    assert members(scim, group) == ({barbara["id"], other["id"]} if path == "add" else set())


@pytest.mark.parametrize("path", ["add", "remove"])
def test_who_was_ticked_and_is_gone_is_told_of(grace, group, path):
    grace.post(f"/users/groups/{group}/{path}", {"user": ["gone", "too"]})
    participle = {"add": "added", "remove": "removed"}[path]
    assert f"Nobody was {participle}: 2 were deleted meanwhile." in grace.says(f"/users/groups/{group}")


@pytest.mark.parametrize("path", ["add", "remove"])
def test_an_empty_form_changes_no_members(grace, scim, group, barbara, path):
    grace.post(f"/users/groups/{group}/add", {"user": barbara["id"]})
    assert grace.post(f"/users/groups/{group}/{path}").status_code == 303
    assert "Nobody is ticked." in grace.says(f"/users/groups/{group}")
    assert members(scim, group) == {barbara["id"]}


def test_a_group_is_deleted_and_nobody_is_disabled(grace, scim, group, barbara):
    grace.post(f"/users/groups/{group}/add", {"user": barbara["id"]})
    assert "its 1 member stays" in grace.says(f"/users/groups/{group}/delete")
    answer = grace.post(f"/users/groups/{group}/delete", {"typed": "Tour guides", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/users/groups")
    assert scim.get(f"/Groups/{group}").status_code == 404
    assert scim.get(f"/Users/{barbara['id']}").json["active"] is True


@pytest.mark.parametrize("form", [{}, {"typed": "Tour guides"}, {"password": PASSWORD, "typed": "Tour"}])
def test_a_group_is_not_deleted_without_its_name_and_the_password(grace, scim, group, form):
    assert grace.post(f"/users/groups/{group}/delete", form).status_code == 422
    assert scim.get(f"/Groups/{group}").status_code == 200


def test_groups_of_okta_are_read_only_here(grace, scim, barbara, make_group):
    made = make_group("Guides", barbara)
    path = f"/users/groups/{made['id']}"
    forms = {
        "edit": {"shown": "Guides", "name": "Mine"},
        "add": {"user": barbara["id"]},
        "remove": {"user": barbara["id"]},
        "delete": {"typed": "Guides", "password": PASSWORD},
    }
    for action, form in forms.items():
        answer = grace.post(f"{path}/{action}", form)
        assert answer.status_code == 409 and "Managed by Okta" in answer.text
    for action in ("edit", "add", "delete"):
        assert grace.get(f"{path}/{action}").status_code == 409
        assert f"{path}/{action}" not in grace.get(path).text
    assert scim.get(f"/Groups/{made['id']}").json["displayName"] == "Guides"
    assert members(scim, made["id"]) == {barbara["id"]}


def test_who_may_only_read_changes_no_group(alan, grace, scim, group, barbara):
    path = f"/users/groups/{group}"
    assert f"{path}/edit" not in alan.get(path).text
    for action in ("edit", "add", "delete"):
        assert alan.get(f"{path}/{action}").status_code == 403
    forms = {"shown": "Tour guides", "name": "Mine", "user": barbara["id"], "password": PASSWORD}
    for action in ("edit", "add", "remove", "delete"):
        assert alan.post(f"{path}/{action}", forms | {"typed": "Tour guides"}).status_code == 403
    assert alan.post("/users/groups/new", {"name": "Mine"}).status_code == 403
    assert scim.get(f"/Groups/{group}").json["displayName"] == "Tour guides"
    assert members(scim, group) == set()


def test_markup_in_a_name_is_text(grace, make_user):
    user = make_user("<script>alert(1)</script>", displayName="<script>alert(2)</script>")
    path = grace.post("/users/groups/new", {"name": '"><script>alert(3)</script>'}).location
    grace.post(f"{path}/add", {"user": user["id"]})
    for place in ("/users/groups", path, f"{path}/edit", f"{path}/add?q=script", f"{path}/delete"):
        page = grace.get(place)
        assert page.status_code == 200
        assert "<script>alert" not in page.text, place
