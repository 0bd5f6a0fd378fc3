"""The push side: from a checked job to Redis, once."""
