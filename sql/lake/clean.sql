-- Remove files that no version needs any more. A file that is gone already is no fault: a run killed here goes on.
call ducklake_cleanup_old_files('lake', older_than => $before);
