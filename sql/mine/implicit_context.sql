-- What the guards look at: the turn that was hit, the question before it, and the end of the answer between them.
-- grain: one row per turn that a rule or the repeat test hit
-- reads: mine.hits, mine.followups, mine.questions, ingest.messages   writes: mine.context, and an empty mine.guarded
create or replace table mine.context as
select
    f.conversation_id,
    f.message_id,
    f.said,
    coalesce(q.asked, '')                                        as asked,
    coalesce(right(mine.plain(right(a.content, 1000)), 240), '') as answered
from mine.followups as f
semi join mine.hits using (conversation_id, message_id)
inner join ingest.messages as a
    on a.conversation_id = f.conversation_id
   and a.message_id = f.answer_id
left join mine.questions as q
    on q.conversation_id = f.conversation_id
   and q.message_id = f.message_id;

create or replace table mine.guarded (conversation_id varchar, message_id varchar, guard varchar);
