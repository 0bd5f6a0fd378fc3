"""Counters of what was done: kept in memory, carried to Redis by the heartbeat. Never on the path of a job."""
