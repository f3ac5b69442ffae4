"""A full disk, a locked or older database: a sentence with a remedy, and nothing half-written."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.builders_site import Site


def test_a_locked_database_is_a_sentence(site: Site) -> None:
    site.run("pull")
    with sqlite3.connect(site.folder / "syncd.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = site.run("pull", expect=None)
        other.execute("ROLLBACK")
    assert done.code == 5, done.said
    assert "locked" in done.err
    assert "Traceback" not in done.said
    site.run("pull")


def test_an_older_database_is_refused_with_the_command_that_mends_it(site: Site) -> None:
    site.run("pull")
    with sqlite3.connect(site.folder / "syncd.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")
    done = site.run("pull", expect=2)
    assert "syncd db upgrade" in done.err


SMALL = 16 * 1024
"""Bytes a file may grow to while the disk is "full": less than the journal of one pull."""


def test_a_full_disk_leaves_the_ledger_as_it_was(site: Site) -> None:
    """A limit on the size of files stands in for the disk: the write fails in the same place."""
    site.run("pull")
    with sqlite3.connect(site.folder / "syncd.db") as other:
        before = other.execute("SELECT count(*), max(seq) FROM pull").fetchone()
        done = _with_small_files(site)
        assert done.returncode == 5, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "disk" in done.stderr, done.stderr
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert other.execute("SELECT count(*), max(seq) FROM pull").fetchone() == before
    site.run("pull")


def _with_small_files(site: Site) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, SMALL))

    return subprocess.run(
        [sys.executable, "-m", "syncd", "pull"],
        cwd=site.folder,
        env={**os.environ, **site.secrets, "SYNCD_NOW": site.world.now().isoformat()},
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
        timeout=120,
    )


def test_a_missing_configuration_names_the_command_that_writes_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "syncd", "check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "syncd init" in done.stderr
