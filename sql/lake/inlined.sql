-- Tables of the catalogue that hold rows too few for a file of their own, with the table of the lake that they belong to.
-- grain: one row per such table
-- reads: the catalogue
select
    s.schema_name || '.' || t.table_name                as name,
    '__ducklake_metadata_lake.' || i.table_name         as place
from __ducklake_metadata_lake.ducklake_inlined_data_tables as i
inner join __ducklake_metadata_lake.ducklake_table as t using (table_id)
inner join __ducklake_metadata_lake.ducklake_schema as s using (schema_id)
where t.end_snapshot is null and s.end_snapshot is null
order by name, place;
