"""The arithmetic of bills: pure functions over frozen values.

No I/O, no clock, no logging. The rules are in `docs/billing.md`; each golden case is a test.
"""
