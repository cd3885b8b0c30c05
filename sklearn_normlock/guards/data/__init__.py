"""Tables of any library that are handed over, and small requests gathered."""
