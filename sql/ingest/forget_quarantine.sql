-- A file that is read again by newer rules: what the older rules refused is decided anew.
-- writes: ingest.quarantine
delete from ingest.quarantine
where file_sha = $file_sha;
