"""Statements that go to the driver as they are: values, errors and transactions as SQLAlchemy has them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from engagement import clock
from engagement.db.engine import Database
from engagement.db.prepared import Prepared
from engagement.db.tables import Id, readers
from engagement.errors import DatabaseUnavailable
from engagement.settings import Settings

r = readers.c
NEW = Prepared(
    insert(readers).values(
        id=bindparam("id", type_=Id), site=bindparam("site"), name=bindparam("name"),
        created_at=bindparam("now", type_=r.created_at.type),
    )
)  # fmt: skip
ONE = Prepared(
    select(r.id, r.name, r.created_at, r.name.is_(None).label("anonymous")).where(
        r.id == bindparam("id", type_=Id), r.site == "demo"
    )
)
RENAMED = Prepared(update(readers).where(r.id == bindparam("id", type_=Id)).values(name=bindparam("name")))


def reader(**given: Any) -> dict[str, Any]:
    return {"id": clock.new_id(), "site": "demo", "name": None, "now": clock.now()} | given


def test_values_come_back_as_they_were_given(database: Database) -> None:
    ann, ben = reader(name="Ann %s :id ?"), reader()
    with database.write() as connection:
        assert [NEW.run(connection, one) for one in (ann, ben)] == [1, 1]
        assert ONE.first(connection, ann) == (ann["id"], "Ann %s :id ?", ann["now"], False)
    with database.read() as connection:
        assert ONE.first(connection, ben) == (ben["id"], None, ben["now"], True)
        assert ONE.first(connection, reader()) is None


def test_a_change_answers_how_many_rows_it_has_changed(database: Database) -> None:
    ann = reader()
    with database.write() as connection:
        assert RENAMED.run(connection, ann | {"name": "Ann"}) == 0
        NEW.run(connection, ann)
        assert RENAMED.run(connection, ann | {"name": "Ann"}) == 1


def test_what_the_store_refuses_is_an_error_as_sqlalchemy_has_it_without_values(database: Database) -> None:
    ann = reader(name="a secret name")
    with database.write() as connection:
        NEW.run(connection, ann)

    def again() -> None:
        with database.write() as connection:
            NEW.run(connection, reader())
            NEW.run(connection, ann)

    with pytest.raises(IntegrityError) as refused:
        again()
    assert "secret" not in str(refused.value.statement) + str(refused.value.params)
    with database.write() as connection:
        everybody = connection.execute(select(r.id)).all()
        assert [row.id for row in everybody] == [ann["id"]]


@pytest.mark.postgresql_only("SQLite has no connections to lose")
def test_a_connection_that_the_server_ends_is_an_outage_and_leaves_the_pool(database: Database) -> None:
    def lose() -> None:
        with database.write() as connection:
            mine = connection.scalar(text("SELECT pg_backend_pid()"))
            with database.write() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": mine})
            ONE.first(connection, reader())

    with pytest.raises(DatabaseUnavailable):
        lose()
    with database.write() as connection:
        assert ONE.first(connection, reader()) is None


@pytest.mark.postgresql_only("SQLite has no such settings")
def test_transactions_are_what_they_are_whatever_the_servers_defaults(settings: Settings) -> None:
    defaults = quote("-c default_transaction_isolation=serializable -c default_transaction_read_only=on")
    database = Database(f"{settings.database_url}?options={defaults}")
    how = text("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")
    told = []
    for transaction in (database.write, database.read, database.write):
        with transaction() as connection:
            told.append(tuple(connection.execute(how).one()))
    database.close()
    assert told == [("read committed", "off"), ("repeatable read", "on"), ("read committed", "off")]
