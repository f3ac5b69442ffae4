"""The closed catalogue of log events: every name, its level, the keys it carries, and its meaning.

A name is `noun.verb_in_past`; `docs/events.md` is written from this file. A key ending in `?` may
be absent. Context (`run_id`, `connection`, `kind`, …) is bound around the code and not listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of log line.

    Attributes:
        level: debug per request, info for a change of state, warning for what heals itself or
            deserves a look, error where a person must act.
        keys: fields it carries; a trailing `?` marks one that may be absent.
        sentence: what it means.
    """

    level: Level
    keys: tuple[str, ...]
    sentence: str

    @property
    def required(self) -> frozenset[str]:
        return frozenset(key for key in self.keys if not key.endswith("?"))


EVENTS: dict[str, Event] = {
    # The daemon
    "daemon.started": Event(
        "info", ("version", "n_connections", "n_schedules"), "The daemon takes up its schedules."
    ),
    "daemon.draining": Event(
        "info",
        ("signal", "n_running", "grace_s"),
        "A signal came: no new work, running work may end.",
    ),
    "daemon.stopped": Event("info", ("reason", "n_interrupted"), "The daemon has ended."),
    "daemon.work_failed": Event(
        "error",
        ("subject", "error", "trace?"),
        "Work of the daemon failed; other work goes on.",
    ),
    "schedule.missed": Event(
        "warning",
        ("subject", "kind", "scheduled_for"),
        "A run was due while no daemon ran; it is made up for once.",
    ),
    # Webhooks
    "web.listening": Event(
        "info", ("port", "n_connections"), "The daemon takes webhooks of so many connections."
    ),
    "webhook.processed": Event(
        "info",
        ("connection", "n_done", "n_waiting", "n_given_up"),
        "What vendors announced was looked into; what waits comes again later.",
    ),
    "webhook.received": Event(
        "info",
        ("connection", "n_events", "n_new"),
        "A vendor announced changes; they are stored and looked into.",
    ),
    "webhook.refused": Event(
        "warning",
        ("connection", "refusal", "status", "n_before"),
        "A request was not taken, or told nothing new; `n_before` like it were not logged since"
        " the last line.",
    ),
    # Plugins
    "plugin.loaded": Event(
        "debug", ("plugin", "version", "n_connectors"), "A plugin offers its connectors."
    ),
    "plugin.load_failed": Event(
        "error", ("plugin", "error"), "A plugin is broken; its connections are unavailable."
    ),
    "plugin.notify_failed": Event(
        "error", ("plugin", "error"), "A plugin failed while it was told of a finished run."
    ),
    # Connections
    "connection.unavailable": Event(
        "error", ("error", "code", "connection?"), "A connection stopped working; said once."
    ),
    "connection.recovered": Event(
        "info", ("since", "connection?"), "A connection works again; said once."
    ),
    "request.sent": Event(
        "debug",
        ("method", "path", "status", "ms", "request_id?"),
        "One HTTP request was answered.",
    ),
    "request.retried": Event(
        "warning",
        ("method", "path", "reason", "wait_ms", "attempt"),
        "A request failed and is sent again.",
    ),
    "limit.waited": Event("debug", ("wait_ms",), "A call waited for the vendor's quota."),
    "token.refreshed": Event("debug", ("expires_in_s",), "A new access token was obtained."),
    "token.recovered": Event(
        "warning",
        ("name",),
        "The vendor refused the newest stored token and took the one before.",
    ),
    "sign_in.kept": Event(
        "info", ("connection", "by"), "A person signed in, and the token is kept."
    ),
    "token.rejected": Event("error", ("code",), "The vendor refused our credentials."),
    # Runs
    "run.started": Event("info", ("kind", "scheduled_for"), "A run began."),
    "run.duplicate": Event(
        "info",
        ("subject", "kind", "scheduled_for"),
        "This due run was already taken; not repeated.",
    ),
    "run.finished": Event(
        "info",
        ("kind", "status", "ms", "error_code?", "error?"),
        "A run ended; every count of the run is in this line.",
    ),
    "run.abandoned": Event(
        "warning",
        ("run", "subject", "kind", "node"),
        "A run of a process that died was marked as interrupted.",
    ),
    # Pulls
    "pull.voided": Event(
        "warning",
        ("connection", "pull", "by"),
        "A person called a pull wrong; it proves nothing from then on.",
    ),
    "pull.recorded": Event(
        "info",
        ("seq", "state", "seen", "opened", "closed", "accounts"),
        "A pull is in the census.",
    ),
    "pull.incomplete": Event(
        "warning",
        ("state", "n_gaps", "reasons"),
        "A pull is not proven whole; what is not proven changed nothing.",
    ),
    "purchases.recorded": Event(
        "info",
        ("period", "billed", "lines", "documents"),
        "What a vendor charges for a month was read whole and is added up.",
    ),
    "purchases.incomplete": Event(
        "warning",
        ("period", "billed", "reasons"),
        "What a vendor charges was not proven whole; the former read stands.",
    ),
    # Documents in books
    "invoices.planned": Event(
        "info",
        ("plan", "ledger", "n_ready", "n_held", "n_refused"),
        "A plan of invoices was stored; nothing is written before it is applied.",
    ),
    "invoices.released": Event(
        "info", ("plan", "row", "by"), "A person released a held document with a reason."
    ),
    "document.confirmed": Event(
        "info",
        ("ledger", "number", "client", "total", "currency"),
        "A document stands in the books as it was sent.",
    ),
    "document.differs": Event(
        "error",
        ("ledger", "number", "client", "detail"),
        "A document stands in the books, which show it otherwise than it was sent.",
    ),
    "document.refused": Event(
        "error", ("ledger", "number", "client", "code"), "A document was not taken; others go on."
    ),
    "document.unknown": Event(
        "warning",
        ("ledger", "number", "client"),
        "The answer to a document was not seen; it is looked up before anything is sent again.",
    ),
    "document.parked": Event(
        "error", ("ledger", "number", "client", "reason"), "A document waits for a person."
    ),
    "bookkeeping.done": Event(
        "info",
        ("connection", "kind", "key"),
        "A void, allocation, creation, mark or payment stands.",
    ),
    "bookkeeping.refused": Event(
        "error", ("connection", "kind", "key", "code"), "Such a write was refused."
    ),
    "bookkeeping.parked": Event(
        "error", ("connection", "kind", "key", "reason"), "Such a write waits for a person."
    ),
    # Plans and delivery
    "plan.made": Event(
        "info",
        ("plan", "period", "n_bills", "n_changes", "n_held", "n_errors"),
        "A plan was stored; nothing is written before it is applied.",
    ),
    "plan.held": Event(
        "warning",
        ("plan", "bill", "client", "rules"),
        "A bill of a plan waits for a person.",
    ),
    "plan.released": Event(
        "info", ("plan", "bill", "by"), "A person released a held bill with a reason."
    ),
    "month.closed": Event(
        "info",
        ("period", "by", "money"),
        "A person sealed a month; its bills are not planned, sent or reopened any more.",
    ),
    "bill.late_change": Event(
        "warning",
        ("client", "account", "period", "money", "currency"),
        "Facts that arrived after a final bill count otherwise; the bill stays as it is.",
    ),
    "correction.accepted": Event(
        "info",
        ("client", "account", "period", "money", "currency", "by"),
        "A person accepted a late difference; the next bill of the account carries it.",
    ),
    "correction.dismissed": Event(
        "info",
        ("client", "account", "period", "money", "currency", "by"),
        "A person put a late difference aside; the same facts are not raised again.",
    ),
    "correction.settled": Event(
        "info",
        ("client", "account", "period", "by"),
        "A person adjusted the PSA by hand for a correction that no recurring line bills.",
    ),
    "bill.reopened": Event(
        "warning",
        ("client", "account", "period", "revision", "by"),
        "A person made a final bill changeable again, with a reason.",
    ),
    "client.went_live": Event(
        "warning",
        ("client", "period", "by"),
        "Bills of a client are written from a month on; a person said so.",
    ),
    "book.went_live": Event(
        "warning",
        ("book", "day", "by"),
        "Invoices dated from a day on are written to a book; a person said so.",
    ),
    "book.put_back": Event(
        "warning", ("book", "by", "reason"), "Nothing more is written to a book; a person said so."
    ),
    "book.attested": Event(
        "warning",
        ("book", "by", "reason"),
        "A person vouches that nobody else carries invoices into a book.",
    ),
    "book.attestation_withdrawn": Event(
        "warning", ("book", "by", "reason"), "A person took that word back."
    ),
    "client.put_back": Event(
        "warning",
        ("client", "by", "reason"),
        "A client is in shadow again: its bills are compared and not written.",
    ),
    "change.delivered": Event(
        "info",
        ("client", "period", "money", "currency", "key"),
        "A change stands in the PSA and was read back.",
    ),
    "change.rejected": Event(
        "error", ("client", "period", "key", "code"), "The PSA refused a change; others go on."
    ),
    "change.unknown": Event(
        "warning",
        ("client", "period", "key"),
        "A change was sent and its answer not seen; it is looked up, never repeated blind.",
    ),
    "change.resolved": Event(
        "info", ("key", "outcome"), "The outcome of an unknown change was established."
    ),
    "change.parked": Event(
        "error",
        ("key", "reason"),
        "The outcome of a change cannot be established: a person decides.",
    ),
    "link.delivered": Event(
        "info",
        ("client", "invoice", "line", "subscription"),
        "A recurring line counts a record of ours and was read back.",
    ),
    "link.rejected": Event(
        "error",
        ("client", "invoice", "line", "subscription", "code"),
        "A recurring line was not linked as planned; others go on.",
    ),
    "link.unknown": Event(
        "warning",
        ("client", "invoice", "line", "subscription"),
        "A link was sent and its answer not seen; the invoice is read again.",
    ),
    "asset.delivered": Event(
        "info", ("client", "key", "action"), "An asset of the PSA stands as planned."
    ),
    "asset.rejected": Event(
        "error", ("client", "key", "action", "code"), "An asset was not written; others go on."
    ),
    "asset.unknown": Event(
        "warning", ("client", "key", "action"), "An asset was sent and its answer not seen."
    ),
    # Notifiers
    "notice.sent": Event("info", ("notifier", "notice", "attempt"), "A message went out."),
    "notice.delayed": Event(
        "warning",
        ("notifier", "notice", "reason", "attempt"),
        "A message surely did not arrive; it is tried again.",
    ),
    "notice.lost": Event(
        "error",
        ("notifier", "notice", "state", "reason"),
        "A message was given up or may not have arrived; the next one repeats what it said.",
    ),
    "notice.postponed": Event(
        "warning", ("notifier", "error"), "A notifier could not be served; it is tried again."
    ),
    # Issues
    "issue.opened": Event("warning", ("code", "subject"), "Something needs a person."),
    "issue.closed": Event("info", ("code", "subject"), "An issue is settled."),
}
"""Every event that may be logged."""
