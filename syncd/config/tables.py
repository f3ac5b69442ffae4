"""The tables of `syncd.toml` as models: every setting with its type, default and meaning.

`docs/config.md` is written from these descriptions. Settings of a connector are its own model.
"""

from __future__ import annotations

from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StrictInt,
)

from syncd.config.schedule import parse_schedule
from syncd.core.billing.choices import RoundingPolicy
from syncd.core.store.token_keys import split_keys
from syncd.sdk.notices import NoticeKind


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = get_close_matches(name, available_timezones(), n=1)
        advice = f"did you mean '{near[0]}'?" if near else "write it like Europe/London"
        message = f"'{name}' is not a time zone of the IANA list; {advice}"
        raise ValueError(message) from error
    return name


def _schedule(text: str) -> str:
    parse_schedule(text)
    return text


def exact(value: Any) -> Any:
    """Amounts come as texts, whole numbers, or Decimals of the TOML reader; never as floats."""
    if isinstance(value, bool | float):
        message = 'is not an amount; write it in quotes, like "250.00"'
        raise ValueError(message)  # noqa: TRY004 - pydantic turns ValueError into a problem
    return value


def _keys(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None:
        split_keys(secret.get_secret_value())
    return secret


ScheduleText = Annotated[str, AfterValidator(_schedule)]
Share = Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=100000)]
Money = Annotated[Decimal, BeforeValidator(exact), Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SyncdTable(_Table):
    """The installation: where it keeps its data and which calendar bills follow."""

    database: str = Field(
        default="sqlite:///syncd.db",
        description="Database URL: `sqlite:///file` (relative to this file) or "
        "`postgresql://user@host/name`. A URL with a password stands as a reference.",
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        default="Europe/London",
        description="IANA zone of the MSP; billing periods are its local calendar months.",
    )
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="`auto`: JSON lines unless stderr is a terminal."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level the daemon logs."
    )
    grace_seconds: StrictInt = Field(
        default=30,
        ge=0,
        le=3600,
        description="After SIGTERM, how long running work may take to end.",
    )
    token_key: Annotated[SecretStr | None, AfterValidator(_keys)] = Field(
        default=None,
        description="Reference to the key that tokens of people's sign-ins are encrypted with, made"
        " by `syncd login --new-key`; several keys stand in a row, the newest first.",
    )


class GuardsTable(_Table):
    """When a plan is held for a person; a share is of the last sent bill."""

    line_percent: Share = Field(
        default=Decimal(25), description="A line's units change by more than this share …"
    )
    line_units: StrictInt = Field(default=3, ge=0, description="… and by at least this many units.")
    line_money: Money = Field(
        default=Decimal(250), description="A line's money changes by more than this amount."
    )
    client_percent: Share = Field(
        default=Decimal(20), description="A client's total changes by more than this share …"
    )
    client_money: Money = Field(default=Decimal(100), description="… and by more than this amount.")
    run_percent: Share = Field(
        default=Decimal(5), description="The total of a run changes by more than this share."
    )


