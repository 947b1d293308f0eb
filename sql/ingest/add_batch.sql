-- The batch goes into the lake in the transaction that it describes: a run killed after it can still seal the same id.
-- writes: ingest.batches
insert into ingest.batches by name
select
    $logs_id::varchar  as logs_id,
    $day::date         as day,
    $previous::varchar as previous,
    $files::varchar    as files,
    $counts::varchar   as counts,
    $recipe::varchar   as recipe,
    $reading::varchar  as reading,
    $number::bigint    as number,
    $block::bigint     as block;
