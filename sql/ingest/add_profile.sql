-- How the lines of one batch look, kept for the comparison of the days to come.
-- writes: ingest.profiles
insert into ingest.profiles by name
select
    $day::date        as day,
    $logs_id::varchar as logs_id,
    $profile::varchar as profile;
