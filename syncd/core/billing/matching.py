"""Proposals for linking accounts to the PSA's clients: exact ids first, then names as evidence.

Only an id that both sides hold is a proof. A name, however equal, is shown to a person with its
rivals and is never certain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz, process

from syncd.sdk.records import Account, PsaClient

PSA_CLIENT = "psa_client"
"""Name under which a source stores the PSA's client id in `Account.psa_ids`."""

LEAST_SCORE = 80
RIVAL_DISTANCE = 5
_OTHER_FORM = 90
_AKIN = 60

_LEGAL_FORM_WORDS = (
    "ab ag aps as asa bv bvba co company corp corporation cv eg ev gbr gmbh inc incorporated kft "
    "kg kgaa lda limited llc llp lp ltd ltda maatschap mbh nv ohg oy oyj plc pte pty pvt sa sarl "
    "sas sasu sl spa sprl srl stichting ug vof vzw"
)
_LEGAL_FORMS = frozenset(_LEGAL_FORM_WORDS.split())
_SHORT = {"limited": "ltd", "incorporated": "inc", "corporation": "corp", "company": "co"}
_JOINERS = frozenset({"and", "und", "en", "et", "y", "e", "og", "och", "the", "de", "het", "der"})
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_SLASHED = re.compile(r"\b(\w)/(\w)\b")
_WORD = re.compile(r"[^\W_]+")


class Origin(StrEnum):
    """What a proposal rests on.

    `conflict` is an id that proves nothing: it names two clients, or one that is not active.
    """

    ID = "id"
    NAME = "name"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A link that a person may confirm.

    Attributes:
        account: the source's account.
        client: the best candidate.
        origin: `id` is a proof and may be accepted without looking; all else may not.
        score: 100 for an id; for a name, how alike the names are, 0 to 100.
        evidence: one line for people.
        rivals: other clients that fit about as well; never empty on a name that is ambiguous.
    """

    account: Account
    client: PsaClient
    origin: Origin
    score: int
    evidence: str
    rivals: tuple[PsaClient, ...] = ()

    @property
    def certain(self) -> bool:
        return self.origin is Origin.ID


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in the forms that are compared: words in order, with umlauts cut or spelt out."""

    forms: tuple[str, ...]
    legal: tuple[str, ...]


def propose(
    accounts: Sequence[Account], clients: Sequence[PsaClient], *, system: str = ""
) -> list[Proposal]:
    """At most one proposal per account, in the order of the accounts.

    Args:
        accounts: accounts without a link.
        clients: all clients of the PSA.
        system: name under which the PSA stores this source's ids in `PsaClient.foreign_ids`.
    """
    by_id = _ids(clients)
    names = {client.key: comparable(client.name) for client in clients if client.active}
    pool = _Pool(clients, names)
    found: list[Proposal] = []
    for account in accounts:
        proposal = _by_id(account, by_id, system) or pool.best(account)
        if proposal is not None:
            found.append(proposal)
    return found


def comparable(name: str) -> _Name:
    """The words of a name without legal form, joining words, case, accents and punctuation."""
    lowered = unicodedata.normalize("NFC", name).casefold().replace(".", "").translate(_LETTERS)
    lowered = _SLASHED.sub(r"\1\2", lowered)
    cut = _words(lowered)
    spelt = _words(lowered.translate(_UMLAUTS))
    legal = tuple(sorted(_SHORT.get(word, word) for word in cut if word in _LEGAL_FORMS))
    forms = dict.fromkeys((_core(cut), _core(spelt)))
    return _Name(forms=tuple(forms), legal=legal)


