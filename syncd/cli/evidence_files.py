"""Writes an evidence pack as a folder or as one zip: all of it, or nothing that looks like it."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO, TextIO

from syncd.core.service.evidence_pack import BOM, EvidencePack, PackFile
from syncd.sdk.errors import ConfigError

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a zip, so that the same evidence is the same bytes."""


def write_pack(pack: EvidencePack, target: Path) -> dict[str, int]:
    """Write the pack; a target that ends in `.zip` becomes one file.

    Returns:
        rows by file name, headers not counted.

    Raises:
        ConfigError: the target cannot be written, or is a folder with something in it.
    """
    if target.is_dir() and any(target.iterdir()):
        message = f"{target} is a folder with something in it"
        raise ConfigError(message, remedy="name a new folder, or a file that ends in .zip")
    writer = _zip if target.suffix.lower() == ".zip" else _folder
    try:
        return writer(pack, target)
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror}"
        raise ConfigError(message, remedy="name a place you may write to") from error


def _folder(pack: EvidencePack, target: Path) -> dict[str, int]:
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        rows = {}
        for file in pack.files():
            with (beside / file.name).open("w", encoding="utf-8", newline="") as stream:
                rows[file.name] = _write(file, stream)
        beside.rename(target)
    except BaseException:
        shutil.rmtree(beside)
        raise
    return rows


def _zip(pack: EvidencePack, target: Path) -> dict[str, int]:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    beside = Path(name)
    try:
        rows = {}
        with os.fdopen(handle, "wb") as whole, zipfile.ZipFile(whole, "w") as archive:
            for file in pack.files():
                info = zipfile.ZipInfo(file.name, date_time=_EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o600 << 16
                with archive.open(info, "w") as member:
                    rows[file.name] = _through(member, file)
        beside.replace(target)
    except BaseException:
        beside.unlink()
        raise
    return rows


def _through(member: IO[bytes], file: PackFile) -> int:
    with io.TextIOWrapper(member, encoding="utf-8", newline="") as out:
        return _write(file, out)


def _write(file: PackFile, stream: TextIO) -> int:
    """One file, row by row; spreadsheets expect CR LF."""
    if not file.columns:
        return sum(bool(stream.write(f"{row[0]}\r\n")) for row in file.rows())
    stream.write(BOM)
    target = csv.writer(stream, lineterminator="\r\n")
    target.writerow(file.columns)
    count = 0
    for row in file.rows():
        target.writerow(row)
        count += 1
    return count
