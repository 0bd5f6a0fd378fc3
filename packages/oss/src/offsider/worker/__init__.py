"""The work side: fetch, run, settle, and live with failures."""
