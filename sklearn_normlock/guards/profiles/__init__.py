"""The profile of the data that a pipeline was fitted on: kilobytes, and no row."""
