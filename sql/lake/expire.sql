-- Let go of some older versions. What only they held waits for the clean-up.
call ducklake_expire_snapshots('lake', versions => $versions);
