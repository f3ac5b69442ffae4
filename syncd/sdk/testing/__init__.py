"""What an author of a connector tests with; nothing here runs in production.

`usage`, `psa`, `links`, `ledger` and `ledger_after` hold the rules that every connector keeps, as
classes to inherit from; `faults` breaks a simulator by script; `fakes` stand in for the host.
"""
