"""Programs that measure; what they printed stands in `bench/README.md`."""
