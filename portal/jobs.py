"""What is done to many users at once: few in the request itself, many as a job whose page tells how far it is."""

from flask import abort, render_template

from core import jobs
from portal import access, bp
from portal.access import needs

AT_ONCE = 200  # users that one request changes: what Okta may have to wait for


def carry_out(kind: str, pks: list) -> tuple:
    """Do it, or start to. Return (how many changed, None), or (None, the job's id). Needs a transaction."""
    if len(pks) > AT_ONCE:
        return None, jobs.start(kind, pks, access.actor())
    return jobs.run(kind, pks, access.actor()), None


@bp.get("/admin/jobs/<int:job_id>")
@needs("readonly")
def job(job_id):
    found = jobs.find(job_id)
    if found is None:
        abort(404, f"There is no job {job_id}.")
    return render_template("jobs/page.html", job=found)
