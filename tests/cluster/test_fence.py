"""What the open lake of a cluster refuses: other files, other buckets, other servers, and to be unlocked."""

import pytest

from pipeline import lake
from tests.cluster import servers
from tests.cluster.conftest import Maker

pytestmark = pytest.mark.cluster
REFUSED = {
    "a file of the host": "select * from read_csv('/etc/passwd')",
    "another bucket": "select * from read_parquet('s3://other/x.parquet')",
    "the bucket beside our prefix": "copy (select 1) to 's3://{bucket}/x.parquet'",
    "a prefix that begins like ours": "copy (select 1) to '{data}2/x.parquet'",
    "the web": "select * from read_csv('http://127.0.0.1:1/x.csv')",
    "writing to the host": "copy (select 1) to '/tmp/x.parquet'",
    "another database": "attach 'host=127.0.0.1 dbname=postgres' as other (type postgres)",
    "another lake": "attach 'ducklake:postgres:host=127.0.0.1 dbname=postgres' as other",
    "an extension": "load '/tmp/x.duckdb_extension'",
    "an extension of the web": "install spatial",
    "the switch of all this": "set enable_external_access = true",
    "the list of places": "set allowed_directories = ['/']",
    "the lock itself": "set lock_configuration = false",
}


def test_the_lake_stays_within_its_own_places(cluster: Maker) -> None:
    import duckdb

    settings = cluster("postgres+s3")
    with lake.connect(settings) as con:
        con.execute("insert into ingest.batches by name select 'x' as logs_id, range as number from range(100)")
        for what, statement in REFUSED.items():
            words = statement.replace("{bucket}", servers.BUCKET).replace("{data}", settings.data)
            with pytest.raises(duckdb.Error, match=r"disabled|locked|Cannot access"):
                con.execute(words)
                pytest.fail(f"{what} was not refused")
        assert con.execute("select count(*) from ingest.batches").fetchall() == [(100,)]


def test_the_keys_cannot_be_read_back(cluster: Maker) -> None:
    with lake.connect(cluster("postgres+s3")) as con:
        told = repr(con.execute("select * from duckdb_secrets()").fetchall()) + repr(con.execute("from duckdb_databases()").fetchall())
    assert "redacted" in told
    assert servers.PASSWORD not in told and servers.SECRET not in told
