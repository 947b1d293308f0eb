-- Every batch that changed the lake, newest first, with the lake's version that first held it.
-- reads: ingest.batches
select
    logs_id,
    day,
    previous,
    files,
    counts,
    recipe,
    reading,
    number,
    coalesce(block, number) as block,
    snapshot_id             as snapshot
from ingest.batches
order by number desc;
