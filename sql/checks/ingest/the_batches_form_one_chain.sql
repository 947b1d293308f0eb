-- Each batch names the one before it, so that the newest id stands for everything that came.
select b.logs_id, b.previous
from ingest.batches as b
left join ingest.batches as p on p.number = b.number - 1
where b.previous is distinct from p.logs_id
   or b.number in (select number from ingest.batches group by number having count(*) > 1);
