"""Whether a batch is what the profile allows: each test has a share of the budget."""
