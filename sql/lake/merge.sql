-- Small files of one partition become one, up to the target size; every older version still reads its own rows out of it.
call ducklake_merge_adjacent_files('lake');
