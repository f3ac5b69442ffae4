"""From a notice to what each chat understands; names are shown as they are and steer nothing.

Teams: an adaptive card in a message with one attachment, at most 28 KB
(https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
Slack: at most 50 blocks, 150 characters in a header and 3,000 in a section
(https://docs.slack.dev/reference/block-kit/blocks).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from syncd.sdk.notices import Notice, NoticeSection

Payload = dict[str, Any]

TEAMS_BYTES = 20_000
"""Most bytes of text in a card; what surrounds it must fit into the limit as well."""

SLACK_HEADER = 150
SLACK_SECTION = 2_800
SLACK_BLOCKS = 48

LEFT_OUT = "… the rest is in `syncd notify list` and `syncd issues`"


def teams(notice: Notice) -> Payload:
    """A card; text runs know no markup, so that a name cannot become a link."""
    body: list[Payload] = [_run(notice.title, size="Large", weight="Bolder")]
    room = TEAMS_BYTES
    for section in notice.sections:
        body.append(_run(section.heading, weight="Bolder"))
        for line in section.lines:
            room -= len(line.encode()) + 100
            if room < 0:
                body.append(_run(LEFT_OUT))
                break
            body.append(_run(line))
        if room < 0:
            break
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "msteams": {"width": "Full"},
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def slack(notice: Notice) -> Payload:
    """Blocks of plain text, and the title as what a phone shows."""
    header = {"type": "header", "text": _plain(notice.title, SLACK_HEADER)}
    blocks: list[Payload] = [header]
    for section in notice.sections:
        for text in _pieces(section):
            if len(blocks) == SLACK_BLOCKS:
                blocks.append({"type": "section", "text": _plain(LEFT_OUT, SLACK_SECTION)})
                return {"text": _escaped(notice.title), "blocks": blocks}
            blocks.append({"type": "section", "text": _plain(text, SLACK_SECTION)})
    return {"text": _escaped(notice.title), "blocks": blocks}


def as_json(notice: Notice) -> Payload:
    """The message as data, for a program of one's own."""
    return {
        "id": notice.id,
        "made_at": notice.made_at.isoformat(),
        "title": notice.title,
        "kinds": [str(kind) for kind in notice.kinds],
        "sections": [{"heading": one.heading, "lines": list(one.lines)} for one in notice.sections],
    }


FORMATS: Mapping[str, Callable[[Notice], Payload]] = {
    "teams": teams,
    "slack": slack,
    "json": as_json,
}


def _run(text: str, **style: str) -> Payload:
    run = {"type": "TextRun", "text": text, **style}
    return {"type": "RichTextBlock", "inlines": [run]}


def _pieces(section: NoticeSection) -> list[str]:
    """The section in texts that fit a block, cut between lines."""
    pieces = [section.heading]
    for line in section.lines:
        grown = f"{pieces[-1]}\n• {line}"
        if len(_escaped(grown)) <= SLACK_SECTION:
            pieces[-1] = grown
        else:
            pieces.append(f"• {line}")
    return pieces


def _plain(text: str, longest: int) -> Payload:
    escaped = _escaped(text)
    while len(escaped) > longest:
        text = text[: len(text) - (len(escaped) - longest) - 1] + "…"
        escaped = _escaped(text)
    return {"type": "plain_text", "text": escaped, "emoji": False}


def _escaped(text: str) -> str:
    """Slack reads these three as markup everywhere, also `<!channel>`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
