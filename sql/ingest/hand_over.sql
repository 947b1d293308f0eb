-- A Parquet file that lies among the table's own becomes part of it; its folder says its day.
-- writes: the table named
call ducklake_add_data_files('lake', $name, $path, schema => 'ingest', hive_partitioning => true);
