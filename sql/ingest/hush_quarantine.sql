-- A line refused for its form may belong to a conversation whose consent was refused: its text is not kept either.
-- writes: ingest.quarantine
update ingest.quarantine
set text = null
where arrived >= $first
  and text is not null
  and conversation_id in (select conversation_id from ingest.conversations where not consent);
