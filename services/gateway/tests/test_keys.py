"""API keys: how they are made, kept, believed and revoked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest

from gateway.keys import CACHE_SECONDS, SCOPES, Keys, install, new_key
from gateway.tenants import RESERVED, UNKNOWN_SECONDS, Tenants, check_slug
from service_kit.database import Database

from .builders import OTHER_TENANT, TENANT
from .neighbours import Neighbours

MakeKey = Callable[..., Awaitable[str]]
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


class Watch:
    """Shows seconds that pass only when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, size=2)
    await database.open()
    yield database
    await database.close()


async def put(database: Database, key: str, *scopes: str, tenant: str = TENANT) -> None:
    async with database.transaction() as connection:
        await install(connection, key=key, tenant=tenant, name="a test", scopes=scopes)


def test_a_new_key_is_never_the_same_and_says_nothing() -> None:
    keys = {new_key() for _ in range(1000)}

    assert len(keys) == 1000
    assert {(len(key), key[:4]) for key in keys} == {(48, "rdv_")}


async def test_a_key_is_kept_only_as_its_hash(database: Database) -> None:
    key = new_key()
    await put(database, key, "bookings:read")

    async with database.reading() as connection:
        cursor = await connection.execute("SELECT api_keys::text FROM api_keys")
        kept = " ".join(row[0] for row in await cursor.fetchall())

    assert key[4:16] in kept
    assert key[16:] not in kept


async def test_an_installed_key_is_verified_with_its_tenant_and_scopes(
    database: Database,
) -> None:
    key = new_key()
    await put(database, key, "bookings:read", "people:read")

    found = await Keys(database, lambda: NOW).verify(key)

    assert found is not None
    assert (found.tenant, found.scopes) == (TENANT, {"bookings:read", "people:read"})


async def test_installing_again_changes_only_the_scopes(database: Database) -> None:
    key = new_key()
    await put(database, key, "bookings:read")
    await put(database, key, *SCOPES)
    await put(database, key, *SCOPES, tenant=OTHER_TENANT)

    found = await Keys(database, lambda: NOW).verify(key)

    assert found is not None
    assert (found.tenant, found.scopes) == (TENANT, set(SCOPES))


async def test_a_revoked_key_stays_revoked_when_it_is_installed_again(database: Database) -> None:
    key, keys = new_key(), Keys(database, lambda: NOW)
    await put(database, key, "bookings:read")
    await keys.revoke(TENANT, key[4:16])

    await put(database, key, "bookings:read")

    assert await keys.verify(key) is None


async def test_a_key_with_one_wrong_character_is_no_key(database: Database) -> None:
    key = new_key()
    await put(database, key, "bookings:read")
    keys = Keys(database, lambda: NOW)
    last = "x" if key[-1] != "x" else "y"

    wrong = [key[:-1] + last, key[:-1], key + "x", key.upper(), "rdv_", "", key + "\n"]

    assert [await keys.verify(each) for each in wrong] == [None] * len(wrong)


async def test_a_key_revoked_elsewhere_is_believed_for_seconds_and_no_longer(
    database: Database,
) -> None:
    key, watch = new_key(), Watch()
    await put(database, key, "bookings:read")
    here, elsewhere = Keys(database, lambda: NOW, watch), Keys(database, lambda: NOW)
    before = await here.verify(key)
    await elsewhere.revoke(TENANT, key[4:16])

    watch.seconds += CACHE_SECONDS + 0.1

    assert before is not None
    assert await here.verify(key) is None


async def test_when_a_key_was_last_used_is_written_later_and_only_once(
    database: Database,
) -> None:
    key, keys = new_key(), Keys(database, lambda: NOW)
    await put(database, key, "bookings:read")
    await keys.verify(key)
    unwritten = {row.id: row.last_used_at for row in await keys.of_tenant(TENANT)}

    more = await keys.write_last_used()

    written = {row.id: row.last_used_at for row in await keys.of_tenant(TENANT)}
    assert (unwritten[key[4:16]], written[key[4:16]], more) == (None, NOW, 0)


