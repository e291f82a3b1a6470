"""The portal, for people: pages and forms. A module for each noun of the menu, and the same noun in templates/."""

from flask import Blueprint

bp = Blueprint("portal", __name__)
