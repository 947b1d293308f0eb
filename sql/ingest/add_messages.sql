-- New rows, known not to be there.
-- reads: arriving (registered)   writes: ingest.messages
insert into ingest.messages by name
select * from arriving;
