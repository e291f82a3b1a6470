"""Configurations: the list, the editor and what it refuses, who gets what, and every page that tells of it."""

import io
import plistlib
import re
from base64 import b64decode, b64encode

import pytest
from sqlalchemy import select

from core import configurations, deliveries, jobs
from core.mobileconfig import ICON_BYTES, TYPES
from database import execute
from models import AuditLine
from portal.access import LARGEST_FORM
from protocol.definitions import CUSTOM
from tests.portal.conftest import PASSWORD, words

LINES = AuditLine.__table__
LIST = "/configurations"
NEW = f"{LIST}/new?type=wifi"
SCRIPT = "<script>alert(1)</script>"
SECRET = "correct horse battery"
PNG = b"\x89PNG\r\n\x1a\nnot much of a picture"
WIFI = {
    "name": "Office",
    "missing": "hold",
    "distribution": "everyone",
    "field-ssid": "Office ${custAttr1}",
    "field-security": "wpa2",
    "field-password": SECRET,
    "field-auto_join": "on",
}
CLIP = {
    "name": "Desk",
    "missing": "hold",
    "distribution": "everyone",
    "field-label": "Desk of ${userUID}",
    "field-url": "https://example.com/${custAttr1:-nowhere}",
}


@pytest.fixture
def people(define, make_user):
    """Bea has an office, Carl has none, and Dora is disabled."""
    define("custAttr1")
    return {
        "bea": make_user("bea@example.com", displayName="Bea", **{CUSTOM: {"custAttr1": "Berlin"}}),
        "carl": make_user("carl@example.com", displayName="Carl"),
        "dora": make_user("dora@example.com", displayName="Dora", active=False),
    }


@pytest.fixture
def make(ada):
    """Return a function that makes a configuration through the form and returns its address."""

    def make(form, type="wifi", **others):
        answer = ada.post(f"{LIST}/new?type={type}", form | others)
        assert answer.status_code == 303, words(answer.text)
        return answer.location

    return make


@pytest.fixture
def stored(app):
    """Return a function that returns all configurations as they are stored."""

    def stored():
        with app.app_context():
            return [row.configuration for row in configurations.listing()]

    return stored


def edit(browser, url, form, version=1, to="edit", **others):
    return browser.post(f"{url}/{to}", form | {"version": version} | others)


def part(page, tag, identifier):
    """Return what a page says in the element with that id."""
    found = re.search(rf'<{tag}\b[^>]* id="{re.escape(identifier)}".*?</{tag}>', page.text, re.DOTALL)
    return words(found[0])


def value(page, name):
    """Return what stands in an input."""
    tag = re.search(rf'<input[^>]* name="{re.escape(name)}"[^>]*>', page.text)[0]
    return re.search(r' value="([^"]*)"', tag)[1]


def test_without_any_the_list_says_what_will_be_here(ada, alan):
    assert "No configurations yet" in ada.says(LIST) and "Add configuration" in ada.says(LIST)
    assert "Add configuration" not in alan.says(LIST)


def test_the_menu_leads_there(alan):
    menu = re.search(r'<nav class="menu".*?</nav>', alan.get("/").text, re.DOTALL)[0]
    assert words(menu) == "Dashboard Users Configurations Admin"


def test_every_type_is_offered_and_has_a_form(ada):
    page = ada.get(f"{LIST}/new").text
    for kind in TYPES.values():
        assert f'href="{LIST}/new?type={kind.name}"' in page
        form = ada.get(f"{LIST}/new?type={kind.name}")
        assert form.status_code == 200
        for field in kind.fields:
            assert field.label in words(form.text)
    assert "Choose what it is about" in ada.says(f"{LIST}/new?type=toaster")


def test_only_what_takes_variables_is_marked(ada):
    for kind in TYPES.values():
        page = ada.get(f"{LIST}/new?type={kind.name}").text
        for field in kind.fields:
            if field.type != "pairs":
                tag = re.search(rf'<(?:input|select|textarea)[^>]* id="field-{field.name}"[^>]*>', page)[0]
                assert ("data-variables" in tag) == field.variables, field
            assert not (field.variables and field.type == "password")


