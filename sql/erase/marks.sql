-- Everything that was erased and may not come back.
-- grain: one row per erased user or conversation
-- reads: erase.forgotten
select what, mark, receipt
from erase.forgotten
order by marked_at, what, mark;
