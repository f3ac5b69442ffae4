"""The schema's history; run by `syncd.core.store.schema`, never by hand."""
