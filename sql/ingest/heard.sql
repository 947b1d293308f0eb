-- Which conversations of a chunk were heard of before: they came, or an event waits for them.
-- reads: asked (registered), ingest.conversations, ingest.feedback
select conversation_id from ingest.conversations semi join asked using (conversation_id)
union
select conversation_id from ingest.feedback semi join asked using (conversation_id);
