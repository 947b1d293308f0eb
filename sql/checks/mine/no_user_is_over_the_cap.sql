-- One loud user is one voice. Grown rows have a cap of their own.
select voice, count(*) as n
from taught
where source not in ('hotfix', 'synthetic')
group by voice
having count(*) > $cap;
