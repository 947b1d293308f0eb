-- A table with more rows than the catalogue would keep to itself, so that a file is written: whoever runs this takes it back.
create or replace table lake.meta.writing_was_tried as
select range as n
from range(1000);
