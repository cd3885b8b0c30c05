"""Is the data what the object was fitted for? Profiles of data, and the diagnosis of a batch."""