class _Pool:
    """Names of all active clients, ready for comparison."""

    def __init__(self, clients: Sequence[PsaClient], names: Mapping[str, _Name]) -> None:
        self._clients = {client.key: client for client in clients}
        self._names = names
        self._choices = {
            (key, form): form for key, name in names.items() for form in name.forms if form
        }

    def best(self, account: Account) -> Proposal | None:
        name = comparable(account.name)
        scores: dict[str, int] = {}
        for form in filter(None, name.forms):
            for _, score, (key, _) in process.extract(
                form,
                self._choices,
                scorer=fuzz.ratio,
                score_cutoff=LEAST_SCORE,
                limit=None,
            ):
                shown = int(score)
                if name.legal != self._names[key].legal and name.legal and self._names[key].legal:
                    shown = min(shown, _OTHER_FORM)
                scores[key] = max(shown, scores.get(key, 0))
        ranked = sorted(scores, key=lambda key: (-scores[key], key))
        if not ranked:
            return None
        chosen = ranked[0]
        rivals = tuple(
            self._clients[key]
            for key in ranked[1:]
            if scores[chosen] - scores[key] <= RIVAL_DISTANCE
        )
        return Proposal(
            account=account,
            client=self._clients[chosen],
            origin=Origin.NAME,
            score=scores[chosen],
            evidence=_name_evidence(account, self._clients[chosen], scores[chosen], rivals),
            rivals=rivals,
        )


def _ids(clients: Sequence[PsaClient]) -> dict[tuple[str, str], list[PsaClient]]:
    """(name of the id, id) -> clients that hold it."""
    result: dict[tuple[str, str], list[PsaClient]] = {}
    for client in clients:
        result.setdefault((PSA_CLIENT, client.key), []).append(client)
        for name, value in client.foreign_ids.items():
            if value and name != PSA_CLIENT:
                result.setdefault((name, value), []).append(client)
    return result


def _by_id(
    account: Account, by_id: Mapping[tuple[str, str], list[PsaClient]], system: str
) -> Proposal | None:
    proofs: dict[str, PsaClient] = {}
    names: set[str] = set()
    reasons: list[str] = []
    for name, value in _own_ids(account, system):
        for client in by_id.get((name, value), ()):
            proofs[client.key] = client
            names.add(name)
            reasons.append(f"{name} {value} is client {client.key} '{client.name}'")
    if not proofs:
        return None
    chosen, *rivals = proofs.values()
    if not chosen.active:
        reasons.append(f"client {chosen.key} is not active")
    vouched = names != {system} or _akin(account, chosen)
    if not vouched:
        reasons.append("the names differ, and two connections of one vendor may share numbers")
    proven = not rivals and chosen.active and vouched
    return Proposal(
        account=account,
        client=chosen,
        origin=Origin.ID if proven else Origin.CONFLICT,
        score=100 if proven else 0,
        evidence="; ".join(reasons),
        rivals=tuple(rivals),
    )


def _akin(account: Account, client: PsaClient) -> bool:
    """Whether the names could be of one party; asked only where a bare number is the proof."""
    return any(
        fuzz.ratio(ours, theirs) >= _AKIN
        for ours in comparable(account.name).forms
        for theirs in comparable(client.name).forms
    )


def _own_ids(account: Account, system: str) -> Iterator[tuple[str, str]]:
    """Every id of the account that a client may hold as well."""
    yield from ((name, value) for name, value in account.psa_ids.items() if value)
    if system:
        yield system, account.key


def _name_evidence(
    account: Account, client: PsaClient, score: int, rivals: Sequence[PsaClient]
) -> str:
    text = f"'{account.name}' and '{client.name}' are {score} % alike"
    if rivals:
        others = ", ".join(f"{rival.key} '{rival.name}'" for rival in rivals)
        text += f"; ambiguous, as alike are {others}"
    return text


def _words(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", text)
    return _WORD.findall("".join(char for char in decomposed if not unicodedata.combining(char)))


def _core(words: Sequence[str]) -> str:
    """The words that tell one party from another, sorted; all of them if none are left."""
    kept = [word for word in words if word not in _LEGAL_FORMS and word not in _JOINERS]
    return " ".join(sorted(kept or words))
