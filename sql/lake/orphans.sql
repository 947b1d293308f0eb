-- Files under the lake's folder that no version has ever known: a writer was killed between its file and its commit.
-- grain: one row per file
select path
from ducklake_delete_orphaned_files('lake', older_than => $before, dry_run => true)
order by path;
