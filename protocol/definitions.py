"""The schema documents that Rollcall serves (RFC 7643 §§3.1, 4 and 8.7), as data.

A document here is what /Schemas shows. `protocol.schema` compiles it into the tables that the rest works with.
"""

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CUSTOM = "urn:ietf:params:scim:schemas:extension:ivanti:2.0:User"

BASE_PATH = "/scim/v2"  # below which resources are; the version is RFC 7644's (§3.13)
# of a query (RFC 7644 §3.4.2, RFC 9865), and of a .search body
QUERY_PARAMETERS = "filter startIndex count cursor sortBy sortOrder attributes excludedAttributes".split()

# what an index row calls an extension, so that a million rows do not repeat its URN
SHORT_NAMES = {ENTERPRISE: "enterprise", CUSTOM: "ivanti"}


def attribute(name, description, type="string", **characteristics):
    """Return one attribute definition (RFC 7643 §7) with the defaults of §2.2 filled in."""
    definition = {
        "name": name,
        "type": type,
        "multiValued": False,
        "description": description,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }
    return definition | characteristics


def complex_attribute(name, description, sub_attributes, **characteristics):
    definition = attribute(name, description, "complex", **characteristics)
    return definition | {"subAttributes": sub_attributes}


def values(name, description, types=(), value_type="string", **of_value):
    """Return a multi-valued attribute with the default sub-attributes of RFC 7643 §2.4."""
    kind = attribute("type", f"What the value is for, such as {', '.join(types)}." if types else "A label.")
    if types:
        kind["canonicalValues"] = list(types)
    sub_attributes = [
        attribute("value", f"The value itself: {description.lower()}", value_type, **of_value),
        attribute("display", "A name for the value, for people."),
        kind,
        attribute("primary", "Whether this is the preferred value; at most one is.", "boolean"),
    ]
    return complex_attribute(name, description, sub_attributes, multiValued=True)


READ_ONLY = {"mutability": "readOnly"}
IMMUTABLE = {"mutability": "immutable"}

COMMON = [
    attribute(
        "schemas",
        "The URNs of the schemas that the resource uses.",
        "reference",
        multiValued=True,
        caseExact=True,
        referenceTypes=["uri"],
        returned="always",
    ),
    attribute(
        "id",
        "The identifier that Rollcall gave the resource; it never changes.",
        caseExact=True,
        mutability="readOnly",
        returned="always",
        uniqueness="global",
    ),
    attribute("externalId", "The identity provider's identifier of the resource.", caseExact=True),
    complex_attribute(
        "meta",
        "What Rollcall knows about the resource itself.",
        [
            attribute("resourceType", "The name of the resource type.", caseExact=True, **READ_ONLY),
            attribute("created", "When the resource was created.", "dateTime", **READ_ONLY),
            attribute("lastModified", "When the resource was last changed.", "dateTime", **READ_ONLY),
            attribute("location", "Where the resource is.", "reference", caseExact=True, **READ_ONLY),
            attribute("version", "The ETag of the resource.", caseExact=True, **READ_ONLY),
        ],
        **READ_ONLY,
    ),
]

ADDRESS_PARTS = [
    attribute("formatted", "The whole address, as it is printed."),
    attribute("streetAddress", "Street, house number, apartment."),
    attribute("locality", "City or town."),
    attribute("region", "State or region."),
    attribute("postalCode", "Postal code."),
    attribute("country", "Country, by ISO 3166-1 alpha-2 code."),
    attribute("type", "What the address is for.", canonicalValues=["work", "home", "other"]),
    attribute("primary", "Whether this is the preferred address; at most one is.", "boolean"),
]

