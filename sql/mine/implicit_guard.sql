-- One guard on the turns that a rule hit.
-- grain: one row per turn that the guard looks at and knows
-- reads: mine.context   writes: mine.guarded
insert into mine.guarded
select s.conversation_id, s.message_id, $guard
from mine.context as s
where regexp_matches(
          case $looks_at
              when 'said' then s.said
              when 'asked' then s.asked
              when 'answered' then s.answered
              else s.said || ' ' || s.asked || ' ' || s.answered
          end, $pattern)
  and not ($unless <> '' and regexp_matches(s.said, $unless));
