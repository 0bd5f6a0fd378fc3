"""The read-and-manage side: what lies in Redis, looked at and acted on. Never on the path of a job."""
