"""Several questions to one tenant in one call: JSON batching, with every answer accounted for.

Graph answers 200 although each question may have failed, in any order, and throttles questions
one by one. Only those that were throttled are asked again, after the longest pause they name.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Final, NamedTuple, TypeVar

from syncd.sdk.connector import EventLog
from syncd.sdk.errors import ConnectorError, PermissionMissing, ProtocolError, TransientError
from syncd.sdk.http import Answer, ApiClient, HttpPolicy
from syncd.sdk.retry import Budget, persist
from syncd.sdk.verdict import Exchange, cleaned, refused
from syncd_entra.models import BatchAnswer, Item
from syncd_entra.refusals import error_text, refined

T = TypeVar("T")

LARGEST: Final = 20
"""Questions in one batch, as Graph allows."""

PATH: Final = "/v1.0/$batch"
_BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
_EVENTUAL: Final = {"ConsistencyLevel": "eventual"}


class Question(NamedTuple):
    """One call inside of a batch.

    Attributes:
        name: by which its answer is found.
        url: below the version, with its query.
        needs: the application permission.
    """

    name: str
    url: str
    needs: str


class Batches:
    """Asks one tenant; the numbers of questions are unique within the connection.

    An answer that belongs to another call or tenant, e.g. out of a cache on the way, has other
    numbers and is refused.
    """

    def __init__(
        self,
        api: ApiClient,
        *,
        connection: str,
        numbers: count[int],
        policy: HttpPolicy,
        clock: Callable[[], datetime],
        log: EventLog,
        named: Callable[[ConnectorError, str], ConnectorError] = refined,
    ) -> None:
        """Describe one tenant's batches.

        Args:
            api: signed for the tenant.
            connection: name in the configuration, for messages.
            numbers: of questions, shared by all tenants.
            policy: bounds of a batch with all of its repetitions.
            clock: current time in UTC.
            log: receives `request.retried`.
            named: gives a refusal the name of its reason, from the permission that was needed.
        """
        self._named = named
        self._api = api
        self._connection = connection
        self._numbers = numbers
        self._policy = policy
        self._clock = clock
        self._log = log

    async def ask(self, questions: Sequence[Question]) -> dict[str, Answer | ConnectorError]:
        """The answer or the refusal of each question, by its name.

        Raises:
            AuthError: the whole call is refused.
            TransientError: the call or a question was not answered within the policy's bounds.
            ProtocolError: an answer is missing, came twice or belongs to no question.
        """
        found: dict[str, Answer | ConnectorError] = {}
        for start in range(0, len(questions), LARGEST):
            found |= await self._one(questions[start : start + LARGEST])
        return found

    async def _one(self, questions: Sequence[Question]) -> dict[str, Answer | ConnectorError]:
        found: dict[str, Answer | ConnectorError] = {}
        waiting = list(questions)
        lost: list[TransientError] = []

        async def attempt(number: int) -> None:
            del number
            slow: list[tuple[Question, TransientError]] = []
            try:
                answers = await self._sent(waiting)
            except TransientError as error:
                lost.append(error)  # the client has tried the call itself often enough
                return
            for question, answer in answers:
                if isinstance(answer, TransientError):
                    slow.append((question, answer))
                else:
                    found[question.name] = answer
            waiting[:] = [question for question, _ in slow]
            if slow:
                raise max((error for _, error in slow), key=lambda one: one.retry_after or 0.0)

        def announce(error: TransientError, seconds: float, number: int) -> None:
            self._log(
                "request.retried",
                method="GET",
                path=PATH,
                reason=error.code,
                wait_ms=round(seconds * 1000),
                attempt=number,
            )

        await persist(attempt, Budget(self._policy), announce)
        if lost:
            raise lost[0]
        return found

    async def _sent(
        self, questions: Sequence[Question]
    ) -> list[tuple[Question, Answer | ConnectorError]]:
        asked = {str(next(self._numbers)): question for question in questions}
        body = {
            "requests": [
                {"id": number, "method": "GET", "url": question.url, "headers": _EVENTUAL}
                for number, question in asked.items()
            ]
        }
        try:
            answer = await self._api.ask("POST", PATH, json=body)
        except PermissionMissing as error:
            raise self._named(error, questions[0].needs) from error
        answers = answer.decode(BatchAnswer).items
        items = {item.id: item for item in answers}
        if items.keys() != asked.keys() or len(answers) != len(asked):
            missing = len(asked.keys() - items.keys())
            raise ProtocolError(
                f"BATCH_INCOMPLETE: {missing} of {len(asked)} questions were not answered, and"
                f" {len(answers) - len(asked) + missing} answers came twice or belong to none",
                remedy="nothing was changed; the next pull asks again",
                connection=self._connection,
                http_status=answer.status,
                request_id=answer.request_id,
            )
        return [(question, self._read(question, items[n])) for n, question in asked.items()]

    def _read(self, question: Question, item: Item) -> Answer | ConnectorError:
        path = question.url.partition("?")[0]
        answer = Answer(
            status=item.status,
            url=path,
            headers={name.lower(): str(value) for name, value in (item.headers or {}).items()},
            body=bytes(item.body),
            request_id=None,
            connection=self._connection,
        )
        if 200 <= item.status < 300:
            return answer
        words = cleaned(error_text(item.status, answer.body), [])
        call = Exchange(self._connection, f"GET {path}")
        error = refused(call, answer, self._policy, now=self._clock(), words=words)
        return self._named(error, question.needs)


def got(answers: Mapping[str, Answer | ConnectorError], name: str, kind: type[T]) -> T:
    """A decoded answer.

    Raises:
        ConnectorError: the question was refused, or its answer has another shape.
    """
    answer = answers[name]
    if isinstance(answer, ConnectorError):
        raise answer
    return answer.decode(kind)


def number_in(answers: Mapping[str, Answer | ConnectorError], name: str) -> int:
    """The answer of a `$count`: a number, or a text of digits, with a BOM or in base64.

    Raises:
        ConnectorError: the question was refused, or its answer is no number.
    """
    answer = answers[name]
    if isinstance(answer, ConnectorError):
        raise answer
    said: int | str | None = answer.decode(int | str)  # type: ignore[arg-type]
    if isinstance(said, str):
        said = _digits(said)
    if said is not None and said >= 0:
        return said
    raise ProtocolError(
        "COUNT_UNREADABLE: Graph answered a count with something that is no number",
        remedy="nothing was changed; if it stays, the vendor changed its interface",
    )


def _digits(text: str) -> int | None:
    for candidate in (text, _unpacked(text)):
        plain = candidate.removeprefix(_BOM).strip()
        if plain.isascii() and plain.isdigit():
            return int(plain)
    return None


def _unpacked(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
