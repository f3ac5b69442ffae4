"""Mail over real sockets: what the server got, and what each way of failing means."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from syncd_mail.config import MailConfig
from syncd_mail.notifier import MailNotifier

from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    OutcomeUnknown,
    ProtocolError,
    RequestRejected,
    VendorUnavailable,
)
from syncd.sdk.notices import Notice, NoticeKind, NoticeSection, NotifierContext
from tests.builders_notify import NOW, mail_server

PASSWORD = "hunter2-secret"
NOTICE = Notice(
    "by/1",
    "syncd: 1 held bill to release",
    (NoticeSection("Held", ("Müller & Söhne: +1 GBP", ".", "日本")),),
    (NoticeKind.HELD,),
    NOW,
)


def notifier(port: int, **changes: Any) -> MailNotifier:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "syncd@msp.test",
        "to": ["ops@msp.test", "bill@msp.test"],
        "timeout_seconds": 1,
        **changes,
    }
    return MailNotifier(
        NotifierContext(
            notifier="ops",
            config=MailConfig(**values),
            clock=lambda: NOW,
            log=lambda *_a, **_k: None,
        )
    )


class Begun:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


async def test_a_mail_arrives_with_its_text_and_headers() -> None:
    begun = Begun()
    async with mail_server() as server:
        assert await notifier(server.port).send(NOTICE, begun) == ""
    (mail,) = server.mails
    assert mail["Subject"] == "syncd: 1 held bill to release"
    assert (mail["From"], mail["To"]) == ("syncd@msp.test", "ops@msp.test, bill@msp.test")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == [
        "Held",
        "  - Müller & Söhne: +1 GBP",
        "  - .",
        "  - 日本",
    ]
    assert server.recipients == ["rcpt TO:<ops@msp.test>", "rcpt TO:<bill@msp.test>"]
    assert begun.times == 1


async def test_the_same_message_has_the_same_message_id() -> None:
    async with mail_server() as server:
        for _ in range(2):
            await notifier(server.port).send(NOTICE, Begun())
    first, second = (mail["Message-ID"] for mail in server.mails)
    assert first == second


@pytest.mark.parametrize(
    "bad", ["x\nBcc: all@evil.test", "x\r\nBcc: all@evil.test", "x\u2028y\x85"]
)
async def test_no_title_can_make_a_header(bad: str) -> None:
    notice = Notice("1", bad, (NoticeSection(bad, (bad,)),), (NoticeKind.HELD,), NOW)
    async with mail_server() as server:
        await notifier(server.port).send(notice, Begun())
    (mail,) = server.mails
    assert mail["Bcc"] is None
    assert "evil" not in str(server.recipients)


REFUSALS: Mapping[str, tuple[dict[str, str | None], type[ConnectorError]]] = {
    "greeting": ({"connect": "554 go away"}, RequestRejected),
    "greeting later": ({"connect": "421 busy"}, VendorUnavailable),
    "silent greeting": ({"connect": None}, ConnectFailed),
    "cut greeting": ({"connect": "cut"}, ConnectFailed),
    "sender": ({"MAIL": "550 who"}, RequestRejected),
    "sender later": ({"MAIL": "451 grey"}, VendorUnavailable),
    "recipients": ({"RCPT": "550 unknown bob@x.test"}, RequestRejected),
    "silent recipient": ({"RCPT": None}, ConnectFailed),
    "text command": ({"DATA": "554 no"}, RequestRejected),
    "text": ({"text": "554 spam"}, RequestRejected),
    "text later": ({"text": "452 full"}, VendorUnavailable),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refusal_or_silence_before_the_text_surely_sent_nothing(case: str) -> None:
    script, kind = REFUSALS[case]
    async with mail_server(**script) as server:
        with pytest.raises(kind) as caught:
            await notifier(server.port).send(NOTICE, Begun())
    assert not isinstance(caught.value, OutcomeUnknown)
    assert "bob@x.test" not in str(caught.value)


@pytest.mark.parametrize("reply", [None, "cut"])
async def test_silence_after_the_text_is_unknown(reply: str | None) -> None:
    begun = Begun()
    async with mail_server(text=reply) as server:
        with pytest.raises(OutcomeUnknown):
            await notifier(server.port).send(NOTICE, begun)
    assert len(server.mails) == 1
    assert begun.times == 1


async def test_nobody_listens() -> None:
    async with mail_server() as server:
        port = server.port
    with pytest.raises(ConnectFailed):
        await notifier(port).send(NOTICE, Begun())


async def test_one_refused_address_is_told_and_the_others_are_served() -> None:
    script = {"RCPT TO:<BILL@MSP.TEST>": "550 unknown"}
    async with mail_server(**script) as server:
        said = await notifier(server.port).send(NOTICE, Begun())
    assert "refused 1 of 2 addresses" in said
    assert "bill@" not in said
    assert len(server.mails) == 1


async def test_a_sending_that_is_given_up_ends_at_once_and_its_thread_too() -> None:
    begun = Begun()
    async with mail_server(RCPT=None) as server:
        one = notifier(server.port, timeout_seconds=20)
        task = asyncio.create_task(one.send(NOTICE, begun))
        await server.silent.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for thread in threading.enumerate():
            if thread.name == "syncd-mail":
                await asyncio.to_thread(thread.join, 5)
                assert not thread.is_alive()
    assert begun.times == 0
    assert server.mails == []


async def test_a_server_without_starttls_gets_no_login_and_no_mail() -> None:
    async with mail_server(offers=("AUTH PLAIN",)) as server:
        one = notifier(server.port, security="starttls", user="u", password=SecretStr(PASSWORD))
        with pytest.raises(ProtocolError):
            await one.send(NOTICE, Begun())
    assert [line.split()[0].upper() for line in server.said] == ["EHLO"]


async def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with mail_server(ssl=context) as server:
        with pytest.raises(ProtocolError, match="encrypted"):
            await notifier(server.port, host="localhost", security="tls").send(NOTICE, Begun())
    assert server.mails == []


async def test_a_mail_goes_encrypted_to_a_server_of_ones_own_issuer(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with mail_server(ssl=context, offers=("AUTH PLAIN",)) as server:
        one = notifier(
            server.port,
            host="localhost",
            security="tls",
            ca_file=str(certificate),
            user="u",
            password=SecretStr(PASSWORD),
        )
        await one.send(NOTICE, Begun())
    assert len(server.mails) == 1


async def test_a_refused_login_names_no_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with mail_server(offers=("AUTH PLAIN",), AUTH="535 no") as server:
        one = notifier(server.port, user="u", password=SecretStr(PASSWORD))
        with pytest.raises(AuthError) as caught:
            await one.check()
    assert PASSWORD not in f"{caught.value} {caught.value.remedy} {caplog.text}"


async def test_a_check_sends_nothing() -> None:
    async with mail_server() as server:
        found = await notifier(server.port).check()
    assert found.ok
    assert server.mails == []
    assert not any(line.upper().startswith("MAIL") for line in server.said)


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "smtp.example.com"},
        {"host": "10.0.0.1"},
        {"user": "u"},
        {"password": SecretStr("p")},
        {"to": []},
        {"to": ["ops@msp.test\nBcc: x@y.test"]},
        {"to": ["ops@msp.test,x@y.test"]},
        {"sender": "Ops <ops@msp.test>"},
        {"timeout_seconds": 0},
        {"host": "a b"},
    ],
)
def test_settings_that_cannot_be_right_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        notifier(25, **changes)
