"""The refusals of RFC 7644 §3.12 as one exception. Knows no HTTP library and renders nothing but a dict.

raise ScimError(409, "uniqueness", "The userName 'ada@example.com' is taken by another user.")
"""

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """A request that is refused. `detail` is a sentence that an Okta administrator can act on."""

    def __init__(self, status: int, scim_type: str | None, detail: str, path: str | None = None):
        super().__init__(detail)
        self.status, self.scim_type, self.detail, self.path = status, scim_type, detail, path

    def body(self) -> dict:
        """Return the error message; `status` is a string (RFC 7644 §3.12)."""
        body = {"schemas": [ERROR_SCHEMA], "status": str(self.status), "detail": self.detail}
        if self.scim_type:
            body["scimType"] = self.scim_type
        return body


def invalid_filter(detail):
    return ScimError(400, "invalidFilter", detail)


def invalid_path(detail):
    return ScimError(400, "invalidPath", detail)


def invalid_syntax(detail):
    return ScimError(400, "invalidSyntax", detail)


def invalid_value(detail, path=None):
    return ScimError(400, "invalidValue", detail, path)


def mutability(detail):
    return ScimError(400, "mutability", detail)


def no_target(detail):
    return ScimError(400, "noTarget", detail)


def not_found(kind, identifier):
    return ScimError(404, None, f"{kind} {identifier!r} is not here: it was deleted, or never existed.")


def uniqueness(detail):
    return ScimError(409, "uniqueness", detail)
