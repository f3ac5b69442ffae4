"""What a chat gets: its own format within its own limits, with names that steer nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from syncd_chat.config import ChatConfig, split_url
from syncd_chat.payloads import FORMATS, as_json, slack, teams

from syncd.sdk.notices import Notice, NoticeKind, NoticeSection
from tests.builders_notify import NOW

BAD = "<!channel> [click](https://evil.test) *x* & <https://evil.test|pay>"


def notice(*lines: str, sections: int = 1) -> Notice:
    made = tuple(NoticeSection(f"Part {n}", lines) for n in range(sections))
    return Notice("by/1", "syncd: 1 held bill to release", made, (NoticeKind.HELD,), NOW)


def test_teams_gets_an_adaptive_card_in_a_message() -> None:
    sent = teams(notice("one", "two"))
    assert sent["type"] == "message"
    (attachment,) = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    texts = [block["inlines"][0]["text"] for block in attachment["content"]["body"]]
    assert texts == ["syncd: 1 held bill to release", "Part 0", "one", "two"]


def test_a_card_shows_names_as_text_without_markup() -> None:
    body = teams(notice(BAD))["attachments"][0]["content"]["body"]
    assert {block["type"] for block in body} == {"RichTextBlock"}
    assert body[-1]["inlines"][0] == {"type": "TextRun", "text": BAD}


def test_slack_gets_plain_text_with_its_markup_escaped() -> None:
    sent = slack(notice(BAD))
    assert sent["blocks"][0]["type"] == "header"
    for block in sent["blocks"]:
        assert block["text"]["type"] == "plain_text"
        assert "<" not in block["text"]["text"]
    assert "&lt;!channel&gt;" in sent["blocks"][1]["text"]["text"]


def test_limits_of_the_chats_are_kept() -> None:
    long = notice(*(f"client {n} " + "x" * 300 for n in range(200)), sections=3)
    assert len(json.dumps(teams(long), ensure_ascii=False).encode()) < 28_000
    blocks = slack(long)["blocks"]
    assert len(blocks) <= 50
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks)
    one = slack(notice("<" * 5000))["blocks"]
    assert all(len(block["text"]["text"]) <= 3000 for block in one)


def test_json_is_the_message_as_data() -> None:
    sent = as_json(notice("one"))
    assert sent["sections"] == [{"heading": "Part 0", "lines": ["one"]}]
    assert sent["kinds"] == ["held"]
    json.dumps(sent)


def test_every_format_of_the_settings_can_be_sent() -> None:
    offered: Any = ChatConfig.model_fields["format"].annotation
    assert set(FORMATS) == set(offered.__args__)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/T/1", "https://hooks.example", "https://hooks.example/", "ftp://x/y",
        "https://u:p@hooks.example/T", "nonsense", "https://hooks.example:99999/T",
        "https://hooks.example/T#x", "https://hooks.example/T é",
    ],
)  # fmt: skip
def test_an_address_that_is_no_webhook_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ChatConfig(url=SecretStr(url))
    for error in caught.value.errors(include_input=False, include_context=False):
        assert url not in error["msg"]


def test_the_address_is_split_into_what_may_be_named_and_what_may_not() -> None:
    origin, rest = split_url("https://prod-1.logic.azure.com:443/workflows/ab/run?sig=cd&v=1")
    assert origin == "https://prod-1.logic.azure.com:443"
    assert rest == "/workflows/ab/run?sig=cd&v=1"
