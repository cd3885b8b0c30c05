"""How is it written? Typed reading with growing paths, versioned envelopes, files written whole."""
