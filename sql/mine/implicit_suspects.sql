-- Turns that a rule may hit, found by one pattern a scope that is made of all its rules. Nobody else is asked rule by rule.
-- grain: one row per suspect turn
-- reads: mine.followups   writes: mine.suspects, and an empty mine.hits
create or replace table mine.suspects as
select
    conversation_id,
    message_id,
    said,
    long,
    breaks >= 3                      as lines,
    regexp_matches(said, $refers)    as refers
from mine.followups
where regexp_matches(said, $anywhere)
   or regexp_matches(said, $opening)
   or regexp_matches(said, $clause)
   or regexp_matches(said, $whole)
   or regexp_matches(said, $alone);

create or replace table mine.hits (conversation_id varchar, message_id varchar, rule varchar);
