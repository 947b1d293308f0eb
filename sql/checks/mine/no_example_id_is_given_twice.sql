-- An example is known by its id in every later stage.
select example_id, count(*) as n
from (select example_id from taught union all select example_id from heldout)
group by example_id
having count(*) > 1;
