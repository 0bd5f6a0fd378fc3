"""``offsider demo``: real input through a real worker. Uses only what every user has."""
