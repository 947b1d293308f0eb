-- Batches are made beside one another and committed one by one: where a batch's rows stand in the order of arrival is settled when it
-- begins, its number when it commits.

alter table ingest.batches add column block bigint;   -- rows that it brought have arrived between block x 10^9 and the next; null = its number
