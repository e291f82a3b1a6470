"""The people and groups that every server of the bench holds. Pure: nothing of any server.

People are numbered 0 … users-1; five share a title and an office. One in 20 is disabled, and one in 19 is not
Okta's. Behind them come SPARES more, whom the scenarios that write may change. `groups(1000)` names the groups and
numbers their members.
"""

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CUSTOM = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"
ATTRIBUTE = "custAttr1"
SPARES = 100
SIZES = (10, 1_000, 100_000)
ADMINISTRATOR = {"email": "ada@example.com", "password": "violet-anchor-plum-7"}


def person(number: int, prefix: str = "user") -> dict:
    """Return a user as Okta sends one, without `id`; the number alone decides what is in it."""
    name, family = f"{prefix}{number}@example.com", f"Family {number}"
    return {
        "schemas": [USER, ENTERPRISE, CUSTOM],
        "userName": name,
        "externalId": f"00u{prefix}{number:012}",
        "name": {"givenName": "Given", "familyName": family, "formatted": f"Given {family}"},
        "displayName": f"Given {family}",
        "title": f"Title {prefix} {number // 5}",
        "locale": "en-US",
        "active": True,
        "emails": [{"value": name, "type": "work", "primary": True}],
        ENTERPRISE: {"department": f"Department {number % 50}", "employeeNumber": f"{number}"},
        CUSTOM: {ATTRIBUTE: f"Office {prefix} {number // 5}"},
    }


def people(users: int):
    """Yield the documents of all users, the spare ones last."""
    yield from (person(number) | {"active": number % 20 != 7} for number in range(users))
    yield from (person(number, "spare") for number in range(SPARES))


def is_local(number: int) -> bool:
    """Return whether an administrator added this user, where a server tells who did."""
    return number % 19 == 13


def groups(users: int):
    """Yield (displayName, numbers of its members): the sizes that fit, then a team of 10 per 100 users."""
    for size in SIZES:
        if size <= users:
            yield f"Group of {size}", range(size)
    for team in range(users // 100):
        yield f"Team {team}", range(team * 100, team * 100 + 10)
