"""The only room that talks to Redis: keys, connections, scripts, the embedded server."""
