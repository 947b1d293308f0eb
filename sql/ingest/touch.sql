-- A chunk of lines speaks of these conversations. Eight bytes each: two that share a hash cost a second look and nothing else.
-- reads: asked (registered)   writes: touched
insert into touched
select hash(conversation_id)
from asked;
