-- What is erased from now on; what was erased before keeps its first receipt.
-- reads: marks (registered)   writes: erase.forgotten
insert into erase.forgotten by name
select m.what, m.mark, $receipt::varchar as receipt, now() as marked_at
from marks as m
anti join erase.forgotten as f using (what, mark);
