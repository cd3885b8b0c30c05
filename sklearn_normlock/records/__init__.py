"""What differs? The record of a state, compared: changes, relations, effects."""
