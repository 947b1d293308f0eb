-- New rows, known not to be there.
-- reads: arriving (registered)   writes: ingest.conversations
insert into ingest.conversations by name
select * from arriving;
