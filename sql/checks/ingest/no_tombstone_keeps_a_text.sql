-- Consent refused means ids only, also in what waits and in what was refused.
with tombstones as (
    select conversation_id, metadata, app, model, locale from ingest.conversations where not consent
)
select conversation_id, 'conversation' as place from tombstones where coalesce(metadata, app, model, locale) is not null
union all
select conversation_id, 'message' from ingest.messages where conversation_id in (select conversation_id from tombstones)
union all
select conversation_id, 'feedback' from ingest.feedback
where conversation_id in (select conversation_id from tombstones) and (coalesce(text, value) is not null or reasons is not null)
union all
select conversation_id, 'quarantine' from ingest.quarantine
where conversation_id in (select conversation_id from tombstones) and text is not null;
