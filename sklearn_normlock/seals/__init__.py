"""Still what was fitted? Seals of objects, and the ways out of them."""
