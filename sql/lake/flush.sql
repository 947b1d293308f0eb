-- Rows that small inserts left in the catalogue go into files.
call ducklake_flush_inlined_data('lake');
