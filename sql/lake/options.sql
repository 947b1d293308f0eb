-- Options of the whole lake.
-- grain: one row per option
select option_name as name, value
from ducklake_options('lake')
where scope = 'GLOBAL';
