"""Invoices into books: from a PSA's invoice to a document, and from an answer to a verdict.

Pure functions over frozen values: no I/O, no clock, no logging. What they refuse has a name, and
what they let pass is predicted to the cent.
"""
