"""A real Redis Cluster on loopback: three masters, more nodes when a test wants them, slots moved as operators do."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from .server import Server, free_port
from .waiting import until

SLOTS = 16_384
BUS = 10_000  # a node's other port, above its own
HIGHEST_PORT = 65_535
NODE_TIMEOUT_MS = 1000
NAMESPACE = "offsider"


def cluster_port() -> int:
    """A free port whose neighbour, for the nodes among themselves, is free, too."""
    while True:
        port = free_port()
        if port + BUS > HIGHEST_PORT:
            port -= BUS
        with socket.socket() as own, socket.socket() as bus:
            try:
                own.bind(("127.0.0.1", port))
                bus.bind(("127.0.0.1", port + BUS))
            except OSError:
                continue
            return port


class Node(Server):
    """One node."""

    def __init__(self, folder: Path, *options: str) -> None:
        cluster = ("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout")
        super().__init__(folder, *cluster, str(NODE_TIMEOUT_MS), *options)
        self.port = cluster_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def tell(self, *words: Any) -> Any:
        """Ask the node itself."""
        client: Any = self.client()
        try:
            return client.execute_command(*words)
        finally:
            client.close()

    @property
    def id(self) -> str:
        """Its name among the nodes."""
        return str(self.tell("CLUSTER", "MYID").decode())


class Cluster:
    """Three masters that share the slots. To tests of one server it is the node that has the usual namespace.

    Attributes:
        url: ``redis+cluster://…`` of all first nodes.
        nodes: All of them.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._options = options
        self.nodes: list[Node] = []
        self.url = ""

    def start(self) -> Cluster:
        """Start them, share the slots, and wait until each sees all."""
        self.nodes = [self._node() for _ in range(3)]
        share = SLOTS // 3 + 1
        for k, node in enumerate(self.nodes):
            node.tell("CLUSTER", "ADDSLOTS", *range(k * share, min((k + 1) * share, SLOTS)))
            node.tell("CLUSTER", "SET-CONFIG-EPOCH", k + 1)
        for node in self.nodes[1:]:
            self._introduce(node)
        until(self.agrees, 30, "the nodes of the cluster know each other")
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return self

    def add_replica(self, of: Node) -> Node:
        """Another node, which copies one."""
        node, master = self._node(), of.id
        self._introduce(node)
        until(lambda: master in str(node.tell("CLUSTER", "NODES")), 20, "the replica knows its master")
        node.tell("CLUSTER", "REPLICATE", master)
        until(lambda: b"master_link_status:up" in self._info(node), 20, "the replica has its copy")
        return node

    def owner(self, namespace: str = NAMESPACE) -> Node:
        """The node that has a namespace."""
        return self.by_port(self._owner_port(key_slot(namespace.encode())))

    def other(self, namespace: str = NAMESPACE) -> Node:
        """A master that does not have it."""
        owner = self.owner(namespace)
        return next(node for node in self.nodes if node is not owner and b"role:master" in self._info(node))

    def by_port(self, port: int) -> Node:
        """One of the nodes."""
        return next(node for node in self.nodes if node.port == port)

    def begin_move(self, namespace: str, target: Node) -> Node:
        """The first half of a migration: both nodes know that the slot is on its way. Returns who has had it."""
        slot, source = key_slot(namespace.encode()), self.owner(namespace)
        target.tell("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.tell("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        return source

    def move_keys(self, namespace: str, source: Node, target: Node) -> None:
        """All keys, ten at a time."""
        slot = key_slot(namespace.encode())
        while keys := source.tell("CLUSTER", "GETKEYSINSLOT", slot, 10):
            source.tell("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)

    def end_move(self, namespace: str, target: Node) -> None:
        """The other half: everybody knows who has it."""
        slot = key_slot(namespace.encode())
        for node in (target, *(one for one in self.nodes if one is not target)):
            if b"role:master" in self._info(node):
                node.tell("CLUSTER", "SETSLOT", slot, "NODE", target.id)
        until(self.agrees, 20, "the nodes agree again")

    def move(self, namespace: str, target: Node) -> None:
        """A whole migration, as ``redis-cli --cluster reshard`` makes it."""
        source = self.begin_move(namespace, target)
        self.move_keys(namespace, source, target)
        self.end_move(namespace, target)

    def move_at_once(self, namespace: str, target: Node) -> bool:
        """The same as servers that can do it by themselves do it; False where they cannot."""
        slot, source = key_slot(namespace.encode()), self.owner(namespace)
        try:
            source.tell("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target.id)
        except redis.ResponseError:
            return False
        until(lambda: self.owner(namespace) is target and self.agrees(), 20, "the slot is there")
        return True

    def agrees(self) -> bool:
        """Every node is well, and sees the same owners."""
        living = [node for node in self.nodes if node.is_alive]
        views = []
        for node in living:
            if b"cluster_state:ok" not in node.tell("CLUSTER", "INFO"):
                return False
            views.append(sorted((low, high, members[0][1]) for low, high, *members in node.tell("CLUSTER", "SLOTS")))
        return all(view == views[0] for view in views) and len(views[0]) >= 3

    # -- as one server -----------------------------------------------------------------------------------------

    def client(self) -> redis.Redis:
        """A client of the node with the usual namespace."""
        return self.owner().client()

    def empty(self) -> None:
        """Forget everything."""
        for node in self.nodes:
            if node.is_alive and b"role:master" in self._info(node):
                node.tell("FLUSHALL")
                node.tell("SCRIPT", "FLUSH")

    def stop(self) -> None:
        """End all; tolerates twice."""
        for node in self.nodes:
            node.stop()

    def _node(self) -> Node:
        node = Node(self.folder / f"node{len(self.nodes)}", *self._options)
        node.start()
        self.nodes.append(node)
        return node

    def _introduce(self, node: Node) -> None:
        node.tell("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)

    def _owner_port(self, slot: int) -> int:
        for node in self.nodes:
            if node.is_alive:
                for low, high, (_host, port, *_more), *_replicas in node.tell("CLUSTER", "SLOTS"):
                    if low <= slot <= high:
                        return int(port)
        raise AssertionError(f"nobody has slot {slot}")

    @staticmethod
    def _info(node: Node) -> bytes:
        client: Any = node.client()
        try:
            reply = client.execute_command("INFO", "replication")
        finally:
            client.close()
        return str(reply).replace("'", "").replace(": ", ":").encode()
