-- How many turns of the day said what, the silent majority included.
-- grain: one row per class, and one for no_feedback
-- reads: mine.followups, mine.implicit
select
    coalesce(i.signal, 'no_feedback') as signal,
    count(*)                          as turns
from mine.followups as f
left join mine.implicit as i using (conversation_id, message_id)
where f.day = $day
group by all
order by all;
