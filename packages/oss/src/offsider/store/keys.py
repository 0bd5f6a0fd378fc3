"""Every key in Redis is made here. Makes text, never talks to Redis."""

from __future__ import annotations


class Keys:
    """The keys of one namespace.

    With a namespace every key begins with ``{namespace}:``; the braces keep all of them in one slot of a Redis
    Cluster, so that every script works there. Without one, the layout is Sidekiq's own.

    Example:
        >>> Keys("shop").queue("mail")
        '{shop}:queue:mail'
        >>> Keys("").queue("mail")
        'queue:mail'
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.prefix = prefix = f"{{{namespace}}}:" if namespace else ""
        self.queues = f"{prefix}queues"
        self.schedule = f"{prefix}schedule"
        self.retry = f"{prefix}retry"
        self.dead = f"{prefix}dead"
        self.quarantine = f"{prefix}quarantine"
        self.processes = f"{prefix}processes"
        self.owners = f"{prefix}owners"
        self.schedule_bell = f"{prefix}bell-schedule"
        self.totals = f"{prefix}totals"
        self.profiles = f"{prefix}profiles"

    def queue(self, name: str) -> str:
        """A list of payloads: pushed left, taken right."""
        return f"{self.prefix}queue:{name}"

    def bell(self, queue: str) -> str:
        """A list of at most one token: somebody pushed to the queue."""
        return f"{self.prefix}bell:{queue}"

    def inflight(self, owner: str) -> str:
        """A hash, field → payload: what an owner has taken and not settled."""
        return f"{self.prefix}inflight:{owner}"

    def cursor(self, jid: str) -> str:
        """A hash: how far a resumable job is, and whether somebody has cancelled it."""
        return f"{self.prefix}it-{jid}"

    def lane(self, lane: str) -> str:
        """The number of the last push of one producer lane."""
        return f"{self.prefix}lane:{lane}"

    def refusals(self, lane: str) -> str:
        """A list: which jobs of the last push of a lane, or of its key, were refused; its number first."""
        return f"{self.prefix}refusals:{lane.removeprefix(self.lane(''))}"

    def process(self, identity: str) -> str:
        """A hash: what the process list shows."""
        return f"{self.prefix}{identity}"

    def work(self, identity: str) -> str:
        """A hash: what a process runs now."""
        return f"{self.prefix}{identity}:work"

    def signals(self, identity: str) -> str:
        """A list of signals for a process, taken with each heartbeat."""
        return f"{self.prefix}{identity}-signals"

    def cancels(self, identity: str) -> str:
        """A hash, ``OWNER FIELD`` → jid: running jobs that a process is asked to end."""
        return f"{self.prefix}cancels:{identity}"

    def cancels_bell(self, identity: str) -> str:
        """A list of at most one token: there is something in `cancels`."""
        return f"{self.prefix}bell-cancels:{identity}"

    def result(self, jid: str) -> str:
        """A list of one element: what a job has returned."""
        return f"{self.prefix}result:{jid}"

    def stat(self, name: str, day: str | None = None) -> str:
        """A counter, in all or of one UTC day (``YYYY-MM-DD``)."""
        return f"{self.prefix}stat:{name}" if day is None else f"{self.prefix}stat:{name}:{day}"

    def job_counts(self, stamp: str) -> str:
        """A hash: how many attempts of each job ended in a minute or in ten (``YYMMDD|H:MM``, ``YYMMDD|H:M``)."""
        return f"{self.prefix}j|{stamp}"

    def job_times(self, name: str, stamp: str) -> str:
        """A hash: run times and waiting times of one job in a minute or in ten."""
        return f"{self.prefix}m|{name}|{stamp}"

    def queue_metrics(self, stamp: str) -> str:
        """A hash: counts and times of each queue in a minute or in ten."""
        return f"{self.prefix}q|{stamp}"

    def histogram(self, name: str, stamp: str) -> str:
        """26 numbers of 16 bits: run times of one job in a minute (``D-H:M``), for Sidekiq's pages."""
        return f"{self.prefix}h|{name}-{stamp}"

    def flushed(self, identity: str) -> str:
        """The number of the last metrics that a process has brought."""
        return f"{self.prefix}flush:{identity}"

    def marks(self, date: str) -> str:
        """A hash, minute → label: deploys of one UTC day (``YYYYMMDD``)."""
        return f"{self.prefix}{date}-marks"

    def deploy_lock(self, label: str) -> str:
        """There while this label is not told again."""
        return f"{self.prefix}deploylock-{label}"

    def profile(self, token: str, jid: str) -> str:
        """A hash: one profile."""
        return f"{self.prefix}{token}-{jid}"
