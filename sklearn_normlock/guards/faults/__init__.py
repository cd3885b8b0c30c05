"""What may have happened to a batch: each fault with its words and its inverse."""
