"""Requests of people as whoever runs Rollcall sees them: who asked, by a number, and how much was sent."""

import logging

import pytest


@pytest.fixture
def log(caplog):
    """Return a function that returns what the lines of requests say since it was last called."""
    caplog.set_level(logging.INFO, "rollcall.requests")

    def log():
        found = [record.fields for record in caplog.records if record.name == "rollcall.requests"]
        caplog.clear()
        return found

    return log


def test_a_page_tells_which_administrator_asked_and_not_the_name(ada, log, caplog):
    log()
    ada.get("/users")
    assert "ada@" not in caplog.text
    [line] = log()
    assert (line["administrator_id"], line["path"], line["status"]) == (1, "/users", 200)
    assert "token_id" not in line


def test_a_page_for_everybody_tells_nobody(stranger, log):
    stranger.get("/sign-in")
    assert "administrator_id" not in log()[0]


def test_a_person_is_no_administrator(barbara, register, log):
    browser = register(barbara)
    log()
    browser.get("/device")
    [line] = log()
    assert line["status"] == 200 and "administrator_id" not in line


def test_a_file_that_is_sent_in_pieces_is_counted_at_its_end(ada, make_user, log):
    for number in range(30):
        make_user(f"user{number}@example.com")
    log()
    answer = ada.client.get("/users/export.csv", buffered=False)
    assert answer.status_code == 200 and answer.content_length is None and log() == []
    content = answer.data
    answer.close()
    [line] = log()
    assert line["bytes"] == len(content) > 1000
