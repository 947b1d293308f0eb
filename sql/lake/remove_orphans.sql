-- Remove what killed writers left behind. Twice is once.
call ducklake_delete_orphaned_files('lake', older_than => $before);
