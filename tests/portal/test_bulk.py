"""What is done to several people at once: the confirmation, the password, and who is left alone."""

import re

import pytest

from core import jobs as core_jobs
from portal import jobs as portal_jobs
from tests.portal.conftest import PASSWORD

KINDS = ("disable", "enable", "delete")


@pytest.fixture
def people(make_user):
    """Three people of Okta's, the last of them disabled."""
    return [make_user(f"p{n}@example.com", displayName=f"Person {n}", active=n != 2) for n in range(3)]


@pytest.fixture
def local(grace):
    """The ids of two local users."""
    made = [grace.post("/users/new", {"user_name": f"local{n}@example.com"}).location for n in range(2)]
    return [location.rpartition("/")[2] for location in made]


def ids(people):
    return [user["id"] for user in people]


def active(scim):
    """Return {userName: whether enabled} of everybody."""
    return {user["userName"]: user["active"] for user in scim.get("/Users?count=1000").json["Resources"]}


def kept(answer) -> dict:
    """Return the hidden fields of a confirmation."""
    fields: dict = {}
    form = answer.text[answer.text.index('class="stack"') :]
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form):
        if name != "csrf_token":
            fields.setdefault(name, []).append(value)
    return fields


def confirm(browser, kind, answer, password=PASSWORD, **others):
    return browser.post(f"/users/{kind}", kept(answer) | {"password": password} | others)


def test_whose_name_is_only_spaces_is_called_by_the_user_name(grace, make_user):
    chosen = {"user": make_user("blank@example.com", displayName="   ")["id"]}
    answer = grace.post("/users/disable", chosen)
    assert "<h1>Disable blank@example.com</h1>" in answer.text
    confirm(grace, "disable", answer)
    assert "Disabled blank@example.com." in grace.says("/users")
    confirm(grace, "enable", grace.post("/users/enable", chosen))
    assert "<h1>Send Invite to blank@example.com</h1>" in grace.post("/users/invite", chosen).text


def test_a_change_is_confirmed_first(grace, scim, people):
    before = active(scim)
    answer = grace.post("/users/disable", {"user": ids(people)})
    assert answer.status_code == 200
    assert "<h1>Disable 2 people</h1>" in answer.text
    assert "Person 0" in answer.text and "Person 1" in answer.text and "Person 2" not in answer.text
    assert "1 of those chosen is left alone: disabled already." in " ".join(answer.text.split())
    assert "Okta is not told" in answer.text
    assert active(scim) == before


def test_the_ticked_are_disabled(grace, scim, people):
    answer = grace.post("/users/disable", {"user": ids(people)[:1], "back": "/users?status=enabled"})
    answer = confirm(grace, "disable", answer)
    assert (answer.status_code, answer.location) == (303, "/users?status=enabled")
    assert active(scim) == {"p0@example.com": False, "p1@example.com": True, "p2@example.com": False}
    assert "Disabled Person 0." in grace.says("/users")
    assert "grace@example.com changed active true → false" in grace.says(f"/users/{people[0]['id']}/activity")


def test_the_ticked_are_enabled(grace, scim, people):
    answer = confirm(grace, "enable", grace.post("/users/enable", {"user": ids(people)}))
    assert answer.status_code == 303
    assert active(scim)["p2@example.com"] is True


def test_all_that_match_are_disabled_and_nobody_else(grace, scim, people):
    answer = grace.post("/users/disable", {"all": "1", "q": "p1", "user": ids(people)})
    assert "<h1>Disable Person 1</h1>" in answer.text
    assert confirm(grace, "disable", answer).status_code == 303
    assert active(scim) == {"p0@example.com": True, "p1@example.com": False, "p2@example.com": False}


@pytest.mark.parametrize("condition", [{"source": "nonsense"}, {"group": "gone"}, {"status": "x"}, {"q": "nobody"}])
def test_a_condition_that_holds_for_nobody_changes_nobody(grace, scim, people, condition):
    before = active(scim)
    answer = grace.post("/users/disable", {"all": "1"} | condition)
    assert answer.status_code == 303
    assert active(scim) == before


def test_another_person_is_not_changed_in_the_place_of_the_one_who_was_named(grace, scim, people, make_user):
    zed, late = make_user("zed1@example.com"), make_user("zed2@example.com", active=False)
    answer = grace.post("/users/disable", {"all": "1", "q": "zed", "status": "enabled"})
    for user, active_now in ((zed, False), (late, True)):
        scim.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": active_now})
    before = active(scim)
    answer = confirm(grace, "disable", answer)
    assert answer.status_code == 409 and "in the place of another. Nothing was changed" in answer.text
    assert active(scim) == before
    assert confirm(grace, "disable", answer).status_code == 303


