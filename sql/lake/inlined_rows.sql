-- Rows that stand in the catalogue and not yet in a file; an older version's rows are no longer counted.
-- grain: one row in all
select count(*)::bigint as "rows"
from query_table($place)
where end_snapshot is null;
