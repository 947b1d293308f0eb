-- The user turn before each turn. Tools are skipped: the question behind an answer that called some is the last user turn above it.
-- grain: one row per turn that follows an answer
-- reads: mine.followups, mine.words, ingest.messages   writes: mine.questions
create or replace table mine.questions as
with recursive above as (
    select f.conversation_id, f.message_id, f.asked_id as at, 0 as steps
    from mine.followups as f
    anti join mine.words as w
        on w.conversation_id = f.conversation_id
       and w.message_id = f.asked_id
    where f.asked_id is not null
    union all
    select a.conversation_id, a.message_id, m.parent_id, a.steps + 1
    from above as a
    inner join ingest.messages as m
        on m.conversation_id = a.conversation_id
       and m.message_id = a.at
    where m.role in ('tool', 'assistant')
      and a.steps < 40
),

found as (
    select f.conversation_id, f.message_id, f.asked_id as at from mine.followups as f
    union all
    select a.conversation_id, a.message_id, a.at from above as a where a.steps > 0
)

select
    f.conversation_id,
    f.message_id,
    w.said as asked
from found as f
inner join mine.words as w
    on w.conversation_id = f.conversation_id
   and w.message_id = f.at;
