-- What was said about the touched conversations. The last state wins per (user, message, kind), for a pick per (user, set of answers);
-- only people have states: an automatic score neither stands nor replaces what a user said.
-- `day` is when an event became minable: when the last came of itself, its conversation and the answers that it names.
-- grain: one row per current event
-- reads: mine.touched, ingest.conversations, ingest.messages, ingest.feedback   writes: mine.states
create or replace table mine.states as
with said as (
    select
        f.*,
        c.day                              as talk_day,
        coalesce(f.user_hash, c.user_hash) as speaker,
        case
            when f.kind = 'choose' then list_sort(list_distinct(list_append(coalesce(f.over, []), f.message_id)))
            else [f.message_id]
        end                                as about
    from ingest.feedback as f
    semi join mine.touched using (conversation_id)
    inner join ingest.conversations as c using (conversation_id)
    where f.current
),

named as (
    select
        s.conversation_id,
        s.event_id,
        max(m.day) as message_day
    from (select conversation_id, event_id, unnest(about) as message_id from said) as s
    inner join ingest.messages as m using (conversation_id, message_id)
    group by all
)

select
    s.conversation_id,
    s.event_id,
    s.message_id,
    s.speaker                                                                  as user_hash,
    s.kind,
    s.value,
    s.max,
    s.text,
    s.reasons,
    s.over,
    s.span,
    s.source,
    s.derived,
    greatest(s.day, s.talk_day, coalesce(n.message_day, s.day))                as day,
    epoch_us(s.created_at)                                                     as micros,
    s.arrived,
    s.source = 'human' and 1 = row_number() over (
        partition by s.conversation_id, s.source, s.speaker, s.kind, s.about
        order by s.created_at desc, s.arrived desc, s.event_id desc
    )                                                                          as stands
from said as s
left join named as n using (conversation_id, event_id);

select *
from mine.states
order by micros, arrived, conversation_id, event_id;
