"""A request is found again in the logs of the database."""

import pytest

from sidestream.correlation import correlation_id, sql_comment
from sidestream.store.database import Database, Statement


@pytest.mark.parametrize("given", ["", "x */ drop table tasks; --", "50%", "a" * 200, "نام"])
def test_no_id_that_is_not_plain_reaches_sql(given: str) -> None:
    token = correlation_id.set(given)
    try:
        assert sql_comment("begin_run") == ""
    finally:
        correlation_id.reset(token)


async def test_statements_carry_the_request_that_they_serve(database: Database) -> None:
    token = correlation_id.set("5f2b6c1e-0001")
    try:
        [[row]] = await database.run(
            "somebody", Statement("select current_query() as sql"), tag="t"
        )
    finally:
        correlation_id.reset(token)
    assert row["sql"] == "select current_query() as sql /* t 5f2b6c1e-0001 */"
