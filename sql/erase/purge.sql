-- After this no version of the lake but the newest is left, and no file that an older one read: what was deleted is gone from every disk block
-- that the lake knows. Rows that stand in the catalogue itself become files first; the catalogue's own free pages are the caller's to clear.
-- writes: every table
call ducklake_flush_inlined_data('lake');

call ducklake_rewrite_data_files('lake', delete_threshold => 0.0);

call ducklake_expire_snapshots('lake', older_than => now() + interval 1 day);

call ducklake_cleanup_old_files('lake', cleanup_all => true);

call ducklake_delete_orphaned_files('lake', cleanup_all => true);
