"""Contacts: unique living names, external numbers, and what naming one on a document does."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from syncd_xero.sandbox.books import Books, Happening
from syncd_xero.sandbox.model import Contact
from syncd_xero.sandbox.refusals import ARCHIVED_CONTACT, NO_SUCH_CONTACT, Invalid

FIELDS: Final = {
    "Name": "name",
    "ContactNumber": "number",
    "AccountNumber": "account_number",
    "EmailAddress": "email",
    "FirstName": "first_name",
    "LastName": "last_name",
    "DefaultCurrency": "currency",
}
LONGEST: Final = {"Name": 255, "ContactNumber": 50, "AccountNumber": 50}
MOST_PERSONS: Final = 5


def same_name(text: str) -> str:
    """What names are compared by: without case and accents."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(one for one in plain if not unicodedata.combining(one)).casefold()


def contact_of(books: Books, told: object) -> Contact:
    """The contact that a document names.

    Further fields beside the id change the contact, and persons who are not listed are gone; a name
    that nobody has makes a contact in silence. That is what the vendor does.

    Raises:
        Invalid: there is none, or it is archived.
    """
    if not isinstance(told, Mapping) or not told:
        raise Invalid("A Contact must be specified for this type of transaction")
    key = told.get("ContactID")
    if key:
        found = books.contacts.get(str(key).lower())
        if found is None:
            raise Invalid(NO_SUCH_CONTACT)
        if found.archived:
            raise Invalid(ARCHIVED_CONTACT)
        if set(told) - {"ContactID"}:
            written(books, found, told)
        return found
    found = by_number(books, told.get("ContactNumber")) or by_name(books, told.get("Name"))
    if found is not None and found.archived:
        raise Invalid(ARCHIVED_CONTACT)
    return found if found is not None else created(books, told)


def by_name(books: Books, name: object) -> Contact | None:
    """The living contact of a name."""
    if not name:
        return None
    wanted = same_name(str(name))
    living = (one for one in books.contacts.values() if not one.archived)
    return next((one for one in living if same_name(one.name) == wanted), None)


def by_number(books: Books, number: object) -> Contact | None:
    """The contact that carries an external number."""
    if not number:
        return None
    return next((one for one in books.contacts.values() if one.number == str(number)), None)


def created(books: Books, told: Mapping[str, Any]) -> Contact:
    """A new contact.

    Raises:
        Invalid: the name or the number is taken or not allowed.
    """
    contact = Contact(key=books.new_key("contact"), name="", updated=books.stamp())
    _take(books, contact, told)
    if not contact.name:
        raise Invalid("The contact name is required.")
    books.contacts[contact.key] = contact
    books.happenings.append(Happening("CONTACT", "CREATE", contact.key, books.world.now()))
    return contact


def written(books: Books, contact: Contact, told: Mapping[str, Any]) -> Contact:
    """A contact with what is told changed, persons who are not listed gone.

    Raises:
        Invalid: the name or the number is taken or not allowed.
    """
    _take(books, contact, told)
    if told.get("ContactStatus") in {"ACTIVE", "ARCHIVED"}:
        contact.archived = told["ContactStatus"] == "ARCHIVED"
    contact.persons = list(told.get("ContactPersons") or [])
    contact.updated = books.stamp()
    books.happenings.append(Happening("CONTACT", "UPDATE", contact.key, books.world.now()))
    return contact


def _take(books: Books, contact: Contact, told: Mapping[str, Any]) -> None:
    reasons = []
    for name, most in LONGEST.items():
        if len(str(told.get(name) or "")) > most:
            reasons.append(f"{name} must be {most} characters or less")
    wanted = told.get("Name")
    if wanted is not None:
        text = str(wanted)
        if "<" in text or ">" in text or text != " ".join(text.split()):
            reasons.append("The contact name contains invalid characters.")
        other = by_name(books, text)
        if other is not None and other is not contact:
            reasons.append(
                f"The contact name {text} is already assigned to another contact. The contact name"
                " must be unique across all active contacts."
            )
    number = by_number(books, told.get("ContactNumber"))
    if number is not None and number is not contact:
        reasons.append(
            f"The contact number {number.number} is already assigned to another contact."
        )
    if len(told.get("ContactPersons") or ()) > MOST_PERSONS:
        reasons.append("A contact can have at most five contact persons")
    if reasons:
        raise Invalid(*reasons)
    for name, attribute in FIELDS.items():
        if told.get(name) is not None:
            setattr(contact, attribute, str(told[name]))
