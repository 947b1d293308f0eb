-- Rows become a file in the object store among the table's own; no table knows it yet.
-- reads: arriving (registered)
copy (select * from arriving) to $path (format parquet, compression zstd);