def test_without_javascript_every_field_is_there_and_says_when_it_applies(ada):
    page = ada.get(NEW).text
    assert "Used when Security is WPA2 or WPA3 Enterprise." in page
    assert "Used when Method is PEAP, or EAP-TTLS." in page
    assert "Used when Sign in with OAuth is off." in ada.get(f"{LIST}/new?type=exchange").text
    unused = re.findall(r'class="field unused" data-when="field-(\w+)" data-values="([^"]*)"', page)
    assert ("security", "[&#34;enterprise&#34;]") in unused and len(unused) == 6


def test_a_configuration_is_saved_and_goes_to_its_people(ada, alan, people, make, stored):
    url = make(WIFI)
    assert "Saved. 1 ready, 1 held: custAttr1." in ada.says(url)
    [found] = stored()
    assert (found.name, found.type, found.distribution, found.missing) == ("Office", "wifi", "everyone", "hold")
    said = words(re.search("<tbody.*</tbody>", alan.get(LIST).text, re.DOTALL)[0])
    assert said.startswith("Office Wi-Fi Everyone 1 1 just now")


def test_the_page_tells_what_it_says_to_whom_it_goes_and_who_is_held(ada, alan, people, make):
    url = make(WIFI)
    said = alan.says(url)
    for text in (
        "Network name (SSID) Office ${custAttr1}",
        "Join automatically Yes",
        "Hidden network No",
        "Password •••",
        "Goes to Everyone",
        "Missing value Hold the configuration back",
        "1 ready, 1 held",
        "Carl held: custAttr1 has no value",
    ):
        assert text in said
    assert "Bea" not in said and "Dora" not in said
    page = alan.get(url).text
    assert SECRET not in page
    for action in ("edit", "copy", "delete"):
        assert f'"{url}/{action}"' in ada.get(url).text and f'"{url}/{action}"' not in page


