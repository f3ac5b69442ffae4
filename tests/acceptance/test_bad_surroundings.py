"""A full disk, a locked or older database: a sentence with a remedy, and nothing half-written."""

from __future__ import annotations

import resource
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


def test_a_full_disk_leaves_the_ledger_as_it_was(site: Site) -> None:
    """A limit on the size of files stands in for the disk: the write fails with the same error."""
    site.run("pull")
    file = site.folder / "syncd.db"
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = database.execute("SELECT count(*), max(seq) FROM pull").fetchone()
    done = _with_small_files(site, file.stat().st_size)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "disk" in done.stderr.lower() or "full" in done.stderr.lower(), done.stderr
    with sqlite3.connect(file) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*), max(seq) FROM pull").fetchone() == before
    site.run("pull")


def _with_small_files(site: Site, size: int) -> subprocess.CompletedProcess[str]:
    import os
    import signal

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 8, size // 8))

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
