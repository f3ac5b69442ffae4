"""Mistakes of a configuration file as values, and the one error that carries all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar

from syncd.sdk.errors import ConfigError

SettingPath = tuple[str | int, ...]
"""Where in the file: names of tables and settings, and positions in lists."""

PLACEHOLDER = "…"
"""What `syncd init` writes where a person has to fill in a value."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        place: `syncd.toml:12 [connections.north] base_url`.
        reason: what is wrong; never the value of a secret.
        remedy: what to write.
        line: of the file, None where no line is to blame.
    """

    place: str
    reason: str
    remedy: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}; {self.remedy}"


class ConfigErrors(ConfigError):
    """Every mistake of a configuration file at once.

    Attributes:
        problems: in the order of the file.
    """

    code: ClassVar[str] = "CONFIG_INVALID"

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            only = self.problems[0]
            super().__init__(f"{only.place}: {only.reason}", remedy=only.remedy)
            return
        listed = "".join(
            f"\n  {n}. {problem.place}: {problem.reason}\n       {problem.remedy}"
            for n, problem in enumerate(self.problems, 1)
        )
        super().__init__(
            f"{file} has {len(self.problems)} mistakes:{listed}",
            remedy="mend them all, then run `syncd check`",
        )


def closest(word: str, known: Sequence[str], otherwise: str = "remove it, or write") -> str:
    """A remedy for a word that is not known: the likely one, or all of them."""
    if not known:
        return "remove it"
    near = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    if len(known) > 30:
        return "look it up and write it as it is listed"
    return f"{otherwise} one of: {', '.join(sorted(known))}"