def test_those_who_are_held_are_shown_by_variable_and_in_pages(ada, define, make_user, make):
    define("custAttr1")
    for number in range(60):
        make_user(f"p{number:02}@example.com", displayName=f"Person {number:02}", name={"givenName": "P"})
    make_user("last@example.com", displayName="Last", **{CUSTOM: {"custAttr1": "Rome"}})
    url = make(WIFI, **{"field-ssid": "${custAttr1} ${userFirstName}"})
    first = ada.get(url)
    assert "0 ready, 61 held" in words(first.text) and "50 of 61 held" in words(first.text)
    following = re.search(r'href="([^"]*after=\d+)#people"', first.text)[1].replace("&amp;", "&")
    assert "11 of 61 held" in ada.says(following) and "Last" in ada.says(following)
    by_variable = ada.says(f"{url}?held=userFirstName")
    assert "1 of 1" not in by_variable and "Last held: userFirstName has no value" in by_variable
    assert "Person 00" not in by_variable
    for query in ("held=nothing", 'held="$', "held=custAttr1&after=x", f"after={10**30}", "after=-1"):
        assert ada.get(f"{url}?{query}").status_code == 200


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"field-ssid": "${custAtr1}"}, "There is no variable custAtr1: did you mean custAttr1?"),
        ({"field-ssid": "${custattr1}"}, "did you mean custAttr1?"),
        ({"field-ssid": "${"}, "is no variable"),
        ({"field-ssid": ""}, "Network name (SSID) is needed: fill it in."),
        ({"field-ssid": "x" * 33}, "is longer than 32 bytes"),
        ({"field-password": "short"}, "is no WPA password"),
        ({"field-security": "wep"}, "choose one of Open"),
        ({"name": " "}, "A configuration needs a name"),
        ({"name": "OFFICE"}, "There is a configuration"),
        ({"distribution": "world"}, "choose one of"),
        ({"distribution": "groups"}, "No group is chosen"),
        ({"distribution": "groups", "group": "gone"}, "A chosen group is gone"),
        ({"missing": "guess"}, "choose one of"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_and_what_was_typed_is_kept(ada, people, make, stored, change, sentence):
    make(WIFI)
    before = stored()
    form = WIFI | {"name": "Second", "field-hidden": "on"} | change
    answer = ada.post(NEW, form)
    assert answer.status_code == 422 and sentence in words(answer.text)
    assert "Nothing was saved." in words(answer.text)
    assert value(answer, "name") == form["name"] and value(answer, "field-ssid") == form["field-ssid"]
    assert value(answer, "field-password") == form["field-password"]
    assert re.search(r'name="field-hidden" value="on" checked', answer.text)
    assert stored() == before


def test_a_password_takes_no_variables(ada, people, make):
    url = make(WIFI, **{"field-password": "${custAttr1}"})
    assert "Variables custAttr1" in ada.says(url)  # of the network's name
    page = ada.get(f"/users/{people['bea']['id']}{url}/download")
    assert plistlib.loads(page.data)["PayloadContent"][0]["Password"] == "${custAttr1}"


def test_a_look_shows_who_would_get_it_and_keeps_nothing(ada, people, stored):
    answer = ada.post(f"{LIST}/new/preview?type=wifi", WIFI | {"person": people["bea"]["id"]})
    assert answer.status_code == 200
    assert part(answer, "div", "ready") == (
        "1 ready, 1 held: custAttr1 Carl held: custAttr1 has no value: fill it in Okta."
    )
    shown = part(answer, "pre", "profile")
    assert "SSID_STR = Office Berlin" in shown and SECRET not in shown
    assert stored() == []


def test_a_look_says_what_is_wrong(ada, people, stored):
    form = WIFI | {"field-ssid": "${custAtr1}"}
    answer = ada.post(f"{LIST}/new/preview?type=wifi", form)
    assert answer.status_code == 200 and "did you mean custAttr1?" in part(answer, "div", "ready")
    assert value(answer, "field-ssid") == "${custAtr1}" and stored() == []


def test_a_look_as_somebody_who_lacks_a_value_says_so(ada, people):
    answer = ada.post(f"{LIST}/new/preview?type=wifi", WIFI | {"person": people["carl"]["id"]})
    assert "held: custAttr1 has no value" in part(answer, "div", "preview")
    answer = ada.post(f"{LIST}/new/preview?type=wifi", WIFI | {"person": people["carl"]["id"], "missing": "empty"})
    assert part(answer, "div", "ready") == "2 ready, 0 held"
    assert "SSID_STR = Office" in part(answer, "pre", "profile")


def test_people_to_preview_as_are_found_by_name(ada, people):
    answer = ada.post(f"{LIST}/new/preview?type=wifi", WIFI | {"person_q": "carl"})
    shown = part(answer, "div", "preview")
    assert "Carl" in shown and "Bea" not in shown
    answer = ada.post(f"{LIST}/new/preview?type=wifi", WIFI | {"person_q": "nobody"})
    assert "Nobody matches." in part(answer, "div", "preview")


def test_the_variables_are_listed_with_the_values_of_that_person(ada, people):
    answer = ada.post(f"{LIST}/new/preview?type=wifi", WIFI | {"person": people["bea"]["id"]})
    listed = part(answer, "ul", "variables")
    assert "${userUID} bea@example.com" in listed and "${custAttr1} Berlin" in listed
    assert "${department} no value" in listed


def test_groups_are_found_and_the_chosen_ones_stay(ada, people, make_group):
    for number in range(25):
        make_group(f"Group {number:02}")
    chosen = make_group("Zebras", people["bea"])
    form = WIFI | {"distribution": "groups", "group": chosen["id"], "group_q": "group 1"}
    answer = ada.post(f"{LIST}/new/preview?type=wifi", form)
    listed = part(answer, "ul", "group-list")
    assert listed.startswith("Zebras 1 member Group 10") and "Group 20" not in listed
    assert part(answer, "div", "ready").startswith("1 ready, 0 held")
    assert len(re.findall('name="group" value="[^"]*" checked', answer.text)) == 1


def test_chosen_groups_alone_get_it(ada, people, make, make_group):
    group = make_group("Analysts", people["bea"], people["dora"])
    url = make(WIFI, distribution="groups", group=group["id"])
    assert "Saved. 1 ready, 0 held." in ada.says(url) and "Goes to Analysts" in ada.says(url)
    said = ada.says(f"/users/groups/{group['id']}")
    assert "Configurations Name Type Share of members who are ready Ready Held Office Wi-Fi 1 0" in said
    assert "Office" not in ada.says(f"/users/{people['carl']['id']}/configurations")


def test_nobody_yet_is_nobody(ada, people, make):
    url = make(WIFI, distribution="nobody")
    assert "Saved. It goes to nobody yet." in ada.says(url) and "Nobody. Edit it" in ada.says(url)
    assert "No configuration goes to this person" in ada.says(f"/users/{people['bea']['id']}/configurations")


def test_editing_gives_those_a_new_revision_whose_content_changed(ada, people, make):
    url = make(CLIP, "webclip")
    page = f"/users/{people['bea']['id']}/configurations"
    assert "ready 1 just now" in ada.says(page)
    answer = edit(ada, url, CLIP, **{"field-url": "https://example.com/${custAttr1:-lobby}"})
    assert (answer.status_code, answer.location) == (303, url)
    assert "Saved. 2 ready, 0 held." in ada.says(url)
    assert "ready 1 " in ada.says(page)
    assert "ready 2 " in ada.says(f"/users/{people['carl']['id']}/configurations")


def test_saving_what_is_so_already_changes_nothing(ada, people, make, stored):
    url = make(CLIP, "webclip")
    before = stored()
    assert edit(ada, url, CLIP).status_code == 303
    assert "Nothing was changed: all is as it was." in ada.says(url) and stored() == before


def test_the_editor_shows_the_differences_from_what_is_saved(ada, people, make):
    url = make(WIFI)
    form = WIFI | {"person": people["bea"]["id"], "field-password": ""}
    answer = edit(ada, url, form, to="preview")
    assert "The same as it was saved." in words(answer.text)
    answer = edit(ada, url, form | {"field-ssid": "Desk ${custAttr1}"}, to="preview")
    shown = part(answer, "pre", "profile")
    assert "old: - SSID_STR = Office Berlin new: + SSID_STR = Desk Berlin" in shown
    answer = edit(ada, url, form | {"field-password": "another secret"}, to="preview")
    assert "another secret" not in part(answer, "pre", "profile")
    assert "Marked is what is not as it was saved." in words(answer.text)


def test_a_stored_password_never_comes_back_and_stays_when_left_empty(ada, people, make, stored):
    url = make(WIFI)
    page = ada.get(f"{url}/edit")
    assert SECRET not in page.text and "A password is stored. Left empty, it stays." in words(page.text)
    assert edit(ada, url, WIFI, **{"field-password": "", "field-ssid": "New"}).status_code == 303
    assert stored()[0].fields["password"] == SECRET
    for browser_page in (ada.get(url), ada.get(f"{url}/edit"), ada.get("/admin/audit")):
        assert SECRET not in browser_page.text
    refused = edit(ada, url, WIFI, 2, **{"field-password": "", "field-ssid": ""})
    assert refused.status_code == 422 and SECRET not in refused.text
    assert edit(ada, url, WIFI, 2, **{"field-password": "", "forget-password": "1"}).status_code == 303
    assert "password" not in stored()[0].fields


def test_an_old_form_changes_nothing_and_keeps_what_was_typed(ada, people, make, stored):
    url = make(WIFI)
    assert edit(ada, url, WIFI, **{"field-ssid": "First", "field-password": ""}).status_code == 303
    before = stored()
    answer = edit(ada, url, WIFI, **{"field-ssid": "Second", "missing": "empty", "field-password": ""})
    assert answer.status_code == 409 and stored() == before
    said = words(answer.text)
    assert "Nothing was saved: Office was changed since you opened this form." in said
    assert value(answer, "field-ssid") == "Second" and "Stored now: First" in said
    assert "Stored now: Hold the configuration back" in said and value(answer, "version") == "2"
    assert edit(ada, url, WIFI, 2, **{"field-ssid": "Second"}).status_code == 303
    assert stored()[0].fields["ssid"] == "Second"


def test_what_was_deleted_meanwhile_can_be_saved_as_a_new_one(ada, people, make, stored):
    url = make(WIFI)
    assert ada.post(f"{url}/delete", {"typed": "Office", "password": PASSWORD}).status_code == 303
    answer = edit(ada, url, WIFI, type="wifi")
    assert answer.status_code == 409 and "was deleted since you opened this form" in words(answer.text)
    assert f'action="{LIST}/new?type=wifi"' in answer.text and value(answer, "name") == "Office"
    assert stored() == []
    assert edit(ada, url, WIFI).status_code == 404


@pytest.mark.parametrize("number", ["7", str(2**63), "9" * 30])
def test_what_is_not_there_is_not_found(ada, people, number):
    assert ada.get(f"{LIST}/{number}").status_code == 404
    for path in ("edit", "delete"):
        assert ada.get(f"{LIST}/{number}/{path}").status_code == 404
    for path in ("edit", "preview", "copy", "delete"):
        assert ada.post(f"{LIST}/{number}/{path}").status_code == 404
    for path in ("", "/download"):
        assert ada.get(f"/users/{people['bea']['id']}/configurations/{number}{path}").status_code == 404


def test_a_copy_goes_to_nobody_and_is_opened(ada, people, make, stored):
    url = make(WIFI)
    answer = ada.post(f"{url}/copy")
    assert answer.status_code == 303 and answer.location.endswith("/edit")
    assert "Made Copy of Office. It goes to nobody yet." in ada.says(answer.location)
    copy = next(found for found in stored() if found.name == "Copy of Office")
    assert (copy.distribution, copy.fields["password"]) == ("nobody", SECRET)


def test_deleting_asks_for_the_name_and_the_password(ada, people, make, stored):
    url = make(WIFI)
    assert "1 person has it ready" in ada.says(f"{url}/delete")
    for form, sentence in (
        ({"typed": "office", "password": PASSWORD}, "Type Office to say that you mean it."),
        ({"typed": "Office", "password": "wrong"}, "This is not your password."),
        ({}, "Type Office"),
    ):
        answer = ada.post(f"{url}/delete", form)
        assert answer.status_code == 422 and sentence in words(answer.text) and len(stored()) == 1
    answer = ada.post(f"{url}/delete", {"typed": "Office", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, LIST) and stored() == []
    assert "Deleted Office. Nobody gets it any more." in ada.says(LIST)
    assert ada.get(f"/users/{people['bea']['id']}{url}/download").status_code == 404


def test_who_may_not_change_them_changes_nothing(grace, alan, people, make, stored):
    url = make(WIFI)
    before = stored()
    for browser in (grace, alan):
        assert browser.get(url).status_code == browser.get(LIST).status_code == 200
        for path in (f"{LIST}/new", f"{url}/edit", f"{url}/delete", f"/users/{people['bea']['id']}{url}/download"):
            assert browser.get(path).status_code == 403
        for path in (NEW, f"{LIST}/new/preview", *(f"{url}/{to}" for to in ("edit", "preview", "copy", "delete"))):
            assert browser.post(path, WIFI).status_code == 403
    assert stored() == before


def test_a_person_s_tab_tells_what_is_ready_and_why_the_rest_is_held(alan, ada, people, make):
    url = make(WIFI)
    bea, carl, dora = (f"/users/{people[name]['id']}/configurations" for name in ("bea", "carl", "dora"))
    assert "Office Wi-Fi ready 1 just now Preview Office" in alan.says(bea)
    assert "Download" not in alan.says(bea) and "Download Office" in ada.says(bea)
    assert "Office Wi-Fi held: custAttr1 has no value: fill it in Okta. none yet" in alan.says(carl)
    assert "Disabled people get no configurations" in alan.says(dora)
    number = url.rpartition("/")[2]
    assert "held: custAttr1 has no value" in alan.says(f"{carl}/{number}")
    assert ada.get(f"{carl}/{number}/download").status_code == 404
    assert ada.get(f"{dora}/{number}/download").status_code == 404
    assert ada.get(f"{dora}/{number}").status_code == 404


def test_a_preview_of_what_a_person_has_shows_no_password(alan, ada, people, make):
    url = make(WIFI)
    for browser in (alan, ada):
        answer = browser.get(f"/users/{people['bea']['id']}{url}")
        assert "SSID_STR = Office Berlin" in words(answer.text) and SECRET not in answer.text
        assert "Passwords are not shown here" in words(answer.text)


def test_the_download_is_the_profile(ada, people, make):
    url = make(WIFI, name='Büro "Süd"/1')
    answer = ada.get(f"/users/{people['bea']['id']}{url}/download")
    assert (answer.status_code, answer.content_type) == (200, "application/x-apple-aspen-config")
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="Buro Sud 1.mobileconfig"; filename*=UTF-8')
    assert "B%C3%BCro" in disposition and answer.headers["Cache-Control"] == "no-store"
    profile = plistlib.loads(answer.data)
    [payload] = profile["PayloadContent"]
    assert (payload["SSID_STR"], payload["Password"]) == ("Office Berlin", SECRET)
    assert ada.get(f"/users/{people['bea']['id']}{url}/download").data == answer.data


def test_a_managed_app_is_made_of_pairs(ada, people, make, stored):
    form = WIFI | {
        "name": "Chat",
        "field-bundle": "com.example.chat",
        "field-pairs.key": ["server", "seats", "", "on"],
        "field-pairs.type": ["string", "integer", "string", "boolean"],
        "field-pairs.value": ["${custAttr1}.example.com", "7", "", "true"],
    }
    url = make(form, "app")
    assert "server = ${custAttr1}.example.com (string)" in ada.says(url)
    answer = ada.get(f"/users/{people['bea']['id']}{url}/download")
    assert answer.content_type == "application/x-plist"
    assert plistlib.loads(answer.data) == {"server": "Berlin.example.com", "seats": 7, "on": True}
    page = ada.get(f"{url}/edit").text
    assert page.count('name="field-pairs.key"') == 5 and 'value="com.example.chat"' in page
    assert edit(ada, url, form).status_code == 303 and stored()[0].version == 1
    refused = edit(ada, url, form | {"field-pairs.value": ["${custAtr1}", "x", "", "true"]})
    assert refused.status_code == 422 and "did you mean custAttr1?" in words(refused.text)
    assert 'value="${custAtr1}"' in refused.text


def test_more_rows_are_offered_as_they_are_filled(ada):
    form = {"field-pairs.key": ["a", "b"], "field-pairs.value": ["1", "2"], "field-pairs.type": ["string"] * 2}
    page = ada.post(f"{LIST}/new/preview?type=app", form).text
    assert page.count('name="field-pairs.key"') == 4


def test_a_picture_comes_as_a_file_or_as_text(ada, people, make, stored):
    url = make(CLIP | {"field-icon-file": (io.BytesIO(PNG), "icon.png")}, "webclip")
    assert b64decode(stored()[0].fields["icon"]) == PNG
    assert f"A picture of {len(PNG)} bytes" in ada.says(url)
    text = b64encode(PNG + b"!").decode()
    assert edit(ada, url, CLIP, **{"field-icon": text}).status_code == 303
    assert stored()[0].fields["icon"] == text
    refused = edit(ada, url, CLIP | {"field-icon-file": (io.BytesIO(b"GIF89a"), "icon.gif")}, 2)
    assert refused.status_code == 422 and "is no PNG picture" in words(refused.text)


def test_the_largest_picture_is_edited_and_replaced_as_the_browser_sends_both(ada, people, make, stored):
    largest = PNG + bytes(ICON_BYTES - len(PNG))
    url = make(CLIP | {"field-icon-file": (io.BytesIO(largest), "icon.png")}, "webclip")
    kept = {"field-icon": b64encode(largest).decode()}
    assert edit(ada, url, CLIP | kept | {"name": "Renamed"}).status_code == 303
    new = {"field-icon-file": (io.BytesIO(largest[:-1] + b"!"), "icon.png")}
    assert edit(ada, url, CLIP | kept | new, 2).status_code == 303
    assert b64decode(stored()[0].fields["icon"]).endswith(b"!")
    larger = {"field-icon-file": (io.BytesIO(largest + b"!"), "icon.png")}
    refused = edit(ada, url, CLIP | kept | larger, 3)
    assert refused.status_code == 422 and "at most 180 kB" in words(refused.text)


def work(app):
    """Do what jobs have left."""
    with app.app_context():
        while jobs.work():
            pass


def test_many_people_get_it_by_a_job_and_the_page_tells_how_far_it_is(app, ada, people, make, monkeypatch):
    monkeypatch.setattr(deliveries, "AT_ONCE", 1)
    url = make(WIFI)
    said = ada.says(url)
    assert "Saved. It is on its way to its people." in said and "On its way: 0 of 2 people." in said
    assert 'hx-trigger="every 1s"' in ada.get(url).text
    work(app)
    assert "1 ready, 1 held" in ada.says(url) and "every 1s" not in ada.get(url).text


def test_after_a_delivery_that_failed_it_is_delivered_again(app, ada, alan, people, make, monkeypatch):
    monkeypatch.setattr(deliveries, "AT_ONCE", 1)
    with monkeypatch.context() as broken:
        broken.setattr(deliveries, "deliver", lambda *_: 1 / 0)
        url = make(WIFI)
        work(app)
    assert "The last delivery did not come to its end It stopped after 0 of 2 users." in alan.says(url)
    assert "Deliver again" in ada.says(url) and "Deliver again" not in alan.says(url)
    assert alan.post(f"{url}/deliver").status_code == 403
    assert ada.post(f"{url}/deliver").location == url
    assert "On its way: 0 of 2 people" in ada.says(url)
    work(app)
    assert "1 ready, 1 held" in ada.says(url) and "did not come to its end" not in ada.says(url)


def test_the_dashboard_shows_the_share_of_people_who_are_ready(alan, people, make):
    assert "who is ready" not in alan.says("/")
    make(WIFI)
    make(WIFI, name="Nobody's", distribution="nobody")
    said = alan.says("/")
    assert "Office 50 % 1 1" in said and "Nobody's" not in said


def test_an_attribute_s_page_tells_where_it_is_used_and_who_lacks_it(alan, define, people, make):
    define("custAttr10")
    url = make(WIFI)
    make(CLIP, "webclip")
    said = alan.says("/admin/system/attributes/custAttr1")
    for text in ("Type IDP", "Users with a value 1", "External name custAttr1", "${custAttr1}"):
        assert text in said
    assert "Office Wi-Fi Network name (SSID) 1" in said and "Desk Web clip Address (URL) 0" in said
    assert f'href="{url}?held=custAttr1#people"' in alan.get("/admin/system/attributes/custAttr1").text
    said = alan.says("/admin/system/attributes/userUID")
    assert "Type System Comes from userName" in said and "Desk Web clip Label 0" in said
    assert "No configuration uses it" in alan.says("/admin/system/attributes/custAttr10")
    for name in ("custattr1", "nothing", "userUid"):
        assert alan.get(f"/admin/system/attributes/{name}").status_code == 404


def test_the_list_of_attributes_says_in_how_many_configurations_each_is(alan, people, make):
    make(WIFI)
    make(CLIP, "webclip")
    page = alan.get("/admin/system/attributes").text
    row = words(page.split('<tr id="attribute-custAttr1">')[1].split("</tr>")[0])
    assert row.startswith("custAttr1 IDP string 1 2 ")
    assert "userUID System userName 1 ${userUID}" in words(page)


def test_an_attribute_called_define_has_its_page(alan, define):
    define("define")
    assert "Type IDP" in alan.says("/admin/system/attributes/define")


def test_an_attribute_that_is_used_is_not_removed(app, ada, people, make):
    make(WIFI)
    path = "/admin/identity/user-provisioning/settings/attributes/custAttr1/remove"
    assert "It cannot be removed: a configuration uses it." in ada.says(path)
    answer = ada.post(path, {"confirmation": "custAttr1", "password": PASSWORD})
    assert answer.status_code == 409 and "Office Wi-Fi" in words(answer.text)
    assert "Users with a value 1" in ada.says("/admin/system/attributes/custAttr1")


def test_an_old_form_of_a_person_tells_their_changes_and_not_those_of_their_configurations(
    app, ada, scim, define, make
):
    define("custAttr1")
    form = {"user_name": "local@example.com", "display_name": "Local"}
    url = ada.post("/users/new", form).location
    make(CLIP, "webclip")
    page = ada.get(f"{url}/edit")
    version = value(page, "version")
    first = ada.post(f"{url}/edit", {"user_name": "moved@example.com", "version": version})
    assert first.status_code == 303
    stale = ada.post(f"{url}/edit", {"user_name": "other@example.com", "version": version})
    said = words(stale.text)
    assert stale.status_code == 409 and "Changed since" in said
    assert "moved@example.com" in said.split("Changed since")[1] and "new revision" not in said


def test_markup_in_every_name_is_text(ada, define, make_user, make_group, make):
    define("custAttr1")
    user = make_user("x@example.com", displayName=SCRIPT, **{CUSTOM: {"custAttr1": SCRIPT}})
    lacking = make_user("y@example.com", displayName=f"{SCRIPT}!")
    group = make_group(SCRIPT, user, lacking)
    clip = CLIP | {"field-label": f"{SCRIPT} ${{custAttr1}}", "group": group["id"], "distribution": "groups"}
    url = make(clip, "webclip", name=SCRIPT)
    pages = [
        ada.get(path)
        for path in (
            *(LIST, url, f"{url}/edit", f"{url}/delete", "/", "/admin/system/attributes/custAttr1"),
            *(f"/users/{user['id']}/configurations", f"/users/{user['id']}{url}", f"/users/groups/{group['id']}"),
            f"/users/{lacking['id']}/configurations",
            "/admin/identity/user-provisioning/settings/attributes/custAttr1/remove",
        )
    ]
    pages.append(ada.post(f"{url}/preview", clip | {"person": user["id"], "name": SCRIPT, "field-url": SCRIPT}))
    pages.append(ada.post(f"{url}/preview", clip | {"person": user["id"], "name": SCRIPT}))
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text and "&lt;script&gt;alert" in page.text


def test_a_form_larger_than_it_may_be_is_refused(ada, people, stored):
    answer = ada.post(NEW, WIFI | {"field-servers": "x" * LARGEST_FORM})
    assert answer.status_code == 413 and stored() == []


def test_it_is_in_the_audit_trail_who_did_it(app, people, make):
    make(WIFI)
    with app.app_context():
        line = execute(select(LINES).order_by(LINES.c.id.desc())).first()
    assert (line.actor, line.action, line.resource_type) == ("ada@example.com", "created", "Configuration")
