-- Which of these conversations earlier chunks of the batch spoke of.
-- reads: asked (registered), touched
select conversation_id
from asked
where hash(conversation_id) in (select conversation from touched);