class BillingTable(_Table):
    """How counts become subscriptions, and whether anything is written at all."""

    mode: Literal["shadow", "live"] = Field(
        default="shadow",
        description="`shadow` computes and compares, and writes bills only of clients that "
        "`syncd golive` named; `live` writes those of every client but the ones put back.",
    )
    psa: str | None = Field(
        default=None,
        description="Connection that takes the subscriptions; needed with two PSA connections.",
    )
    currency: str = Field(
        default="GBP", pattern="^[A-Z]{3}$", description="ISO code of the billing currency."
    )
    money_scale: StrictInt = Field(default=2, ge=0, le=4, description="Decimals of totals.")
    unit_scale: StrictInt = Field(default=4, ge=0, le=8, description="Decimals of unit prices.")
    rounding_policy: RoundingPolicy = Field(
        default=RoundingPolicy.REPORT,
        description="`report` shows what rounding leaves over; `adjust` covers it by a line.",
    )
    subscription_style: Literal["rolling", "per_period"] = Field(
        default="rolling",
        description="`rolling` keeps one record per line; `per_period` makes one for each month.",
    )
    running_month_record: Literal["by_hand", "always", "never"] = Field(
        default="by_hand",
        description="Whether `syncd bill send` keeps a record of the running month beside each "
        "line: for accounts without automatic billing, for all, or for none.",
    )
    missing_price: Literal["hold", "zero"] = Field(
        default="hold",
        description="A line with units and no price is held, or sent with price 0.",
    )
    supplier: str | None = Field(
        default=None, min_length=1, description="Name of the supplier put on created records."
    )
    max_age_hours: StrictInt = Field(
        default=48,
        ge=1,
        le=24 * 31,
        description="A bill is held when its last proven pull was older than this at month end.",
    )
    late_change_months: StrictInt = Field(
        default=2,
        ge=0,
        le=24,
        description="Finished months that are watched for facts which arrive after their bills.",
    )
    plan_max_age_days: StrictInt = Field(
        default=7,
        ge=1,
        le=90,
        description="A plan made by hand that is older than this cannot be applied.",
    )
    write_links: StrictBool = Field(
        default=False,
        description="Whether `syncd apply` may write the links that `syncd wire` proposes to "
        "recurring invoices; otherwise they are made by hand in the PSA.",
    )
    guards: GuardsTable = Field(
        default_factory=GuardsTable, description="When a plan is held; see below."
    )
    auto_time: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = Field(
        default="00:15",
        description="Local time of day 1 from which the daemon makes automatic bills; without "
        "`schedule` it tries every hour of days 1 to 3, and looks once a day for missed ones.",
    )
    schedule: ScheduleText | None = Field(
        default=None,
        description="When the daemon bills the last finished month instead: cron in UTC, or "
        "`every 1d`. On days 1 to 3 it bills clients that are live and applies what is not held; "
        "in shadow it also plans the others, whenever it is due, and sends nothing of them.",
    )


class LimitsTable(_Table):
    """Another quota than the one the connector knows."""

    calls: StrictInt | None = Field(
        default=None, ge=1, description="Most calls within the window; the connector's default."
    )
    window_seconds: float | None = Field(
        default=None, gt=0, le=86400, description="Length of the rolling window."
    )
    concurrency: StrictInt | None = Field(
        default=None, ge=1, le=100, description="Most calls in flight at once."
    )


class ConnectionTable(_Table):
    """What every connection has; the other settings are those of its connector."""

    plugin: str = Field(description="Name of the connector; `syncd plugins` lists them.")
    enabled: StrictBool = Field(
        default=True, description="`false` keeps the connection but rests it."
    )
    schedule: ScheduleText | None = Field(
        default=None,
        description='When the daemon pulls: cron in UTC with weekdays by name, or "every 6h".',
    )
    limits: LimitsTable = Field(
        default_factory=LimitsTable, description="Another quota than the connector's own."
    )
    formerly: str | None = Field(
        default=None,
        description="Earlier name of this connection: its history and its records stay its own.",
    )
    export_assets: StrictBool = Field(
        default=False,
        description="`true` lets `syncd assets` export the counted units of this source to the "
        "PSA as assets.",
    )
    overwrite_asset_type: StrictBool = Field(
        default=False,
        description="`true` lets it also change the type of assets that exist in the PSA.",
    )


class NotifierTable(_Table):
    """Who is told, and how much they may read; the other settings are those of its plugin."""

    plugin: str = Field(description="How messages are carried; `syncd plugins` lists the ways.")
    enabled: StrictBool = Field(default=True, description="`false` keeps the notifier silent.")
    on: list[Literal["held", "credentials", "window", "failed", "digest"]] = Field(
        default_factory=lambda: [kind.value for kind in NoticeKind],
        min_length=1,
        description="What is told: bills that wait, refused credentials, days of automatic bills "
        "that end, failures, and in a digest everything else that a run left to do.",
    )
    detail: Literal["counts", "clients"] = Field(
        default="counts",
        description="`counts`: numbers, codes and names of connections; `clients`: names of "
        "clients, money and remedies too. Units, devices and users are never named.",
    )
    digest: Literal["needed", "always"] = Field(
        default="needed",
        description="`always` also tells of runs of billing that need nobody.",
    )
