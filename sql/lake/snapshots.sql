-- The versions of the lake that can still be read, oldest first.
-- grain: one row per version
select snapshot_id as id, snapshot_time as made
from ducklake_snapshots('lake')
order by id;
