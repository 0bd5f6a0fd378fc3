"""The command ``offsider-issuer``: one file a command."""
