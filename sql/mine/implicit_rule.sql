-- One rule on the suspects. A turn above the rule's bound, or one of several lines, must speak of the answer.
-- grain: one row per turn that the rule hits
-- reads: mine.suspects   writes: mine.hits
insert into mine.hits
select conversation_id, message_id, $rule
from mine.suspects
where (refers or (long <= $longest and not lines))
  and regexp_matches(said, $pattern);
