"""Where the lock is enforced, and the frameworks that a locked object meets: one thin module for each."""
