"""A job as a value: its name, options, arguments and payload. Never does I/O."""
