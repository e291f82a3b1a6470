"""The list of users: searched, filtered, sorted, in pages, and as a CSV file."""

import csv
import io
import re

import pytest


@pytest.fixture
def add_user(grace):
    """Return a function that adds a local user through the form and returns the id."""

    def add_user(user_name, **others):
        answer = grace.post("/users/new", {"user_name": user_name} | others)
        assert answer.status_code == 303, answer.text
        return answer.location.rpartition("/")[2]

    return add_user


def rows(page) -> list:
    """Return the ids in a list's rows, in order."""
    return re.findall(r'<a class="whole" href="/users/([^"]+)"', page)


def table(answer) -> list:
    return list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))


def test_the_list_shows_who_came_from_okta(alan, barbara):
    text = alan.says("/users")
    for word in ("Babs Jensen", "bjensen@example.com", "SCIM Okta", "Enabled", "Not Invited", "1–1 of 1 person"):
        assert word in text


def test_the_list_shows_who_is_local_and_disabled(alan, grace, add_user, make_user):
    add_user("local@example.com")
    make_user("leaver@example.com", active=False)
    text = alan.says("/users")
    assert "Local" in text and "Disabled" in text


def test_an_empty_database_says_what_to_do_next(alan):
    text = alan.says("/users")
    assert "http://localhost/scim/v2" in text
    assert "make rehearse" in text


def test_the_configured_address_is_the_one_that_is_shown(app, alan):
    app.config["PUBLIC_URL"] = "https://rollcall.example.com"
    assert "https://rollcall.example.com/scim/v2" in alan.says("/users")


def test_a_search_looks_into_names_user_names_and_addresses(alan, barbara, make_user):
    make_user("someone@example.com")
    for text in ("babs", "bjensen", "jensen.org", "BABS%20JEN"):
        assert rows(alan.get(f"/users?q={text}").text) == [barbara["id"]], text


def test_a_search_that_finds_nobody_offers_to_take_the_filters_off(alan, barbara):
    text = alan.says("/users?q=nobody&status=disabled")
    assert "Nobody matches" in text and "Take all filters off" in text


@pytest.mark.parametrize("condition", ["source=local", "status=disabled", "invite=pending", "source=nonsense"])
def test_a_filter_leaves_out_whom_it_does_not_hold_for(alan, barbara, condition):
    assert rows(alan.get(f"/users?{condition}").text) == []


@pytest.mark.parametrize("condition", ["source=scim", "status=enabled", "invite=not+invited"])
def test_a_filter_keeps_whom_it_holds_for(alan, barbara, condition):
    assert rows(alan.get(f"/users?{condition}").text) == [barbara["id"]]


def test_each_filter_is_a_chip_that_takes_it_off(alan, barbara):
    page = alan.get("/users?q=babs&source=scim&sort=changed").text
    assert 'class="chip" href="/users?source=scim&amp;sort=changed">“babs”' in page
    assert 'class="chip" href="/users?q=babs&amp;sort=changed">SCIM Okta' in page


def test_a_group_is_a_filter(alan, barbara, make_user, make_group):
    make_user("outside@example.com")
    group = make_group("Tour guides", barbara)
    page = alan.get(f"/users?group={group['id']}").text
    assert rows(page) == [barbara["id"]]
    assert 'class="chip" href="/users">In Tour guides' in page


def test_a_group_that_is_gone_is_no_filter_that_keeps_everybody(alan, barbara):
    answer = alan.get("/users?group=gone")
    assert answer.status_code == 404
    assert "Babs" not in answer.text


def test_the_list_is_sorted_as_asked(alan, make_user):
    ids = [make_user(name, displayName=shown)["id"] for name, shown in (("a", "Zoe"), ("b", "Ada"), ("c", "Max"))]
    zoe, ada, max_ = ids
    assert rows(alan.get("/users").text) == [ada, max_, zoe]
    assert rows(alan.get("/users?order=descending").text) == [zoe, max_, ada]
    assert rows(alan.get("/users?sort=user_name").text) == [zoe, ada, max_]
    assert rows(alan.get("/users?sort=changed&order=descending").text) == [max_, ada, zoe]
    assert rows(alan.get("/users?sort=nonsense").text) == [ada, max_, zoe]


