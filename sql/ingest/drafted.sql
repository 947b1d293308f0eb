-- What the batch will write to these conversations, oldest first.
-- reads: asked (registered), the draft table named
select d.*
from query_table($name) as d
semi join asked using (conversation_id)
order by d.step;
