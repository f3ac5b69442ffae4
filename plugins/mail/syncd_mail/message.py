"""From a notice to a mail: plain text in UTF-8, and headers that nobody's name can break."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from syncd.sdk.notices import Notice
from syncd_mail.config import MailConfig

LONGEST_SUBJECT = 150


def mail_of(notice: Notice, config: MailConfig, notifier: str) -> EmailMessage:
    """The whole mail; its Message-ID is the same however often it is made."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = _one_line(notice.title)[:LONGEST_SUBJECT]
    mail["From"] = config.sender
    mail["To"] = ", ".join(config.to)
    mail["Date"] = format_datetime(notice.made_at)
    mark = hashlib.sha256(f"{notifier}/{notice.id}/{notice.made_at}".encode()).hexdigest()[:32]
    mail["Message-ID"] = f"<{mark}@{config.sender.rpartition('@')[2]}>"
    # Asks out-of-office robots not to answer (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_printable(notice.text) + "\n", charset="utf-8", cte="base64")
    return mail


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
