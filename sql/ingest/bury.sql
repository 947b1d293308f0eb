-- Consent was refused: every text of these conversations goes, also what waited for them and what lies in quarantine.
-- reads: arriving (registered)   writes: ingest.messages, ingest.feedback, ingest.quarantine
delete from ingest.messages
where conversation_id in (select conversation_id from arriving);

update ingest.feedback
set value = null, max = null, text = null, reasons = null, span = null, digest = null
where conversation_id in (select conversation_id from arriving);

update ingest.quarantine
set text = null
where conversation_id in (select conversation_id from arriving) and text is not null;
