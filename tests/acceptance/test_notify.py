"""Real commands, a real mail server and a real webhook: who is told what of a month end."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.builders_notify import MailServer, mail_server
from tests.builders_site import Site

WEBHOOK = "/hook/hunter2"


@pytest.fixture
def webhook() -> Iterator[HTTPServer]:
    """A webhook on loopback; `got` holds what was posted."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == WEBHOOK
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the output of tests is for their failures."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got = got  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mailbox() -> Iterator[MailServer]:
    """A mail server in a thread of its own."""
    loop = asyncio.new_event_loop()
    opened: list[MailServer] = []
    ready, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with mail_server() as stub:
            opened.append(stub)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    yield opened[0]
    loop.call_soon_threadsafe(done.set)
    thread.join()
    loop.close()


def test_a_month_end_is_told_once_to_each_reader_in_words_that_it_may_know(
    site: Site, webhook: HTTPServer, mailbox: MailServer
) -> None:
    site.run("pull")
    site.decide()
    site.move(datetime(2026, 12, 15, 9, 0, tzinfo=UTC))
    site.run("pull")
    site.move(datetime(2026, 12, 15, 10, 0, tzinfo=UTC))
    site.secrets["WEBHOOK"] = f"http://127.0.0.1:{webhook.server_port}{WEBHOOK}"
    with (site.folder / "syncd.toml").open("a") as file:
        file.write(
            '\n[notify.chat]\nplugin = "chat"\nformat = "json"\nurl = { env = "WEBHOOK" }\n'
            'detail = "clients"\ndigest = "always"\n'
            '\n[notify.mail]\nplugin = "mail"\nhost = "127.0.0.1"\nsecurity = "none"\n'
            f"port = {mailbox.port}\n"
            'from = "syncd@msp.test"\nto = ["ops@msp.test"]\n'
        )
    got: list[Any] = webhook.got  # type: ignore[attr-defined]
    checked = site.run("check", expect=None)
    assert "127.0.0.1" in checked.out
    assert (got, mailbox.mails) == ([], [])

    site.run("plan", "billing", expect=3)
    (told,) = got
    (mail,) = mailbox.mails
    assert "to release" in told["title"]
    clients = [client.name for client in site.world.clients()]
    said = json.dumps(told, ensure_ascii=False)
    assert any(name in said for name in clients)
    assert "GBP" in said
    text = mail["Subject"] + mail.get_content()
    assert "to release" in mail["Subject"]
    assert "GBP" not in text
    assert not any(name in text for name in clients)

    site.run("plan", "billing", expect=3)
    assert len(mailbox.mails) == 1

    site.run("plans", "release", "latest", "--reason", "first month")
    site.run("apply", "latest")
    assert "sent" in got[-1]["title"]
    assert len(mailbox.mails) == 1
    rows = site.read("notify", "list")["messages"]
    assert {row["state"] for row in rows} == {"sent"}
    assert "hunter2" not in json.dumps(rows)
