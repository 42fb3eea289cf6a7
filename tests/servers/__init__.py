"""Real servers for tests, each in a folder of its own; they can be killed, hung, and come back."""

from tests.servers.cluster import RedisCluster
from tests.servers.databases import ConfiguredPostgres, Databases
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisNode, RedisServer, ValkeyServer
from tests.servers.served import Served

__all__ = [
    "ConfiguredPostgres",
    "Databases",
    "PostgresServer",
    "RedisCluster",
    "RedisNode",
    "RedisServer",
    "Served",
    "ValkeyServer",
]