USER_SCHEMA = {
    "id": USER,
    "name": "User",
    "description": "A person's account.",
    "attributes": [
        attribute(
            "userName",
            "The name that the person signs in with; compared without regard to case.",
            required=True,
            uniqueness="server",
        ),
        complex_attribute(
            "name",
            "The parts of the person's name.",
            [
                attribute("formatted", "The full name, as it is shown."),
                attribute("familyName", "Family name."),
                attribute("givenName", "Given name."),
                attribute("middleName", "Middle names."),
                attribute("honorificPrefix", "Title, such as Dr."),
                attribute("honorificSuffix", "Suffix, such as III."),
            ],
        ),
        attribute("displayName", "The name that is shown to others."),
        attribute("nickName", "What the person is called casually."),
        attribute(
            "profileUrl",
            "A page about the person.",
            "reference",
            caseExact=True,
            referenceTypes=["external"],
        ),
        attribute("title", "The person's job title."),
        attribute("userType", "How the person relates to the organisation, such as Employee."),
        attribute("preferredLanguage", "Preferred languages, as in Accept-Language."),
        attribute("locale", "Locale for dates, numbers and currency, such as en-US."),
        attribute("timezone", "Time zone, such as Europe/Berlin."),
        attribute("active", "Whether the person is enabled.", "boolean"),
        attribute(
            "password",
            "Accepted and discarded: people choose their own password here.",
            mutability="writeOnly",
            returned="never",
            caseExact=True,
        ),
        values("emails", "E-mail addresses.", ("work", "home", "other")),
        values("phoneNumbers", "Phone numbers.", ("work", "home", "mobile", "fax", "pager", "other")),
        values("ims", "Instant messaging addresses.", ("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq")),
        values(
            "photos",
            "Pictures of the person, by URL.",
            ("photo", "thumbnail"),
            "reference",
            caseExact=True,
            referenceTypes=["external"],
        ),
        complex_attribute("addresses", "Postal addresses.", ADDRESS_PARTS, multiValued=True),
        complex_attribute(
            "groups",
            "The groups that the person is in; changed through the groups.",
            [
                attribute("value", "The id of the group.", caseExact=True, **READ_ONLY),
                attribute(
                    "$ref",
                    "Where the group is.",
                    "reference",
                    caseExact=True,
                    referenceTypes=["Group"],
                    **READ_ONLY,
                ),
                attribute("display", "The group's displayName.", **READ_ONLY),
                attribute("type", "Always direct.", canonicalValues=["direct"], **READ_ONLY),
            ],
            multiValued=True,
            **READ_ONLY,
        ),
        values("entitlements", "Entitlements."),
        values("roles", "Roles."),
        values("x509Certificates", "Certificates, DER in base64.", (), "binary", caseExact=True),
    ],
}

ENTERPRISE_SCHEMA = {
    "id": ENTERPRISE,
    "name": "EnterpriseUser",
    "description": "What an organisation adds to a person's account.",
    "attributes": [
        attribute("employeeNumber", "The number of the person within the organisation."),
        attribute("costCenter", "Cost center."),
        attribute("organization", "Organization."),
        attribute("division", "Division."),
        attribute("department", "Department."),
        complex_attribute(
            "manager",
            "The person's manager.",
            [
                attribute("value", "The manager's id.", caseExact=True),
                attribute("$ref", "Where the manager is.", "reference", caseExact=True, referenceTypes=["User"]),
                # writable, unlike RFC 7643 §4.3: Okta sends it and nothing here could derive it
                attribute("displayName", "The manager's name."),
            ],
        ),
    ],
}

GROUP_SCHEMA = {
    "id": GROUP,
    "name": "Group",
    "description": "A set of users. Nested groups are not supported: a member is always a user.",
    "attributes": [
        attribute(
            "displayName",
            "The group's name; unique without regard to case.",
            required=True,
            uniqueness="server",
        ),
        complex_attribute(
            "members",
            "The users in the group.",
            [
                attribute("value", "The id of a user.", required=True, caseExact=True, **IMMUTABLE),
                attribute(
                    "$ref",
                    "Where the user is.",
                    "reference",
                    caseExact=True,
                    referenceTypes=["User"],
                    **IMMUTABLE,
                ),
                attribute("type", "Always User.", canonicalValues=["User"], **IMMUTABLE),
            ],
            multiValued=True,
        ),
    ],
}


def custom_schema(custom):
    """Return the document of the administrator's own attributes; `custom` is (name, type, multi_valued) rows."""
    return {
        "id": CUSTOM,
        "name": "CustomUser",
        "description": "Attributes that this installation's administrators defined.",
        "attributes": [
            attribute(name, "Defined here.", type, multiValued=multi_valued) for name, type, multi_valued in custom
        ],
    }
