"""Every stable code that is not an error class: where it arises and what it means.

Codes stand in verdicts of pulls, issues, objections, warnings of bills and receipts of writes;
`docs/errors.md` is written from this file. Their remedies depend on the case and stand beside it.
"""

from __future__ import annotations

from syncd.code import Code
from syncd.codes_of_books import BOOKS

CODES: dict[str, Code] = {
    # A pull: what was not proven changes nothing
    "PULL_INCOMPLETE": Code("pull", "A scope of a pull was not proven whole."),
    "ACCOUNT_DISAPPEARED": Code("pull", "An account known before is not in the list; once only."),
    "ACCOUNT_REMOVED": Code("pull", "Two complete pulls lacked the account; its units are closed."),
    "DUPLICATE_UNIT": Code("pull", "Two different facts were read for one unit."),
    "UNDECLARED_ACCOUNT": Code("pull", "Units came for an account that the list lacks."),
    "ACCOUNT_VANISHED": Code("pull", "An account was deleted while its units were read."),
    "UNDECLARED_PRODUCT": Code(
        "pull", "Units came for a product that the connector does not name."
    ),
    "FEWER_THAN_DECLARED": Code("pull", "Fewer units were read than the vendor said there are."),
    "NOT_COMPLETE": Code("pull", "The source gave no reason for an incomplete read."),
    "NO_SCOPE": Code("pull", "The source gave no verdict for this account."),
    "NO_VERDICT": Code("pull", "The source declared a scope and gave no verdict on it."),
    "PAGE_REPEATED": Code("pull", "A page came again, or rows on it came before."),
    "PAGE_CUT_SHORT": Code("pull", "A page ended before its rows did."),
    "ORDER_BROKEN": Code("pull", "Ids did not ascend, so that pages cannot be trusted."),
    "ID_UNUSABLE": Code("pull", "A row has no id to continue after."),
    "CURSOR_MISSING": Code("pull", "A page names no cursor and does not say that it is the last."),
    "LINK_LOOPS": Code("pull", "A next link leads to a page that was read."),
    "TOTAL_CHANGED": Code("pull", "The vendor's total changed while pages were read."),
    "TOTAL_MISSED": Code("pull", "The rows read and the vendor's total differ."),
    "TOTAL_MISSING": Code("pull", "A page names no total, so that the read cannot be proven."),
    "UNKNOWN_CLASS": Code("pull", "A device has a class that this version does not know."),
    "UNKNOWN_STATE": Code("pull", "A device has a state that this version does not know."),
    "AMBIGUOUS_ACCOUNT_NAME": Code(
        "pull", "Units name an account by a name that several accounts have."
    ),
    "UNKNOWN_ACCOUNT_NAME": Code("pull", "Units name an account by a name that none has."),
    "UNKNOWN_USER": Code("pull", "Units in use belong to a user who is not in the list of users."),
    "UNASSIGNED_USAGE": Code("pull", "Units in use belong to no account and count for nobody."),
    "JOINED_BY_NAME": Code("pull", "Units found their account by a name where an id was missing."),
    "MONTH_NOT_BEGUN": Code("pull", "A month was asked for that has not begun."),
    "PURCHASES_INCOMPLETE": Code("pull", "What a vendor charges for a month was not read whole."),
    "NO_INVOICE_YET": Code("pull", "The vendor has not invoiced the month so far."),
    "DOCUMENT_MISSING": Code("pull", "An invoice of the vendor that was read is there no more."),
    # Links and mappings: what no bill holds
    "UNLINKED_ACCOUNT": Code("mapping", "An account with units is linked to no client."),
    "SPLIT_LOCATION_UNLINKED": Code(
        "mapping", "A location with units, of an account that is split, is linked to no client."
    ),
    "UNMAPPED_PRODUCT": Code("mapping", "A product with units has no asset type."),
    "AMBIGUOUS_CLIENT_NAME": Code("mapping", "Several clients of the PSA share a name."),
    "PURCHASE_NOT_BILLED": Code("mapping", "A client's purchases are billed by nothing."),
    "LINKED_CLIENT_GONE": Code("mapping", "A linked client is not active in the PSA any more."),
    # Commitments at the vendor
    "RENEWAL_DUE": Code("renewal", "What a client is committed to ends within 7, 30 or 90 days."),
    "EXTENDED_TERM": Code("renewal", "Seats run on beyond their term, at the vendor's terms."),
    # Adoption: why a record is not given to a line
    "ALREADY_OURS": Code("mapping", "A record to adopt carries another line of ours."),
    "ALREADY_ADOPTED": Code("mapping", "A line has been given a record by now."),
    "RUNNING_MONTH": Code("mapping", "A record to adopt holds a month that is not over."),
    "NOT_OF_THE_MONTH": Code("mapping", "A record to adopt is not of the one month it must be."),
    # Assets: why a unit is not exported, or a client's assets wait
    "ASSET_TWIN": Code(
        "mapping", "An asset of the client has the unit's name; it may be the unit."
    ),
    "ASSET_GONE": Code("mapping", "The asset of a unit is not in the PSA any more."),
    "ASSET_MOVED": Code("mapping", "The asset of a unit stands at another client by hand."),
    "ASSET_INACTIVE": Code("mapping", "Somebody else deactivated the asset of a counted unit."),
    "ASSETS_HELD": Code("mapping", "Assets of a client wait for a person's word."),
    "FIRST_ASSET_EXPORT": Code("objection", "Nothing of this source was ever exported there."),
    "ASSETS_FALL": Code("objection", "More than half of a client's assets would be deactivated."),
    # A bill that cannot be computed
    "AGREEMENT_NOT_ACTIVE": Code("objection", "The client's agreement is expired or not begun."),
    "ASSET_TYPE_MISSING": Code("bill error", "A used product has no asset type."),
    "BLOCK_RULES_NEED_BILL_BLOCKS": Code(
        "bill error", "A storage rule uses blocks, minimum or maximum without `bill_blocks`."
    ),
    "CURRENCY_MISMATCH": Code("bill error", "A product has rates in other currencies only."),
    "MODE_NOT_ALLOWED": Code("bill error", "Licences and storage share a line in another mode."),
    "POOL_INCOMPLETE": Code("bill error", "Another account of the pooled client is not proven."),
    "PRORATION_NEEDS_MONEY": Code(
        "bill error", "A part of a month is to cost less, and the line sends no price of ours."
    ),
    "PRORATION_OWNED_BY_PSA": Code(
        "bill error", "A part of a month is to cost less, and the PSA takes that off already."
    ),
    "PRORATION_POOLED": Code(
        "bill error",
        "A part of a month ends with nothing of a product whose rule other accounts share.",
    ),
    "PRORATION_NEEDS_ARREARS": Code(
        "bill error", "A part of a month is to cost less, and the line is for a month to come."
    ),
    "PRODUCT_IN_TWO_CONFIGURATIONS": Code("bill error", "A product would be billed twice."),
    "BILL_FAILED": Code("bill error", "A defect stopped this bill; the others went on."),
    "DELIVERY_UNSETTLED": Code("bill error", "An earlier write of this account is not settled."),
    "DUPLICATE_IN_PSA": Code("bill error", "Several records of the PSA carry one key."),
    "CLIENT_CHANGED": Code("bill error", "The record belongs to another client of the PSA."),
    "FOREIGN_WRITER": Code("bill error", "Another integration writes the same record."),
    "PERIOD_SUPERSEDED": Code("bill error", "A later month already stands on the record."),
    "LINES_SHARE_RECORD": Code("bill error", "Two lines of one bill would write one record."),
    "NO_SNAPSHOT": Code("bill error", "No proven pull by the end of the month nor 3 days after."),
    "SOURCE_INCOMPLETE": Code("bill error", "The source was asked since and proved nothing."),
    "SOURCE_UNAVAILABLE": Code("bill error", "The plugin of the source does not load."),
    "SITE_NOT_MAPPED": Code("bill error", "The account has no client or site in the PSA."),
    "SOURCE_INVALID": Code("bill error", "The source gave a count that cannot be, e.g. negative."),
    # What a bill tells without stopping
    "ASSET_TYPE_MISSING_UNUSED": Code("bill warning", "An unused product has no asset type."),
    "AVERAGE_ZERO_QUANTITY_FEE": Code("bill warning", "Money without units is sent as one unit."),
    "AFTER_BILLING_END": Code(
        "bill warning", "Billing of the account ended before the month; nothing is counted."
    ),
    "DAYS_NOT_KNOWN": Code(
        "bill warning", "Billed days lie before the first count of the account and count nothing."
    ),
    "COMPANY_REMOVED": Code("bill warning", "The account is gone at the source; it counts 0."),
    "SOURCE_DISABLED": Code("bill warning", "The source rests; what was sent stays as it is."),
    "LATE_SNAPSHOT": Code("bill warning", "The month is billed from a pull up to 3 days after it."),
    "CYCLE_NOT_MONTHLY": Code("bill warning", "A unit with another cycle than monthly is skipped."),
    "OVERRIDE_OPEN_ENDED": Code("bill warning", "A count is overridden without an end date."),
    "QUANTITY_ONLY_DROPS_FEES": Code("bill warning", "Fees are not sent in quantity mode."),
    "RATE_NOT_CONFIGURED": Code("bill warning", "A rate is unset and computed as 0."),
    "ROUNDING_RESIDUAL": Code("bill warning", "Units times the rounded price miss the total."),
    "STALE_LINE_ZEROED": Code("bill warning", "A line without configuration is set to 0."),
    "SUPPLIER_NOT_FOUND": Code("bill warning", "The PSA does not know the supplier; not sent."),
    "USAGE_NOT_CONFIGURED": Code("bill warning", "Units of a mapped product are on no line."),
    "ZERO_NEW": Code("bill warning", "A line with 0 that was never sent is not created."),
    "FOUND_BY_KEY": Code("bill warning", "The PSA holds a record with our key that we forgot."),
    # What holds a bill for a person
    "UNITS_CHANGED": Code("objection", "A line's units move by more than the guard allows."),
    "MONEY_CHANGED": Code("objection", "A line's money moves by more than the guard allows."),
    "CLIENT_TOTAL_CHANGED": Code("objection", "A client's total moves beyond the guard."),
    "RUN_TOTAL_CHANGED": Code("objection", "The total of the run moves beyond the guard."),
    "FELL_TO_ZERO": Code("objection", "A line that billed falls to zero."),
    "FIRST_BILL": Code("objection", "Nothing was ever sent for this account."),
    "CHANGED_SINCE_LAST_BILL": Code("objection", "A link, configuration, rate or rule changed."),
    "REMOVED_BY_CONFIGURATION": Code("objection", "A change of configuration ends a line."),
    "GROUPS_CHANGED": Code("objection", "Products moved from one line to another."),
    "RETYPED": Code("objection", "A line goes on under another asset type on its record."),
    "MODE_CHANGED": Code("objection", "A line changes its mode, and with it who sets the price."),
    "PRICE_UNSET": Code("objection", "A line with units has a product without a price."),
    "SOURCE_STALE": Code("objection", "The last proven pull of the month is too old."),
    "CLIENT_INACTIVE": Code("objection", "The PSA shows the client as inactive."),
    "PSA_DRIFT": Code("objection", "Somebody changed our fields on the record in the PSA."),
    "PSA_RECORD_GONE": Code("objection", "The record was deleted in the PSA."),
    "PSA_RECORD_INACTIVE": Code("objection", "The record is inactive or has ended in the PSA."),
    "POSSIBLE_TWIN": Code("objection", "The PSA has a record of the same kind that is not ours."),
    "PLUGIN_REVIEW_FAILED": Code("objection", "A plugin could not review the plan."),
    # How the PSA will bill a line
    "NOT_LINKED": Code("bill warning", "No recurring line of the PSA bills this record."),
    "LINKED_TWICE": Code("bill warning", "Several recurring lines bill this record."),
    "LINE_INACTIVE": Code("bill warning", "The recurring line that bills the record is inactive."),
    "DOUBLE_ROUTE": Code("bill warning", "The recurring line counts other things as well."),
    "RUNNING_MONTH_LINKED": Code("objection", "A recurring line bills a month still running."),
    "LOCKED_BY_INVOICE": Code("objection", "The month's invoice was made; a change is too late."),
    "PER_PERIOD_LINKED": Code("objection", "A lasting line counts a record of one month."),
    "PRICE_NOT_LINKED": Code("bill warning", "The recurring line does not take our price."),
    "PRICE_LINKED_IN_QUANTITY_MODE": Code(
        "bill warning", "The recurring line takes a price that we do not send."
    ),
    "PRICE_TWO_OWNERS": Code(
        "bill warning", "The PSA changes the price on the recurring line, and so do we."
    ),
    "PRORATION_TWICE": Code("bill warning", "The PSA charges parts of months beside our count."),
    "FREE_UNITS_TWICE": Code("bill warning", "The recurring line takes free units off once more."),
    "MINIMUM_TWICE": Code("bill warning", "The recurring line has a minimum, and so have we."),
    "BILLING_CYCLE_MISMATCH": Code("bill warning", "The recurring line is not invoiced monthly."),
    # Why the bill of a month stays as it is
    "AUTO_DISABLED": Code("bill life", "The account is not billed automatically."),
    "AUTO_PENDING": Code("bill life", "The automatic run of days 1 to 3 is still to come."),
    "AUTO_WINDOW_MISSED": Code("bill life", "Days 1 to 3 passed without an automatic bill."),
    "ALREADY_AUTOMATIC": Code("bill life", "The month was billed by the automatic run."),
    "ALREADY_MANUAL": Code("bill life", "The month was billed by a person."),
    "PREVIOUS_IS_AUTOMATIC": Code("bill life", "A send by hand changes no automatic bill."),
    "PERIOD_ALREADY_FINAL": Code("bill life", "The running month has a final bill already."),
    "RUNNING_MONTH_OFF": Code("bill life", "The account keeps no record of the running month."),
    "BEFORE_BILLING_START": Code("bill life", "The month is before the account's first one."),
    "IN_SHADOW": Code("bill life", "The client is not live: computed, compared, never written."),
    "NOTHING_TO_REOPEN": Code("bill life", "The month has no final bill of the account."),
    "ALREADY_REOPENED": Code("bill life", "A person reopened the bill; it waits to be made."),
    "BILL_REOPENED": Code("bill life", "A final bill was reopened and was not made again yet."),
    "INVOICE_BEFORE_COUNTS": Code(
        "bill life", "The invoice that bills a record is made before its counts arrive."
    ),
    "CORRECTION_WAITS": Code("bill life", "A correction was accepted, and no bill carries it yet."),
    "OTHER_CURRENCY": Code(
        "bill life", "A bill is in another currency than the page, and in none of its sums."
    ),
    "MONTH_SEALED": Code("bill life", "A person sealed the month; its bills stay as they are."),
    "LATE_CHANGE": Code("bill life", "Facts that arrived after a final bill count otherwise."),
    "CORRECTION_NOT_LINKED": Code("bill life", "No recurring line of the PSA bills a correction."),
    "CORRECTION_BILLED": Code("bill life", "Another bill took a correction of this one."),
    # Delivery to the PSA
    "DELIVERY_REJECTED": Code("delivery", "The PSA refused a write; the others went on."),
    "RECORD_VANISHED": Code("delivery", "A record we wrote cannot be found any more."),
    "READBACK_DIFFERS": Code("delivery", "The PSA took a write and shows a field otherwise."),
    "READ_BACK_DIFFERS": Code("delivery", "A connector read back other values than it wrote."),
    "RECORD_GONE": Code("delivery", "The record to update no longer exists."),
    "REFUSED_BY_PSA": Code("delivery", "The PSA named a reason why it refuses a record."),
    "FIELDS_UNUSABLE": Code("delivery", "A record cannot be written in the PSA's terms."),
    "KEY_NOT_KEPT": Code("delivery", "The PSA did not keep our key where it can be searched."),
    "ASSET_REFUSED": Code("delivery", "Assets of a client were not written as planned."),
    "ASSET_UNKNOWN": Code("delivery", "Whether assets of a client were written is not known yet."),
    "ASSET_NEVER_ARRIVED": Code(
        "delivery", "An asset was sent several times and is not there as sent."
    ),
    "LINK_REFUSED": Code("delivery", "A recurring line was not linked as planned."),
    "LINK_UNKNOWN": Code("delivery", "Whether a recurring line was linked is not known yet."),
    "LINK_NEVER_ARRIVED": Code("delivery", "A link was sent several times and is not there."),
    "LINK_NOT_KEPT": Code("delivery", "The PSA took the save of an invoice without the link."),
    "INVOICE_MOVED": Code("delivery", "The recurring invoice was edited after it was planned."),
    "INVOICE_EDITED": Code("delivery", "The recurring invoice was edited while it was written."),
    "INVOICE_GONE": Code("delivery", "The recurring invoice or its line is no longer there."),
    # Runs
    "SIGN_IN_ENDS": Code("run", "The sign-in that a connection works with ends within 14 days."),
    "RUN_INTERRUPTED": Code("run", "The run was asked to stop before its end."),
    "RUN_ABANDONED": Code("run", "The process ended without finishing the run."),
    "NOTIFIER_FAILED": Code("run", "A notifier could not tell somebody what a run left to do."),
    "DEFECT": Code("run", "The program or a plugin failed in a way that it should not."),
    # Books: invoices on their way, and what became of them
    **BOOKS,
}
"""Every code, by the place where it arises."""
