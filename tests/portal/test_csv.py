"""CSV files: no cell is a formula, none is lost, and they are sent in pieces."""

import csv
import io

import pytest

from portal.csv_export import csv_response, harmless


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "  =1", "\u00a0=1", "\n=1", " \t@x", '=HYPERLINK("x")'],
)
def test_what_a_spreadsheet_takes_for_a_formula_becomes_text(cell):
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ada", "a=b", "1-2", "'=1", "<script>", " x", 'say "hi"', "a,b", "a\nb"])
def test_everything_else_stays(cell):
    assert harmless(cell) == cell


@pytest.mark.parametrize(("value", "cell"), [(None, ""), (0, "0"), (-1, "'-1"), (True, "True")])
def test_values_become_text(value, cell):
    assert harmless(value) == cell


def answered(app, batches):
    with app.test_request_context():
        return csv_response("people.csv", ("Name", "=Title"), batches)


def test_everything_is_quoted_and_read_back(app):
    rows = [("Ada, Countess", 'say "hi"'), ("line\nbreak", "Éva"), ("", "=1")]
    text = answered(app, [rows[:2], [], rows[2:]]).get_data().decode()
    assert text.startswith('\ufeff"Name","\'=Title"\r\n')
    assert list(csv.reader(io.StringIO(text[1:])))[1:] == [*map(list, rows[:2]), ["", "'=1"]]


def test_it_is_a_file_to_save(app):
    answer = answered(app, [])
    assert answer.mimetype == "text/csv" and answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment; filename=people.csv"


def test_a_batch_is_sent_before_the_next_is_made(app):
    made = []

    def batches():
        for number in range(3):
            made.append(number)
            yield [(number,)]

    with app.test_request_context():
        pieces = iter(csv_response("people.csv", ("Number",), batches()).response)
        next(pieces)
        assert made == []
        assert b'"0"' in next(pieces).encode() and made == [0]


def test_no_piece_is_empty(app):
    with app.test_request_context():
        assert all(csv_response("people.csv", ("Number",), [[], [(1,)], []]).response)
