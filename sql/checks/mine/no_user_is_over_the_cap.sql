-- One loud user is one voice.
select voice, count(*) as n
from taught
where source <> 'hotfix'
group by voice
having count(*) > $cap;
