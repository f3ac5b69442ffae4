"""Xero for syncd: sales invoices and credit notes in the books of one organisation."""
