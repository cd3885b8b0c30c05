"""Is it the same? The lock as a document, its making, verification and report."""
