"""Is it the same? Environments and records compared."""