def test_the_number_that_was_confirmed_is_the_one_that_is_changed(grace, scim, people, make_user):
    answer = grace.post("/users/disable", {"all": "1"})
    assert "<h1>Disable 2 people</h1>" in answer.text
    make_user("late@example.com")
    before = active(scim)
    answer = confirm(grace, "disable", answer)
    assert answer.status_code == 409
    assert "<h1>Disable 3 people</h1>" in answer.text and "have become 3 people" in answer.text
    assert active(scim) == before
    assert confirm(grace, "disable", answer).status_code == 303
    assert not any(active(scim).values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("password", ["", "wrong"])
def test_without_the_password_nothing_changes(grace, scim, people, local, kind, password):
    before = active(scim)
    answer = grace.post(f"/users/{kind}", {"user": [*ids(people), *local]})
    answer = confirm(grace, kind, answer, password, typed="2")
    assert answer.status_code == 422
    assert "This is not your password." in answer.text
    assert set(kept(answer)["user"]) == {*ids(people), *local}
    assert active(scim) == before


def test_only_local_users_are_deleted(grace, scim, people, local):
    answer = grace.post("/users/delete", {"all": "1"})
    assert "<h1>Delete 2 people</h1>" in answer.text
    assert "3 of those chosen are left alone: managed by Okta" in " ".join(answer.text.split())
    assert confirm(grace, "delete", answer, typed="2").status_code == 303
    assert set(active(scim)) == {"p0@example.com", "p1@example.com", "p2@example.com"}
    assert "Deleted 2 people." in grace.says("/users")


def test_deleting_asks_for_the_number(grace, scim, local):
    answer = confirm(grace, "delete", grace.post("/users/delete", {"user": local}), typed="3")
    assert answer.status_code == 422 and "Type 2 to say that you mean it." in answer.text
    assert len(active(scim)) == 2


def test_deleting_one_asks_for_the_user_name(grace, scim, local):
    answer = grace.post("/users/delete", {"user": local[:1]})
    assert confirm(grace, "delete", answer, typed="1").status_code == 422
    assert len(active(scim)) == 2
    answer = confirm(grace, "delete", answer, typed="local0@example.com")
    assert (answer.status_code, answer.location) == (303, "/users")
    assert list(active(scim)) == ["local1@example.com"]


def test_who_is_ticked_and_gone_meanwhile_is_counted_anew(grace, scim, people):
    answer = grace.post("/users/disable", {"user": ids(people)})
    scim.delete(f"/Users/{people[0]['id']}")
    answer = confirm(grace, "disable", answer)
    assert answer.status_code == 409
    assert active(scim)["p1@example.com"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_form_changes_nobody(grace, scim, people, kind):
    before = active(scim)
    answer = grace.post(f"/users/{kind}")
    assert answer.status_code == 303
    assert "Nobody is ticked." in grace.says("/users")
    assert active(scim) == before


def test_where_it_applies_to_nobody_it_says_why(grace, people):
    grace.post("/users/delete", {"user": ids(people)})
    assert "Nobody was changed: they are managed by Okta" in grace.says("/users")
    grace.post("/users/disable", {"all": "1", "status": "disabled"})
    assert "Nobody was changed: they are disabled already." in grace.says("/users")


@pytest.mark.parametrize("kind", KINDS)
def test_who_was_ticked_and_is_gone_is_told_of(grace, scim, people, kind):
    for user in people:
        scim.delete(f"/Users/{user['id']}")
    grace.post(f"/users/{kind}", {"user": ids(people)})
    assert "Nobody was changed: 3 were deleted meanwhile." in grace.says("/users")


def test_who_is_left_alone_and_who_is_gone_are_both_told_of(grace, scim, people):
    scim.delete(f"/Users/{people[0]['id']}")
    grace.post("/users/disable", {"user": [people[0]["id"], people[2]["id"]]})
    assert "Nobody was changed: they are disabled already; 1 was deleted meanwhile." in grace.says("/users")


@pytest.mark.parametrize("kind", KINDS)
def test_who_may_only_read_changes_nobody(alan, scim, people, local, kind):
    before = active(scim)
    form = {"user": [*ids(people), *local], "shown": "2", "typed": "2", "password": PASSWORD}
    assert alan.post(f"/users/{kind}", form).status_code == 403
    assert active(scim) == before


def test_the_way_back_leads_to_no_other_site(grace, people):
    answer = grace.post("/users/disable", {"user": ids(people)[:1], "back": "https://evil.example.com/"})
    assert "evil" not in re.search(r'<a class="button" href="([^"]*)"', answer.text)[1]
    assert confirm(grace, "disable", answer).location == "/"


def test_many_are_changed_by_a_job(app, grace, scim, people, monkeypatch):
    monkeypatch.setattr(portal_jobs, "AT_ONCE", 1)
    answer = confirm(grace, "disable", grace.post("/users/disable", {"all": "1"}))
    assert (answer.status_code, answer.location) == (303, "/admin/jobs/1")
    assert any(active(scim).values())
    with app.app_context():
        core_jobs.work()
    assert not any(active(scim).values())
    assert "Disabled 2 people." in grace.says("/admin/jobs/1")


def test_one_person_is_disabled_from_the_persons_page(grace, scim, people):
    path = f"/users/{people[0]['id']}"
    answer = grace.post("/users/disable", {"user": people[0]["id"], "back": path})
    assert "<h1>Disable Person 0</h1>" in answer.text
    assert confirm(grace, "disable", answer).location == path
    assert "Status Disabled" in grace.says(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_confirmations_address_leads_back_to_the_list(grace, kind):
    assert grace.get(f"/users/{kind}").location == "/users"


def test_markup_in_a_name_is_text(grace, make_user):
    user = make_user("<script>alert(1)</script>", displayName="<script>alert(2)</script>")
    answer = grace.post("/users/disable", {"user": user["id"], "q": "<script>alert(3)</script>"})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
