"""What a thing of the PSA may be in a book: linked before anything is created, with the evidence.

Long ids, short ones with an equal name, codes and equal names are proposed to be taken over; what
is only alike is a suggestion that fills in nothing. A short id alone is a counter of some system.
Inactive entries and holders of a name are looked at too, since a book refuses to create what they
block.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rapidfuzz import fuzz, process

from syncd.core.billing.matching import comparable
from syncd.core.invoicing.ledger_map import DEFAULT
from syncd.core.service.ledger_uses import Use
from syncd.core.store.ledger_references import References
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind

_LEAST: Final = 80
_SUGGESTED: Final = 3
_LONG: Final = 16
"""Ids of so many characters are no counters: two systems do not have the same one by chance."""


class Ground(StrEnum):
    """What a proposal rests on, the strongest first."""

    ID = "id"
    FOREIGN_KEY = "foreign key"
    NUMBER = "number"
    NAME = "name"
    RATE = "rate"
    TAKEN = "name taken"
    SIMILAR = "similar"
    NONE = "none"


_FILLED: Final = frozenset({Ground.ID, Ground.FOREIGN_KEY, Ground.NUMBER, Ground.NAME})


@dataclass(frozen=True, slots=True, kw_only=True)
class BookProposal:
    """A counterpart that a person may take over.

    Attributes:
        kind: of what.
        source: the PSA's key.
        source_name: for people.
        target: key of the book's entry; empty where nothing is sure enough to be filled in.
        target_name: for people.
        ground: what it rests on.
        evidence: one line.
        invoices: how many waiting invoices need it.
    """

    kind: ReferenceKind
    source: str
    source_name: str
    target: str = ""
    target_name: str = ""
    ground: Ground
    evidence: str
    invoices: int


def propose(
    uses: Iterable[Use],
    references: References,
    *,
    foreign_ids: Mapping[str, Collection[str]] | None = None,
    skus: Mapping[str, str] | None = None,
) -> list[BookProposal]:
    """One proposal for each thing, with what speaks for it or what is in the way.

    Args:
        uses: what needs a counterpart.
        references: the book's catalogues, inactive entries and holders of names included.
        foreign_ids: PSA client -> ids of it that the PSA keeps of other systems.
        skus: PSA product -> its code, where one is known.
    """
    pools: dict[ReferenceKind, _Pool] = {}
    found = []
    for use in uses:
        if use.kind not in pools:
            pools[use.kind] = _Pool([one for one in references.values() if one.kind is use.kind])
        ids = (foreign_ids or {}).get(use.source, ()) if use.kind is ReferenceKind.CONTACT else ()
        code = (skus or {}).get(use.source, "") if use.kind is ReferenceKind.ITEM else use.source
        found.append(_proposed(use, pools[use.kind], frozenset(ids), code))
    return found


class _Pool:
    """Entries of one kind, ready to be found."""

    def __init__(self, entries: Sequence[LedgerReference]) -> None:
        self.entries = entries
        self.by_key = {one.key: one for one in entries}
        self.by_foreign: dict[str, list[LedgerReference]] = {}
        self.by_code: dict[str, list[LedgerReference]] = {}
        self.by_name: dict[str, list[LedgerReference]] = {}
        for one in entries:
            if one.foreign_key:
                self.by_foreign.setdefault(one.foreign_key, []).append(one)
            if one.code:
                self.by_code.setdefault(one.code.casefold(), []).append(one)
            for name in {plain(one.name), plain(one.name.rpartition(" / ")[2])}:
                self.by_name.setdefault(name, []).append(one)
        self._alike = {
            (one.key, form): form
            for one in entries
            if usable(one)
            for form in comparable(one.name).forms
            if form
        }

    def alike(self, name: str) -> list[tuple[LedgerReference, int]]:
        """Usable entries of a similar name, the most alike first."""
        scores: dict[str, int] = {}
        for form in filter(None, comparable(name).forms):
            for _, score, (key, _) in process.extract(
                form, self._alike, scorer=fuzz.ratio, score_cutoff=_LEAST, limit=None
            ):
                scores[key] = max(int(score), scores.get(key, 0))
        ranked = sorted(scores, key=lambda key: (-scores[key], key))
        return [(self.by_key[key], scores[key]) for key in ranked[:_SUGGESTED]]


def usable(entry: LedgerReference) -> bool:
    """Whether documents may name it."""
    return entry.active and not entry.blocked


def plain(name: str) -> str:
    """A name as books compare it: without case and outer or double spaces."""
    return " ".join(name.casefold().split())


def holder_of(entry: LedgerReference) -> str:
    """Why an entry cannot be used although it is there, for people."""
    if entry.blocked:
        return entry.detail.get("type", "an entry of another kind")
    return "gone from the book" if "gone" in entry.detail else "inactive or archived"


def _proposed(use: Use, pool: _Pool, ids: frozenset[str], code: str) -> BookProposal:
    sure = (
        [(one, Ground.ID, f"the PSA knows it as {one.key}")
         for key in sorted(ids) if (one := pool.by_key.get(key)) is not None]
        or [(one, Ground.FOREIGN_KEY, f"the book keeps {use.source} with it")
            for one in pool.by_foreign.get(use.source, ())
            if use.kind in {ReferenceKind.CONTACT, ReferenceKind.ITEM}]
        or [(one, Ground.NUMBER, f"both have the code {one.code}")
            for one in pool.by_code.get(code.casefold(), ())
            if code and use.kind in {ReferenceKind.ACCOUNT, ReferenceKind.ITEM}]
    )  # fmt: skip
    named = pool.by_name.get(plain(use.name), []) if use.name else []
    proven = [one for one in sure if _fits(one[0], one[1], named)]
    if proven:
        return _one_of(use, proven)
    if sure:
        return _contradicted(use, sure, named)
    if use.source == DEFAULT:
        words = "of lines that name none: choose one for everything else"
        return _answer(use, None, Ground.NONE, words)
    if use.kind is ReferenceKind.TAX:
        return _by_rate(use, pool)
    if use.kind is ReferenceKind.CURRENCY:
        return _answer(use, None, Ground.NONE, f"the book does not use {use.source}")
    named = pool.by_name.get(plain(use.name or use.source), [])
    fitting = [one for one in named if usable(one)]
    if fitting:
        evidence = f"it is called '{fitting[0].name}' in both"
        return _one_of(use, [(one, Ground.NAME, evidence) for one in fitting])
    if named:
        holders = "; ".join(f"{one.key} is {holder_of(one)}" for one in named)
        words = f"the name is taken: {holders}; restore it and map it, or rename one"
        return _answer(use, None, Ground.TAKEN, words)
    return _similar(use, pool)


def _fits(entry: LedgerReference, ground: Ground, named: Collection[LedgerReference]) -> bool:
    """Whether it proves the entry: a code, an id that is no counter, or any with the name."""
    if ground is Ground.NUMBER or entry in named:
        return True
    return ground is Ground.ID and len(entry.key) >= _LONG


def _contradicted(
    use: Use,
    sure: Sequence[tuple[LedgerReference, Ground, str]],
    named: Collection[LedgerReference],
) -> BookProposal:
    """Short ids whose entries have another name, beside those that have the name."""
    told = [f"{why}, which is {entry.key} '{entry.name}'" for entry, _, why in sure]
    told += [f"called alike: {one.key} '{one.name}'" for one in named if usable(one)]
    return _answer(use, None, Ground.SIMILAR, "; ".join(told))


def _one_of(use: Use, candidates: Sequence[tuple[LedgerReference, Ground, str]]) -> BookProposal:
    """The only usable candidate; several, or none that can be used, are a person's to choose."""
    fitting = [one for one in candidates if usable(one[0])]
    if not fitting:
        entry, _, why = candidates[0]
        return _answer(use, None, Ground.TAKEN, f"{why}, and {entry.key} is {holder_of(entry)}")
    if len({one[0].key for one in fitting}) > 1:
        listed = ", ".join(f"{one[0].key} '{one[0].name}'" for one in fitting)
        return _answer(use, None, Ground.SIMILAR, f"several fit alike: {listed}")
    entry, ground, why = fitting[0]
    return _answer(use, entry, ground, why)


