-- What stands of the hits: guards taken into account, one negative class a turn (the strongest), praise beside it.
-- grain: one row per turn and sign
-- reads: mine.hits, mine.guarded, mine.followups, ingest.messages, rules   writes: mine.implicit
create or replace table mine.implicit as
with standing as (
    select h.conversation_id, h.message_id, r.*
    from mine.hits as h
    inner join rules as r on r.id = h.rule
    where not exists (
        from mine.guarded as g
        where g.conversation_id = h.conversation_id
          and g.message_id = h.message_id
          and list_contains(r.guards, g.guard)
    )
),

ranked as (
    select
        *,
        rank = min(rank) over (partition by conversation_id, message_id, polarity) as strongest,
        emitted or not bool_or(emitted) over (partition by conversation_id, message_id) as tells
    from standing
)

select
    conversation_id,
    message_id,
    polarity,
    any_value(class)                as signal,
    any_value(emitted)              as emitted,
    any_value(weight)               as weight,
    list(id order by place)         as rules
from ranked
where strongest
  and tells
group by conversation_id, message_id, polarity;

select
    i.*,
    f.day,
    f.user_hash,
    f.answer_id,
    m.content,
    q.asked
from mine.implicit as i
inner join mine.followups as f using (conversation_id, message_id)
inner join ingest.messages as m using (conversation_id, message_id)
left join mine.questions as q using (conversation_id, message_id)
where i.emitted
order by i.conversation_id, m.position, i.message_id, i.polarity;
