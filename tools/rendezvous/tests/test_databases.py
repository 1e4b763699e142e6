import secrets
from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from rendezvous import databases, migrate
from rendezvous.errors import StartError


@pytest.fixture
def name(postgres_url: str) -> Iterator[str]:
    name = f"made_{secrets.token_hex(4)}"
    yield name
    databases.drop(postgres_url, name)


@pytest.fixture
def modest_admin(postgres_url: str) -> Iterator[str]:
    """An administrator who may make roles and databases, and is no superuser."""
    name, password = f"admin_{secrets.token_hex(4)}", "p@ss w/rd"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}").format(
                sql.Identifier(name), sql.Literal(password)
            )
        )
    yield databases.url_of(postgres_url, name, password).removesuffix(name) + "postgres"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def _who(url: str) -> tuple[str, str]:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_user, current_database()").fetchone()
    assert row is not None
    return row


def test_making_a_database_again_changes_its_password_and_nothing_else(
    postgres_url: str, name: str
) -> None:
    first = databases.ensure(postgres_url, name, "first")
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE kept (id int)")

    again = databases.ensure(postgres_url, name, "it's {second}/@")

    with psycopg.connect(again) as connection:
        connection.execute("SELECT FROM kept")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(first)


def test_an_administrator_who_is_no_superuser_can_make_them_too(
    modest_admin: str, postgres_url: str
) -> None:
    name = f"made_{secrets.token_hex(4)}"
    migrate.check_admin(modest_admin)

    assert _who(databases.ensure(modest_admin, name, "secret")) == (name, name)
    assert _who(databases.ensure(modest_admin, name, "secret")) == (name, name)

    databases.drop(postgres_url, name)


def test_a_role_that_may_make_nothing_is_refused_in_one_sentence(
    postgres_url: str, name: str
) -> None:
    ordinary = databases.ensure(postgres_url, name, "secret")

    with pytest.raises(StartError, match=f"role {name} may not make roles and databases"):
        migrate.check_admin(ordinary)


def test_a_database_of_somebody_else_is_not_taken_over(postgres_url: str, name: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    with pytest.raises(StartError, match="belongs to somebody else"):
        migrate.make_database(postgres_url, name, "secret")


@pytest.mark.parametrize(
    ("admin", "url"),
    [
        ("postgresql://root:a@db:6000/postgres", "postgresql://booking:x%2Fy@db:6000/booking"),
        ("host=db user=root password=a", "postgresql://booking:x%2Fy@db:5432/booking"),
        (
            "postgresql://root:a@db/postgres?sslmode=require",
            "postgresql://booking:x%2Fy@db:5432/booking?sslmode=require",
        ),
        (
            f"postgresql://root@{quote('/run/pg', safe='')}:5433/postgres",
            "postgresql://booking:x%2Fy@/booking?host=%2Frun%2Fpg&port=5433",
        ),
    ],
)
def test_a_service_s_url_is_on_the_admin_s_server(admin: str, url: str) -> None:
    assert databases.url_of(admin, "booking", "x/y") == url
