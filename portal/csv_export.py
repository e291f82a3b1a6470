"""CSV files that spreadsheets open without harm: streamed in batches, quoted throughout, formulas made text.

    batches = ([(user.name, user.user_name) for user in users] for users in user_batches(query))
    return csv_response("users-2026-11-24.csv", ("Name", "User name"), batches)

They begin with a byte order mark: without one, Excel shows "Ã‰va" instead of "Éva".
"""

import csv
import io
from collections.abc import Iterable

from flask import Response, stream_with_context

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
BOM = "\ufeff"


def harmless(cell) -> str:
    """Return a cell as text that no spreadsheet takes for a formula; None is an empty cell."""
    text = "" if cell is None else str(cell)
    is_formula = text.startswith(FORMULAS) or text.lstrip().startswith(FORMULAS)
    return f"'{text}" if is_formula else text


def csv_response(filename: str, header: Iterable[str], batches: Iterable[Iterable]) -> Response:
    """Answer with a CSV file to save. `batches` yields lists of rows; one is sent before the next is made.

    The request's context lasts until the last one, and so does a connection that a batch leaves open: close it.
    """

    def lines():
        yield BOM + _written([header])
        for rows in batches:
            if text := _written(rows):  # an empty piece may end the answer
                yield text

    answer = Response(stream_with_context(lines()), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=filename)
    return answer


def _written(rows) -> str:
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([harmless(cell) for cell in row] for row in rows)
    return file.getvalue()