@pytest.mark.parametrize(
    ("key", "tenant", "scopes"),
    [
        ("rdv_short", TENANT, ["bookings:read"]),
        (new_key(), "bookings", ["bookings:read"]),
        (new_key(), "Demo Ltd", ["bookings:read"]),
        (new_key(), TENANT, ["everything"]),
    ],
)
async def test_what_cannot_be_a_key_a_tenant_or_a_scope_is_not_installed(
    database: Database, key: str, tenant: str, scopes: list[str]
) -> None:
    with pytest.raises(ValueError, match=r"key|word|slug|scope"):
        async with database.transaction() as connection:
            await install(connection, key=key, tenant=tenant, name="x", scopes=scopes)


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_no_tenant_is_named_as_a_route(word: str) -> None:
    with pytest.raises(ValueError, match="word of our routes"):
        check_slug(word)


async def test_a_new_tenant_is_seen_within_a_second_and_asked_for_once_a_minute(
    database: Database,
) -> None:
    watch = Watch()
    tenants = Tenants(database, watch)
    unknown = await tenants.exists("new-practice")
    await put(database, new_key(), "bookings:read", tenant="new-practice")

    watch.seconds += UNKNOWN_SECONDS + 0.1

    assert (unknown, await tenants.exists("new-practice")) == (False, True)


class TestOverHttp:
    async def test_a_key_is_made_shown_once_and_works(
        self, http: httpx.AsyncClient, neighbours: Neighbours, make_key: MakeKey
    ) -> None:
        mine = {"Authorization": f"Bearer {await make_key()}"}
        made = await http.post(
            "/v1/api-keys", json={"name": "Front desk", "scopes": ["hosts:read"]}, headers=mine
        )

        key = made.json()["key"]
        used = await http.get("/v1/hosts", headers={"Authorization": f"Bearer {key}"})
        listed = await http.get("/v1/api-keys", headers=mine)

        assert (made.status_code, used.status_code) == (201, 200)
        assert [k["name"] for k in listed.json()["items"] if k["id"] == made.json()["id"]] == [
            "Front desk"
        ]
        assert key not in listed.text

    async def test_a_key_that_is_revoked_opens_nothing_at_once(
        self, http: httpx.AsyncClient, neighbours: Neighbours, make_key: MakeKey
    ) -> None:
        mine, other = await make_key(), await make_key()
        theirs = {"Authorization": f"Bearer {other}"}
        before = await http.get("/v1/hosts", headers=theirs)

        revoked = await http.delete(
            f"/v1/api-keys/{other[4:16]}", headers={"Authorization": f"Bearer {mine}"}
        )

        after = await http.get("/v1/hosts", headers=theirs)
        assert (before.status_code, revoked.status_code, after.status_code) == (200, 204, 401)
        assert after.headers["WWW-Authenticate"].startswith("Bearer")

    async def test_a_key_gives_away_no_more_than_it_has(
        self, http: httpx.AsyncClient, make_key: MakeKey
    ) -> None:
        mine = {"Authorization": f"Bearer {await make_key('keys:write')}"}

        answer = await http.post(
            "/v1/api-keys", json={"name": "more", "scopes": ["people:read"]}, headers=mine
        )

        assert answer.status_code == 403

    async def test_a_repeat_makes_no_second_key(
        self, http: httpx.AsyncClient, make_key: MakeKey
    ) -> None:
        headers = {"Authorization": f"Bearer {await make_key()}", "Idempotency-Key": "once"}
        body = {"name": "once", "scopes": ["hosts:read"]}

        answers = [await http.post("/v1/api-keys", json=body, headers=headers) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 409]

    async def test_an_unknown_scope_is_named(
        self, http: httpx.AsyncClient, make_key: MakeKey
    ) -> None:
        answer = await http.post(
            "/v1/api-keys",
            json={"name": "x", "scopes": ["hosts:read", "root"]},
            headers={"Authorization": f"Bearer {await make_key()}"},
        )

        assert [error["field"] for error in answer.json()["errors"]] == ["scopes[1]"]
