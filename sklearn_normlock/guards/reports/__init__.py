"""The finding, and how it is said."""
