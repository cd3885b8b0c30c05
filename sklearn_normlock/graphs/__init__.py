"""Does an exported graph do the same? Its identity, and its parity with the estimator that it was exported from."""
