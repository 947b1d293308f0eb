-- Lines of one exact shape, each as a struct; null where a line has another shape, a key twice, a key more or less, or is no JSON.
-- reads: lines (registered)
select number, try(json_transform_strict(line::varchar, $shape)) as found
from lines;
