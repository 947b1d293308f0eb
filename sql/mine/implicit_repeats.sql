-- Said once more: the turn shares its words with the turn before. Words are compared by their first letters, Chinese by characters.
-- A template run again brings new words in place of old ones and is left out; a repeat drops words or adds some, not both.
-- Numbers are payload: a turn with other numbers asks something new.
-- grain: one row per turn that repeats
-- reads: mine.followups, mine.questions   writes: mine.hits
-- Cheap first: whoever repeats keeps the first long word of one turn or the other; Chinese is compared by its characters.
create or replace macro mine.first_word(t) as
    left(nullif(regexp_extract(replace(t, 'please', ''), '[a-z0-9]{5,}'), ''), 5);

create or replace macro mine.may_repeat(now, before) as
    case
        when strlen(now) < 10 or strlen(now) > 2.5 * strlen(before) or strlen(before) > 2.5 * strlen(now) then false
        when now = before then true
        when contains(before, mine.first_word(now)) then true
        when contains(now, mine.first_word(before)) then true
        else jaccard(now, before) >= 0.5 and regexp_matches(now, '[\x{3040}-\x{fe00}]')
    end;

create or replace macro mine.letters(t) as
    regexp_replace(t, '[^a-z0-9\x{00c0}-\x{2000}\x{3040}-\x{fe00}]+', '', 'g');

create or replace macro mine.tokens(t) as
    list_distinct(regexp_extract_all(t, '[a-z0-9\x{00e0}-\x{024f}]+|[\x{0370}-\x{2fff}\x{3040}-\x{fe00}]'));

create or replace macro mine.stems(t, stop, stem) as
    list_transform(
        list_filter(
            mine.tokens(t),
            lambda w: not list_contains(stop, w)),
        lambda w: left(w, stem));

insert into mine.hits
with bags as (
    select
        conversation_id,
        message_id,
        mine.letters(said) = mine.letters(asked)                   as same,
        said,
        mine.tokens(said)                                          as every,
        mine.tokens(asked)                                         as every_before,
        mine.stems(said, $stop, $stem)                             as now,
        mine.stems(asked, $stop, $stem)                            as before,
        regexp_extract_all(said, '[0-9]+')                         as numbers,
        regexp_extract_all(asked, '[0-9]+')                        as numbers_before
    from mine.followups
    inner join mine.questions using (conversation_id, message_id)
    where mine.may_repeat(said, asked)
      and not regexp_matches(said, $more_please)
),

shared as (
    select
        *,
        len(list_intersect(every, every_before))                   as every_common,
        len(list_intersect(now, before))                           as common,
        len(list_distinct(now))                                    as new_words,
        len(list_distinct(before))                                 as old_words
    from bags
)

select
    conversation_id,
    message_id,
    case when same then 'any/repeat' else 'any/rephrase' end
from shared
-- the third way is for short questions of two content words: nearly all words are the same, and none was replaced
where (same and len(regexp_extract_all(said, '[a-z0-9]+|[\x{3040}-\x{fe00}]')) >= 3)
   or (least(new_words, old_words) >= $least_words
       and common >= $jaccard * (new_words + old_words - common)
       and (common = new_words or common = old_words)
       and list_sort(numbers) = list_sort(numbers_before))
   or (least(len(every), len(every_before)) >= 4
       and every_common >= 0.7 * greatest(len(every), len(every_before))
       and every_common = least(len(every), len(every_before))
       and common > 0
       and common = greatest(new_words, old_words)
       and list_sort(numbers) = list_sort(numbers_before));
