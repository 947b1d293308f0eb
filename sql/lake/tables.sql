-- What each table of the lake keeps in files: those of its newest version, and how many of their rows are deleted.
-- grain: one row per table
-- reads: the catalogue
with files as (
    select table_id, count(*) as files, sum(file_size_bytes) as bytes, sum(record_count) as records
    from __ducklake_metadata_lake.ducklake_data_file
    where end_snapshot is null
    group by table_id
),

deleted as (
    select table_id, sum(file_size_bytes) as bytes, sum(delete_count) as records
    from __ducklake_metadata_lake.ducklake_delete_file
    where end_snapshot is null
    group by table_id
)

select
    s.schema_name || '.' || t.table_name               as name,
    s.schema_name                                      as "schema",
    t.table_name                                       as "table",
    coalesce(f.files, 0)::bigint                       as files,
    (coalesce(f.bytes, 0) + coalesce(d.bytes, 0))::bigint as bytes,
    coalesce(d.records, 0)::bigint                     as deleted
from __ducklake_metadata_lake.ducklake_table as t
inner join __ducklake_metadata_lake.ducklake_schema as s using (schema_id)
left join files as f using (table_id)
left join deleted as d using (table_id)
where t.end_snapshot is null and s.end_snapshot is null
order by name;
