"""The ledger of which units existed from which pull to which.

Storage and time grow with changes, not with fleet times days; every count, list and replay is a
query over the intervals.
"""
