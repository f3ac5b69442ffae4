"""From a table of the file to a validated model, each of its mistakes with place and remedy.

Secrets are resolved here and nowhere else; no message repeats a value that could be one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncd.config.places import Places
from syncd.config.problem import PLACEHOLDER, Problem, SettingPath, closest
from syncd.config.secret import HOW, SecretMissing, is_reference, resolve, wants_secret, wants_text

ModelT = TypeVar("ModelT", bound=BaseModel)

_LEFT_OUT = "left out"
"""Stands for a secret that is not there; a model with it is never handed out while it is used."""

_REASONS = {
    "missing": ("is missing", "add it"),
    "int_type": ("is not a whole number", "write digits without quotes"),
    "int_parsing": ("is not a whole number", "write digits without quotes"),
    "int_from_float": ("is not a whole number", "write digits without a point"),
    "float_type": ("is not a number", "write digits without quotes"),
    "float_parsing": ("is not a number", "write digits without quotes"),
    "bool_type": ("is neither true nor false", "write true or false, without quotes"),
    "bool_parsing": ("is neither true nor false", "write true or false, without quotes"),
    "string_type": ("is not a text", "write it in double quotes"),
    "decimal_parsing": ("is not an amount", 'write it like "250.00"'),
    "decimal_type": ("is not an amount", 'write it like "250.00"'),
    "list_type": ("is not a list", "write [ …, … ]"),
    "tuple_type": ("is not a list", "write [ …, … ]"),
    "dict_type": ("is not a table", "write { name = value }"),
    "model_type": ("is not a table", "write { name = value }"),
}

_BOUNDS = {
    "greater_than_equal": ("is too small", "write {} or more", "ge"),
    "greater_than": ("is too small", "write more than {}", "gt"),
    "less_than_equal": ("is too large", "write at most {}", "le"),
    "less_than": ("is too large", "write less than {}", "lt"),
    "string_too_short": ("is too short", "write at least {} characters", "min_length"),
    "string_too_long": ("is too long", "write at most {} characters", "max_length"),
    "string_pattern_mismatch": ("has another form than asked for", "match {}", "pattern"),
}


@dataclass(slots=True)
class Check:
    """What has been found so far in one file.

    Attributes:
        places: lines of the file.
        folder: of the file, for relative paths.
        lost: settings whose statement did not parse; they are not called missing.
        problems: mistakes.
        warnings: what works but deserves a look.
    """

    places: Places
    folder: Path
    lost: set[SettingPath] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def add(self, path: SettingPath, reason: str, remedy: str) -> None:
        self.problems.append(self.places.problem(path, reason, remedy))

    def warn(self, path: SettingPath, reason: str, remedy: str) -> None:
        self.warnings.append(self.places.problem(path, reason, remedy))

    def is_lost(self, path: SettingPath) -> bool:
        return () in self.lost or path in self.lost

    def model(
        self,
        kind: type[ModelT],
        values: Mapping[str, Any],
        path: SettingPath,
        *,
        resting: bool = False,
        known_bad: frozenset[str] = frozenset(),
    ) -> ModelT | None:
        """The validated table, or None after its mistakes were noted.

        Args:
            kind: model of the table.
            values: as parsed.
            path: of the table.
            resting: the connection is switched off, so that a missing secret is no mistake.
            known_bad: settings whose mistake was noted before.
        """
        before = len(self.problems)
        known = self._known(kind, values, path)
        filled, skip = self._with_secrets(kind, known, path, resting=resting)
        skip |= {(*path, name) for name in known_bad}
        try:
            made = kind.model_validate(filled)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_context=True):
                where = path + tuple(detail["loc"])
                if not any(where[: len(broken)] == broken for broken in skip):
                    self._add_detail(kind, detail, path, where)
            return None
        return made if len(self.problems) == before else None

    def _known(
        self, kind: type[BaseModel], values: Mapping[str, Any], path: SettingPath
    ) -> dict[str, Any]:
        """The values without unknown names, which are noted."""
        names = setting_names(kind)
        for name in values:
            if name not in names:
                self.add((*path, name), "there is no such setting", closest(name, list(names)))
        return {name: value for name, value in values.items() if name in names}

    def _with_secrets(
        self, kind: type[BaseModel], values: Mapping[str, Any], path: SettingPath, *, resting: bool
    ) -> tuple[dict[str, Any], set[SettingPath]]:
        """The values with references resolved, and the paths whose reference is a mistake."""
        filled = dict(values)
        broken: set[SettingPath] = set()
        for name, field_name in setting_names(kind).items():
            if name not in values:
                continue
            value, annotation = values[name], kind.model_fields[field_name].annotation
            inner = model_of(annotation)
            if inner is not None and isinstance(value, Mapping):
                filled[name], below = self._with_secrets(
                    inner, value, (*path, name), resting=resting
                )
                broken |= below
            elif inner is not None and isinstance(value, list):
                filled[name], below = self._rows(inner, value, (*path, name), resting=resting)
                broken |= below
            elif isinstance(value, str) and PLACEHOLDER in value:
                self.add((*path, name), "is not filled in yet", f"replace the {PLACEHOLDER}")
                broken.add((*path, name))
            elif wants_secret(annotation) and not isinstance(value, Mapping):
                self.add((*path, name), "a secret stands in the file in plain text", HOW)
                filled[name] = _LEFT_OUT
                broken.add((*path, name))
            elif wants_secret(annotation) or (is_reference(value) and wants_text(annotation)):
                filled[name] = self._resolved(value, (*path, name), resting=resting)
                if filled[name] is _LEFT_OUT:
                    broken.add((*path, name))
        return filled, broken

    def _rows(
        self, kind: type[BaseModel], rows: list[Any], path: SettingPath, *, resting: bool
    ) -> tuple[list[Any], set[SettingPath]]:
        """The tables of a list with references resolved, as `_with_secrets` does for one."""
        filled: list[Any] = []
        broken: set[SettingPath] = set()
        for number, row in enumerate(rows):
            if isinstance(row, Mapping):
                made, below = self._with_secrets(kind, row, (*path, number), resting=resting)
                filled.append(made)
                broken |= below
            else:
                filled.append(row)
        return filled, broken

    def _resolved(self, reference: Mapping[str, Any], path: SettingPath, *, resting: bool) -> str:
        try:
            found = resolve(reference, self.folder)
        except SecretMissing as error:
            if not resting:
                self.add(path, str(error), error.remedy)
            return _LEFT_OUT
        if found.warning:
            self.warn(path, found.warning, "take the right away: chmod o-r FILE")
        return found.value

    def _add_detail(
        self, kind: type[BaseModel], detail: ErrorDetails, table: SettingPath, path: SettingPath
    ) -> None:
        context = detail.get("ctx", {})
        around = _model_around(kind, path[len(table) :])
        if detail["type"] == "missing":
            if not self.is_lost(path):
                self.add(path, "is missing", f"add `{path[-1]} = …`{_meaning(around, path)}")
        elif detail["type"] == "extra_forbidden":
            names = list(setting_names(around)) if around is not None else []
            self.add(path, "there is no such setting", closest(str(path[-1]), names))
        elif detail["type"] in {"literal_error", "enum"}:
            given, choices = detail["input"], _choices(context.get("expected", ""))
            reason = f"'{given}' is not one of its values" if isinstance(given, str) else "is wrong"
            self.add(path, reason, closest(str(given), choices, "write"))
        elif detail["type"] == "value_error":
            error = context.get("error")
            reason, _, advice = str(error or detail["msg"]).partition("; ")
            self.add(path, reason, getattr(error, "remedy", "") or advice or "mend the value")
        elif detail["type"] in _REASONS:
            self.add(path, *_REASONS[detail["type"]])
        elif detail["type"] in _BOUNDS:
            reason, remedy, bound = _BOUNDS[detail["type"]]
            self.add(path, reason, remedy.format(context.get(bound)))
        else:
            message = detail["msg"].removeprefix("Input ").replace("should", "must")
            self.add(path, message[:1].lower() + message[1:], "mend the value")


def setting_names(kind: type[BaseModel]) -> dict[str, str]:
    """Names of the settings as written in the file, to the names of the model's fields."""
    return {info.alias or name: name for name, info in kind.model_fields.items()}


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model that a setting's type is, also inside of an Optional, a list or a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (model_of(member) for member in get_args(annotation))
    return next((found for found in inner if found is not None), None)


def _model_around(kind: type[BaseModel], path: SettingPath) -> type[BaseModel] | None:
    """The model whose setting the path names."""
    around: type[BaseModel] | None = kind
    for part in path[:-1]:
        if around is None:
            return None
        if isinstance(part, str) and part in (names := setting_names(around)):
            around = model_of(around.model_fields[names[part]].annotation)
    return around


def _choices(expected: str) -> list[str]:
    return [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(",")]


def _meaning(kind: type[BaseModel] | None, path: SettingPath) -> str:
    info = kind.model_fields.get(str(path[-1])) if kind is not None else None
    return f": {info.description.rstrip('.')}" if info is not None and info.description else ""