def test_pages_follow_each_other_and_say_where_they_are(alan, make_user):
    made = [make_user(f"user{number:03}@example.com")["id"] for number in range(120)]
    first = alan.get("/users")
    assert rows(first.text) == made[:50] and "1–50 of 120 people" in first.text
    second = alan.get(link(first.text, "Next"))
    assert rows(second.text) == made[50:100] and "51–100 of 120 people" in second.text
    last = alan.get(link(second.text, "Last"))
    assert rows(last.text) == made[70:] and "71–120 of 120 people" in last.text
    before = alan.get(link(second.text, "Previous"))
    assert rows(before.text) == made[:50] and "1–50 of 120 people" in before.text


def link(page, words):
    return re.search(rf'<a href="([^"]+)"[^>]*>{words}</a>', page)[1].replace("&amp;", "&")


@pytest.mark.parametrize(
    "query", ["after=%00&from=x", "before=a", "from=-1", f"from={'9' * 5000}", "q=%ff", "q=%25"]
)
def test_a_strange_address_is_no_mistake(alan, barbara, query):
    assert alan.get(f"/users?{query}").status_code == 200


def test_empty_parameters_do_not_stay_in_the_address(alan, barbara):
    answer = alan.get("/users?q=babs&source=&status=&invite=")
    assert (answer.status_code, answer.location) == (302, "/users?q=babs")
    typed = alan.get("/users?q=babs&source=", **{"HX-Request": "true", "HX-Source": "input#q"})
    assert (typed.status_code, typed.headers["HX-Replace-Url"]) == (200, "/users?q=babs")
    chosen = alan.get("/users?q=&source=scim", **{"HX-Request": "true", "HX-Source": "select#source"})
    assert chosen.headers["HX-Push-Url"] == "/users?source=scim"


def test_three_groups_are_shown_and_the_others_are_counted(alan, barbara, make_group):
    for name in ("One", "Two", "Three", "Four", "Five"):
        make_group(name, barbara)
    text = alan.says("/users")
    assert "Five , Four , One and 2 more" in text
    assert "Two" not in text


def test_markup_in_a_name_is_text(ada, make_user, make_group):
    user = make_user("<script>alert(1)</script>", displayName='"><script>alert(2)</script>')
    group = make_group("<script>alert(3)</script>", user)
    paths = ["", "/attributes", "/groups", "/activity"]
    for path in ["/users", f"/users?group={group['id']}", *(f"/users/{user['id']}{path}" for path in paths)]:
        page = ada.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text, path


def test_who_may_only_read_is_offered_nothing_else(alan, barbara):
    page = alan.get("/users").text
    assert "Export CSV" in page
    assert "Add user" not in page and "/users/disable" not in page


def test_the_csv_file_has_all_who_match(alan, barbara, make_user):
    make_user("other@example.com", active=False)
    answer = alan.get("/users/export.csv?status=enabled")
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    head, *lines = table(answer)
    assert head[:7] == ["Name", "User name", "E-mail", "Source", "Status", "Invite", "Groups"]
    assert [line[:6] for line in lines] == [
        ["Babs Jensen", "bjensen@example.com", "bjensen@example.com", "SCIM Okta", "Enabled", "Not Invited"]
    ]


def test_the_csv_file_has_those_who_are_ticked(alan, barbara, make_user):
    other = make_user("other@example.com")
    assert len(table(alan.post("/users/export.csv", {"user": "gone"}))) == 1
    answer = alan.post("/users/export.csv", {"user": [other["id"], "gone"]})
    assert [line[1] for line in table(answer)[1:]] == ["other@example.com"]


def test_the_csv_file_has_all_who_match_where_nobody_is_ticked(alan, barbara, make_user):
    make_user("other@example.com")
    assert len(table(alan.post("/users/export.csv"))) == 3
    everybody = alan.post("/users/export.csv", {"all": "1", "q": "babs", "user": "gone"})
    assert [line[0] for line in table(everybody)[1:]] == ["Babs Jensen"]


def test_no_cell_of_the_csv_file_is_a_formula(alan, make_user):
    make_user("=1+1@example.com", displayName="@SUM(A1)")
    line = table(alan.get("/users/export.csv"))[1]
    assert line[:2] == ["'@SUM(A1)", "'=1+1@example.com"]
