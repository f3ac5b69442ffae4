"""The `syncd` command: one file per noun, imported when it is used."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from syncd.garbage import collect_seldom

    collect_seldom()
    from syncd.cli.app import run

    run()
