-- An event came again with new content: its older states stay as history and are no longer current.
-- reads: arriving (registered)   writes: ingest.feedback
merge into ingest.feedback as f
using arriving as s
on f.conversation_id = s.conversation_id and f.event_id = s.event_id and f.current
when matched then update set current = false;
