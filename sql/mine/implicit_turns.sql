-- What users say next: every user turn that follows an answer, in the user's own words (code, quoted lines and pasted quotations taken out).
-- `said` is what the rules read: lower case, straight apostrophes, single spaces, at most 400 characters, for whoever complains does so early.
-- Only the first 4,000 characters of a turn are looked at: what is longer was pasted. Turns of earlier days are read where something is new
-- in the conversation: they are the questions of today's turns, and what they said stands.
-- grain: one row per user turn (words), one per user turn that answers an assistant's message (followups)
-- reads: mine.touched, ingest.conversations, ingest.messages   writes: mine.words, mine.followups
create or replace macro mine.bare(t) as
    case
        when contains(t, '`') or contains(t, '"') or contains(t, '“') or contains(t, '「') or contains(t, '>')
        then regexp_replace(regexp_replace(regexp_replace(
            t, '(?s)```.*?(?:```|$)', ' ', 'g'),
            '(?m)^[ \t]*>[^\n]*', ' ', 'g'),
            '"[^"\n]{3,}"|“[^”]{3,}”|「[^」]{3,}」|`[^`\n]+`|<[^<>\s]{1,40}>', '""', 'g')
        else t
    end;

create or replace macro mine.single(t) as
    regexp_replace(t, '[\t\n\r\f\x{00a0}\x{3000}][\s\x{00a0}\x{3000}]*|  +', ' ', 'g');

create or replace macro mine.straight(t) as
    case when contains(t, '’') or contains(t, '‘') then replace(replace(t, '’', ''''), '‘', '''') else t end;

create or replace macro mine.plain(t) as
    mine.single(mine.straight(lower(t)));

create or replace macro mine.unled(t) as
    case when starts_with(t, ' ') then ltrim(t) else t end;

create or replace table mine.news as
select distinct conversation_id
from ingest.messages
where day = $day
union
select conversation_id
from mine.touched;

create or replace table mine.words as
with own as (
    select
        m.conversation_id,
        m.message_id,
        m.parent_id,
        m.day,
        c.user_hash,
        mine.bare(left(m.content, 4000)) as words
    from ingest.messages as m
    inner join ingest.conversations as c using (conversation_id)
    semi join mine.news using (conversation_id)
    where m.role = 'user'
      and m.day <= $day
      and c.consent
      and c.app is distinct from 'hotfix'
      and ($only is null or c.app = $only)
)

select
    conversation_id,
    message_id,
    parent_id,
    day,
    user_hash,
    mine.unled(left(mine.plain(words), 400))                                               as said,
    length(words)                                                                          as long,
    case when contains(words, chr(10)) then len(string_split(words, chr(10))) - 1 else 0 end as breaks
from own;

create or replace table mine.followups as
select
    w.* exclude (parent_id),
    a.message_id as answer_id,
    a.parent_id  as asked_id
from mine.words as w
inner join ingest.messages as a
    on a.conversation_id = w.conversation_id
   and a.message_id = w.parent_id
where a.role = 'assistant'
  and w.said is not null;
