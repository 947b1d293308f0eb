-- The files of every batch, to name a line's file by more than its sha256.
-- grain: one row per batch
-- reads: ingest.batches
select
    logs_id,
    files
from ingest.batches;
