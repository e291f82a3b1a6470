"""The page of a job: how far it is, and what became of it."""

from core import jobs, lists
from core.lists import UserQuery
from database import transaction
from tests.conftest import ACTOR


def start(app, kind, extra=()):
    with app.app_context(), transaction():
        return jobs.start(kind, [*lists.matching_pks(UserQuery()), *extra], ACTOR)


def test_a_job_under_way_shows_how_far_it_is_and_looks_again(app, alan, barbara, make_user):
    make_user("other@example.com")
    job_id = start(app, "disable")
    page = alan.get(f"/admin/jobs/{job_id}")
    assert page.status_code == 200
    assert "Disable 2 people" in page.text and "0 of 2 people" in page.text
    assert '<progress value="0" max="2"' in page.text and 'hx-trigger="every 1s"' in page.text


def test_a_finished_job_says_what_was_done_and_what_was_not(app, alan, barbara, make_user):
    make_user("leaver@example.com", active=False)
    job_id = start(app, "disable")
    with app.app_context():
        jobs.work(job_id)
    page = alan.get(f"/admin/jobs/{job_id}").text
    text = alan.says(f"/admin/jobs/{job_id}")
    assert "Disabled 1 person." in text
    assert "1 was passed over: disabled already, or deleted meanwhile." in text
    assert "every 1s" not in page


def test_a_job_that_failed_says_why(app, alan, barbara, monkeypatch):
    job_id = start(app, "disable")

    def fail(pks, actor):
        raise RuntimeError

    monkeypatch.setitem(jobs.KINDS, "disable", fail)
    with app.app_context():
        jobs.work(job_id)
    text = alan.says(f"/admin/jobs/{job_id}")
    assert "It stopped after 0 of 1 users." in text and "0 of 1 person" in text


def test_the_removal_of_an_attribute_has_a_page(app, alan, define):
    define("custAttr1")
    with app.app_context(), transaction():
        job_id = jobs.start(jobs.REMOVE_ATTRIBUTE, [], ACTOR, "custAttr1")
    assert "Remove custAttr1" in alan.says(f"/admin/jobs/{job_id}")
    with app.app_context():
        jobs.work(job_id)
    assert "Removed custAttr1 and its values of 0 people." in alan.says(f"/admin/jobs/{job_id}")


def test_there_is_no_other_job(alan):
    assert alan.get("/admin/jobs/1").status_code == 404
    assert alan.get(f"/admin/jobs/{'9' * 30}").status_code == 404
