"""QuickBooks Online for syncd: sales invoices and credit memos in the books of one company."""
