"""The profile that a device reads, as a file: from a person's page, and from My device."""

from urllib.parse import quote

from flask import Response, abort

from core import configurations


def profile(configuration_id: int, user_pk: int) -> Response:
    """Answer with what a person gets of a configuration, or 404: to who is held or disabled, too."""
    found = configurations.profile_for(configuration_id, user_pk) if configuration_id < 2**63 else None
    if found is None:
        abort(404, "There is no such configuration ready for this person. Nothing was downloaded.")
    plain, real = found.names
    answer = Response(found.content, content_type=found.media_type)
    extended = {"filename*": f"UTF-8''{quote(real, safe='')}"} if real != plain else {}
    answer.headers.set("Content-Disposition", "attachment", filename=plain, **extended)
    return answer
