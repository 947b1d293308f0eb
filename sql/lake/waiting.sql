-- Files that no version needs any more and that the next clean-up removes.
-- grain: one row in all
select count(*)::bigint as files
from __ducklake_metadata_lake.ducklake_files_scheduled_for_deletion;
