"""What a pipeline was fitted on: a value in kilobytes, without a row of it."""
