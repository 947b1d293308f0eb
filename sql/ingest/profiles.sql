-- How the logs looked on the days before: the last seven that have any, not more than a month ago.
-- reads: ingest.profiles
with days as (
    select distinct day
    from ingest.profiles
    where day < $day and day >= $day - 30
    order by day desc
    limit 7
)
select p.day, p.profile
from ingest.profiles as p
semi join days using (day)
order by p.day desc, p.logs_id;
