"""The rules that every connector keeps, whatever it provides.

Each method whose name begins with `test_` is one rule; its name says it, its message says how it
was broken. Inherit from the class of your port in a class whose name begins with `Test`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from syncd.sdk.connector import Capability, Connector, Ports, RateLimit
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ports import Port, SourceHints
from syncd.sdk.records import CheckResult
from syncd.sdk.testing.faults import Action, Application, Fault
from syncd.sdk.testing.stage import READS, Scene, Stage
from syncd.sdk.tokens import TokenVault

T = TypeVar("T")


class Conformance:
    """What an author gives, and what is true of every connector.

    Attributes:
        connector: the one on trial.
        secrets: the made-up secrets in the configuration and the tokens that the simulator hands
            out; none may ever be shown.
        token_path: regular expression of the token endpoint's path, None where there is none.
        question_path: regular expression of paths that the vendor wants POST for although nothing
            changes there, None where there is none.
    """

    connector: ClassVar[Connector[Any]]
    secrets: ClassVar[tuple[str, ...]]
    token_path: ClassVar[str | None] = None
    question_path: ClassVar[str | None] = None
    stage: ClassVar[Stage]

    def vendor(self) -> Application:
        """A new simulator of the vendor, the same each time."""
        raise NotImplementedError("give a simulator of the vendor")

    def config(self, base_url: str) -> Mapping[str, Any]:
        """Settings of a connection to the simulator at this address, secrets in plain text."""
        raise NotImplementedError("give the settings of a connection")

    def vault(self) -> TokenVault | None:
        """Where tokens that change are kept, a new one each time; None for a connector without."""
        return None

    @classmethod
    def setup_class(cls) -> None:
        """Start the server of all scenes; pytest calls it."""
        cls.stage = Stage()
        cls.stage.open()

    @classmethod
    def teardown_class(cls) -> None:
        """Stop the server; pytest calls it."""
        cls.stage.close()

    def play(
        self,
        act: Callable[[Ports], Awaitable[T]],
        *faults: Fault,
        limits: RateLimit | None = None,
        hints: SourceHints | None = None,
        listen: bool = False,
    ) -> Scene[T]:
        """Open the connector against a new vendor, do the act, close it."""
        return self.stage.play(
            self.connector,
            self.config(self.stage.url),
            self.vendor(),
            act,
            faults=faults,
            limits=limits,
            hints=hints,
            vault=self.vault(),
            listen=listen,
        )

    def checked(self, *faults: Fault, listen: bool = False) -> Scene[list[CheckResult]]:
        """Check every port."""

        async def check(ports: Ports) -> list[CheckResult]:
            return [await port.check() for port in _ports(ports)]

        return self.play(check, *faults, listen=listen)

    @property
    def api(self) -> str:
        """Regular expression of every path that is not the token endpoint's."""
        return "" if self.token_path is None else f"^(?!.*(?:{self.token_path}))"

    def calls(self, scene: Scene[Any]) -> list[tuple[str, float]]:
        """Method and time of every call in a scene that was not for a token."""
        return [(one.method, one.at) for one in scene.requests if not self.is_token(one.path)]

    def written(self, scene: Scene[Any]) -> set[str]:
        """Methods of the calls in a scene that may have changed something at the vendor."""
        return {
            one.method
            for one in scene.requests
            if one.method not in READS
            and not self.is_token(one.path)
            and not (self.question_path and re.search(self.question_path, one.path))
        }

    def is_token(self, path: str) -> bool:
        """Whether a call of this path is one for a token."""
        return self.token_path is not None and re.search(self.token_path, path) is not None

    def test_it_opens_what_it_declares(self) -> None:
        async def opened(ports: Ports) -> frozenset[Capability]:
            offered = {
                Capability.USAGE: ports.usage,
                Capability.PURCHASES: ports.purchases,
                Capability.PSA: ports.psa,
                Capability.LEDGER: ports.ledger,
            }
            return frozenset(kind for kind, port in offered.items() if port is not None)

        scene = self.play(opened)
        _nothing_raised(scene)
        assert scene.value == self.connector.provides, (
            f"declared {sorted(self.connector.provides)}, opened {sorted(scene.value or ())}"
        )

    def test_check_finds_nothing_wrong_with_a_healthy_vendor(self) -> None:
        scene = self.checked()
        _nothing_raised(scene)
        for result in scene.value or ():
            assert result.ok, f"a healthy vendor was found wanting: {result.error}"
            assert result.summary, "the result has no summary for people"
            assert not result.error, f"ok, and yet there is an error: {result.error}"

    def test_check_only_reads(self) -> None:
        methods = self.written(self.checked())
        assert not methods, f"check sent {sorted(methods)}"

    def test_check_reports_refused_credentials_and_does_not_raise(self) -> None:
        self._reports(self.checked(Fault(action=Action.STATUS_BEFORE, status=401, path=self.api)))
        if self.token_path is not None:
            refusal = '{"error": "invalid_client"}'
            refused = Fault(
                action=Action.STATUS_BEFORE, status=400, path=self.token_path, body=refusal
            )
            self._reports(self.checked(refused))

    def test_check_names_a_missing_permission_and_does_not_raise(self) -> None:
        scene = self.checked(Fault(action=Action.STATUS_BEFORE, status=403, path=self.api))
        self._reports(scene)
        for result in scene.value or ():
            missing = [one for one in result.permissions if not one.granted]
            assert missing, "no permission is named as missing"
            assert all(one.name and one.needed_for for one in missing), (
                "a missing permission needs its name and what it is needed for"
            )

    def test_secrets_stay_hidden_whatever_happens(self) -> None:
        echo = " ".join(self.secrets)
        echoes = [
            Fault(action=Action.STATUS_BEFORE, status=400, body=echo),
            Fault(action=Action.STATUS_BEFORE, status=401, path=self.api, body=echo),
            Fault(action=Action.REPLACE, path=self.api, body=echo),
        ]
        self.no_secret_in(self.checked(listen=True).words())
        for fault in echoes:
            self.no_secret_in(self.checked(fault, listen=True).words())

    def no_secret_in(self, words: Iterable[str]) -> None:
        """Fail where one of the secrets shows, without showing it."""
        for text in words:
            for number, secret in enumerate(self.secrets):
                if secret in text:
                    around = text.replace(secret, "<HERE>")
                    raise AssertionError(f"secret {number} is shown: {around[:2000]}")

    def _reports(self, scene: Scene[list[CheckResult]]) -> None:
        _nothing_raised(scene)
        for result in scene.value or ():
            assert not result.ok, "check found nothing wrong"
            assert result.error, "the result has no sentence about what is wrong"


def _nothing_raised(scene: Scene[Any]) -> None:
    assert scene.error is None, f"raised {scene.error!r}"


def _ports(ports: Ports) -> list[Port | Ledger]:
    offered = (ports.usage, ports.purchases, ports.psa, ports.ledger)
    return [port for port in offered if port is not None]
