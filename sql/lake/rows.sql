-- Rows of one table, as anybody who reads it now would count them.
-- grain: one row in all
select count(*)::bigint as "rows"
from query_table($name);
