"""What `syncd check` tries: the token and every kind of call that the settings need, per tenant.

One batch a tenant, as a pull begins; users are asked for one only.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, ConnectorError, PermissionMissing, SignInExpired
from syncd.sdk.records import CheckResult, Permission
from syncd_entra import questions
from syncd_entra.batch import Question
from syncd_entra.client import Door, GraphClient
from syncd_entra.config import EntraConfig
from syncd_entra.refusals import ENDED, Blame, Refusal, is_without_intune

FOR: Final = {
    questions.ORGANIZATION: "seats of every SKU: without it nothing can be counted",
    questions.USERS: "counting and listing users",
    f"{questions.USERS} and {questions.SIGN_INS}": "rules about sign-ins",
    questions.GROUPS: "rules about groups",
    questions.DEVICES: "counting devices registered in Entra",
    questions.INTUNE: "counting devices enrolled in Intune",
    questions.RELATIONSHIPS: "the list of tenants from GDAP relationships",
    questions.CONTRACTS: "the list of tenants from contracts",
}
LISTS: Final = {"gdap": questions.RELATIONSHIPS, "contracts": questions.CONTRACTS}

_NAMED: Final = 3


class Trial:
    """One check of all tenants."""

    def __init__(self, context: Context[EntraConfig]) -> None:
        self._context = context
        self._config = context.config
        self.right: dict[str, list[str]] = defaultdict(list)
        self.entered: list[str] = []
        self.shut: list[tuple[str, ConnectorError]] = []
        self.warnings: list[str] = []

    def asked(self) -> list[Question]:
        """Every kind of call that a pull will make."""
        config = self._config
        asked = questions.seats(config)
        asked += questions.devices(config, self._context.clock())
        if config.users == "counted":
            return asked + questions.counts(config)
        small = config.model_copy(update={"page_size": 1})
        asked.append(questions.users(small, sign_ins=config.wants_sign_ins))
        return asked + questions.groups(config.groups)

    async def enter(self, door: Door) -> None:
        """Ask one tenant; its refusals are kept.

        Raises:
            Refusal: of the app that all share.
        """
        name = door.tenant.name
        if door.is_shut:
            self.shut.append((name, Refusal(ENDED, self._context.connection)))
            return
        try:
            answers = await door.batches.ask(self.asked())
        except PermissionMissing as error:
            self.shut.append((name, error))
            self.right[questions.ORGANIZATION].append(name)
            return
        except Refusal as error:
            if door.shared and error.blame in {Blame.APP, Blame.SIGN_IN}:
                raise
            self.shut.append((name, error))
            return
        except SignInExpired:
            raise
        except AuthError as error:
            self.shut.append((name, error))
            return
        self.entered.append(name)
        for question in self.asked():
            answer = answers[question.name]
            if isinstance(answer, PermissionMissing):
                self.right[question.needs].append(name)
            elif isinstance(answer, ConnectorError) and not is_without_intune(answer):
                self.warnings.append(f"{name}: {answer}; {answer.remedy}")

    def result(self, doors: Sequence[Door]) -> CheckResult:
        """All tenants' answers as one."""
        asked = [question.needs for question in self.asked()]
        asked += [LISTS[name] for name in self._config.lists]
        permissions = tuple(
            Permission(name=needs, granted=needs not in self.right, needed_for=FOR[needs])
            for needs in dict.fromkeys(asked)
        )
        total = len(self.entered) + len(self.shut)
        if self.right:
            needs, names = next(iter(self.right.items()))
            return CheckResult(
                ok=False,
                summary="not everything that the settings need can be read",
                permissions=permissions,
                error=f"{needs} is missing in {_listed(names)}: {self._remedy}",
            )
        warnings = [f"{name}: {error}; {error.remedy}" for name, error in self.shut]
        if not self.entered:
            return CheckResult(ok=False, summary="no tenant can be read", error=warnings[0])
        return CheckResult(
            ok=True,
            summary=f"{len(self.entered):,} of {total:,} tenants can be read{_sources(doors)}",
            permissions=permissions,
            warnings=(*warnings, *self.warnings),
        )

    @property
    def _remedy(self) -> str:
        if self._config.access == "gdap":
            return "add the delegated permission to the app, then consent through Partner Center"
        return "grant it to the app as an application permission, then let the tenant consent again"


async def run(client: GraphClient, context: Context[EntraConfig]) -> CheckResult:
    """Try every tenant; refused credentials and missing rights are results, not errors.

    Raises:
        ConnectorError: the vendor could not be asked, or does not answer as it should.
    """
    trial = Trial(context)
    try:
        doors = await client.doors()
        async with asyncio.TaskGroup() as group:
            for door in doors:
                group.create_task(trial.enter(door))
    except AuthError as error:
        return _nothing(error, context.config)
    except ExceptionGroup as failed:
        first = failed.exceptions[0]
        if not isinstance(first, AuthError):
            raise first from failed
        return _nothing(first, context.config)
    return trial.result(doors)


def _nothing(error: AuthError, config: EntraConfig) -> CheckResult:
    lists = [LISTS[name] for name in config.lists] if isinstance(error, PermissionMissing) else []
    return CheckResult(
        ok=False,
        summary="nothing can be read",
        permissions=tuple(
            Permission(name=needs, granted=False, needed_for=FOR[needs])
            for needs in lists
            if needs in str(error)
        ),
        error=f"{error}; {error.remedy}",
    )


def _sources(doors: Sequence[Door]) -> str:
    """How many tenants each list names, where there are lists."""
    named = Counter(source for door in doors for source in door.known.sources)
    if set(named) <= {"config"}:
        return ""
    return f" ({', '.join(f'{number:,} from {name}' for name, number in named.items())})"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more tenants" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
