-- New rows, known not to be there.
-- reads: arriving (registered)   writes: ingest.feedback
insert into ingest.feedback by name
select * from arriving;
