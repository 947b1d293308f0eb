-- A test whose question was taught measures memory.
select t.example_id, h.example_id as tested
from taught as t
inner join heldout as h
    on t.conversation_id = h.conversation_id or t.prompt = h.prompt
union all
select t.example_id, h.example_id
from taught as t
inner join heldout as h
    on h.unit in (t.unit, t.voice)
where t.source <> 'hotfix';
