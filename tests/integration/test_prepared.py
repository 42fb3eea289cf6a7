"""Statements that go to the driver as they are: values, errors and transactions as SQLAlchemy has them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import IntegrityError

from engagement import clock
from engagement.db.engine import Database
from engagement.db.prepared import Prepared, PreparedForRows
from engagement.db.tables import Id, readers
from engagement.errors import DatabaseUnavailable
from engagement.settings import Settings

r = readers.c
READER = {"id": r.id.type, "site": r.site.type, "name": r.name.type, "now": r.created_at.type}
NEW = PreparedForRows(
    READER,
    lambda k: insert(readers).from_select(
        ["id", "site", "name", "created_at"], select(k.c.id, k.c.site, k.c.name, k.c.now)
    ),
)
OLD = PreparedForRows(
    READER,
    lambda k: (
        select(k.c.id, r.id, r.name, r.created_at, (k.c.now > r.created_at).label("later"))
        .join_from(k, readers, r.name == k.c.name, isouter=True)
        .order_by(k.c.name)
    ),
)
ONE = Prepared(
    select(r.id, r.name, r.created_at, r.name.is_(None).label("anonymous")).where(
        r.id == bindparam("id", type_=Id), r.site == "demo"
    )
)


def reader(**given: Any) -> dict[str, Any]:
    return {"id": clock.new_id(), "site": "demo", "name": None, "now": clock.now()} | given


def test_values_come_back_as_they_were_given(database: Database) -> None:
    ann, ben = reader(name='Ann "%s" \\ :id ? {1} \n🚢'), reader()
    with database.write() as connection:
        NEW.run(connection, [ann, ben])
        assert ONE.first(connection, ann) == (ann["id"], ann["name"], ann["now"], False)
    with database.read() as connection:
        assert ONE.first(connection, ben) == (ben["id"], None, ben["now"], True)
        assert ONE.first(connection, reader()) is None


def test_rows_have_the_names_of_their_columns(database: Database) -> None:
    ann = reader(name="Ann")
    with database.write() as connection:
        NEW.run(connection, [ann])
    with database.read() as connection:
        (row,) = ONE.all(connection, ann)
        assert (row.id, row.name, row.created_at, row.anonymous) == (ann["id"], "Ann", ann["now"], False)
        assert ONE.all(connection, reader()) == []


def test_it_answers_for_all_rows_that_are_given_and_for_none(database: Database) -> None:
    many = [reader(name=f"{n:02d}") for n in range(20)]
    asked = [reader(name=one["name"], more="than the columns") for one in [*many, reader(name="30")]]
    with database.write() as connection:
        NEW.run(connection, many)
        NEW.run(connection, [])
        told = OLD.fetch(connection, asked)
        assert OLD.fetch(connection, []) == []
        assert OLD.fetch(connection, asked[:1]) == told[:1]
    assert told == [
        *(
            (new["id"], old["id"], old["name"], old["now"], True)
            for new, old in zip(asked, many, strict=False)
        ),
        (asked[-1]["id"], None, None, None, None),
    ]


def test_what_the_store_refuses_is_an_error_as_sqlalchemy_has_it_without_values(database: Database) -> None:
    ann = reader(name="a secret name")
    with database.write() as connection:
        NEW.run(connection, [ann])

    def again() -> None:
        with database.write() as connection:
            NEW.run(connection, [reader()])
            NEW.run(connection, [ann])

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
    write, read, ask = database.write, database.read, database.ask
    for transaction in (write, read, write, ask, write, read):
        with transaction() as connection:
            told.append(tuple(connection.execute(how).one()))
            driver: Any = connection.connection.driver_connection
            status = driver.info.transaction_status
            assert status is (TransactionStatus.IDLE if transaction == ask else TransactionStatus.INTRANS)
    database.close()
    writes, reads = ("read committed", "off"), ("repeatable read", "on")
    assert [*told[:3], *told[4:]] == [writes, reads, writes, writes, reads]
