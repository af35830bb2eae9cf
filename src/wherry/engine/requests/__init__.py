"""What the engine does for a request, in a child that was forked or spawned for it."""