def _by_rate(use: Use, pool: _Pool) -> BookProposal:
    """A rate above 0 narrows tax codes down; nothing tells the kinds of nothing apart."""
    if use.rate is None or not use.rate:
        words = "no rate, or 0 %: zero_rated, exempt and out_of_scope are a person's to tell apart"
        return _answer(use, None, Ground.NONE, words)
    fitting = [one for one in pool.entries if usable(one) and sum(one.rates) == use.rate]
    if not fitting:
        return _answer(use, None, Ground.NONE, f"no tax code of the book has {use.rate} %")
    listed = ", ".join(f"{one.key} '{one.name}'" for one in fitting[:_SUGGESTED])
    return _answer(use, None, Ground.RATE, f"{use.rate} % have: {listed}")


def _similar(use: Use, pool: _Pool) -> BookProposal:
    near = pool.alike(use.name or use.source)
    if not near:
        return _answer(use, None, Ground.NONE, "nothing in the book is called alike")
    listed = ", ".join(f"{one.key} '{one.name}' ({score} %)" for one, score in near)
    return _answer(use, None, Ground.SIMILAR, f"called alike: {listed}")


def _answer(use: Use, entry: LedgerReference | None, ground: Ground, evidence: str) -> BookProposal:
    filled = entry is not None and ground in _FILLED
    return BookProposal(
        kind=use.kind,
        source=use.source,
        source_name=use.name,
        target=entry.key if entry is not None and filled else "",
        target_name=entry.name if entry is not None and filled else "",
        ground=ground,
        evidence=evidence,
        invoices=use.invoices,
    )
