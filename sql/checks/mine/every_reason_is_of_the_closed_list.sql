-- A reason that nobody has documented explains nothing.
select reason, count(*) as n
from dropped
where not list_contains($reasons, reason)
group by reason;
