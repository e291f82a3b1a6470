"""What the database keeps of a secret that was drawn at random: enough to know it again, and nothing to use. Pure.

A password is no such secret: core/passwords.py.
"""

import hashlib


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret as hexadecimal; what nobody could have been given has one, too."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
