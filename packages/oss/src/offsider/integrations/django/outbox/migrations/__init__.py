"""Of the outbox."""
