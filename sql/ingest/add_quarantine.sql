-- New rows, known not to be there.
-- reads: arriving (registered)   writes: ingest.quarantine
insert into ingest.quarantine by name
select * from arriving;
