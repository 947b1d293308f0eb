-- A raw log in home was rewritten without the erased lines: what the lake says of the file follows its new sum and name.
-- writes: ingest.conversations, ingest.quarantine, ingest.solved, ingest.batches
update ingest.conversations
set file_sha = $after
where file_sha = $before;

update ingest.quarantine
set file_sha = $after
where file_sha = $before;

update ingest.solved
set file_sha = $after
where file_sha = $before;

update ingest.batches
set files = replace(files, $before, $after)
where contains(files, $before);
