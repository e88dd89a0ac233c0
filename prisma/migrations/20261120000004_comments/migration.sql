-- What a person needs who meets these tables in psql (\d+ tenants). "By trigger" holds for every writer, psql included.

COMMENT ON TABLE tenants IS 'Every tenant of the platform, deleted and purged ones included; rows are never deleted. Written by registry commands, register_tenant or by hand; each change lands in registry_change.';
COMMENT ON COLUMN tenants.id IS 'Identity in every service and in header X-Tenant-ID; never changes, never used again.';
COMMENT ON COLUMN tenants.slug IS 'Readable identity, 2 to 40 characters such as safari-run; storage names are made from it; never changes, never used again.';
COMMENT ON COLUMN tenants.name IS 'Full name for people, 1 to 200 characters, not unique.';
COMMENT ON COLUMN tenants.short_name IS 'Abbreviation for narrow places such as menus; null: show name.';
COMMENT ON COLUMN tenants.status IS 'pending, provisioning, active, suspended, failed, deleted (restorable until purge_after) or purged (final); only active resolves. May be set by hand: a trigger fills the dates that belong to it.';
COMMENT ON COLUMN tenants.plan IS 'Commercial plan: lite, pro or enterprise.';
COMMENT ON COLUMN tenants.max_users IS 'Quota: members at once; removed ones do not count.';
COMMENT ON COLUMN tenants.max_monthly_quotes IS 'Quota: quotes the tenant may create per calendar month in module operations.';
COMMENT ON COLUMN tenants.max_storage_gb IS 'Quota: gigabytes of all the tenant''s schemas and databases together.';
COMMENT ON COLUMN tenants.timezone IS 'IANA zone in which the tenant works, such as Africa/Johannesburg.';
COMMENT ON COLUMN tenants.currency IS 'ISO 4217 code of the money the tenant works in, such as ZAR.';
COMMENT ON COLUMN tenants.primary_email IS 'Main address of the tenant; the often-read copy of email.primary in tenant_config.';
COMMENT ON COLUMN tenants.gcp_project_id IS 'Google Cloud project of the tenant''s data; the often-read copy of infrastructure.gcp.project_id in tenant_config.';
COMMENT ON COLUMN tenants.gcp_dataset IS 'BigQuery dataset in that project; the often-read copy of infrastructure.gcp.dataset in tenant_config.';
COMMENT ON COLUMN tenants.tenant_config IS
'Configuration of the services the tenant uses. Every part may be missing; mutations refuse unknown keys. Shape:
branding {company_name, logo_url or null, primary_color, secondary_color, accent_color, theme_id, email_signature}; colours are #rrggbb
destinations [{name, code, enabled, aliases}]; aliases is a list of further names
infrastructure {gcp {project_id, dataset, region, corpus_id or null}, supabase {url, anon_key}, vapi {api_key, phone_number_id, assistant_id}, openai {api_key, model}, sendgrid {api_key}}
email {primary, sendgrid {api_key, from_email, from_name, reply_to}, smtp {host, port, username, password}, imap {host, port}}
banking {bank_name, account_name, account_number, branch_code, swift_code, reference_prefix}
consultants [{id, name, email, active}]
agents {inbound, helpdesk, outbound}, each {enabled, prompt_file}
extensions {...}: keys that an import of client.yaml met and did not know
No secret is ever stored here: every api_key, anon_key and password is a reference such as ${TENANT_SENDGRID_KEY}, resolved where it is used. A Supabase service key does not belong here, not even as a reference.';
COMMENT ON COLUMN tenants.config_source IS 'Which configuration is served: database (this row) or yaml (client.yaml in CLIENTS_DIR, until it is imported).';
COMMENT ON COLUMN tenants.created_at IS 'When the tenant was registered.';
COMMENT ON COLUMN tenants.created_by IS 'Who registered it, in the form of registry_change.actor; null: not known.';
COMMENT ON COLUMN tenants.updated_at IS 'Last change of this row; by trigger.';
COMMENT ON COLUMN tenants.suspended_at IS 'Start of the suspension; by trigger, cleared on resume, kept while a suspended tenant is deleted.';
COMMENT ON COLUMN tenants.suspended_reason IS 'Why, in words an operator can pass on; written by whoever suspends, cleared by trigger on resume.';
COMMENT ON COLUMN tenants.deleted_at IS 'Soft deletion; by trigger, cleared on restore, kept by a purge.';
COMMENT ON COLUMN tenants.purge_after IS 'Until when a deleted tenant can be restored; by trigger 30 days after deletion unless given, cleared on restore.';
COMMENT ON COLUMN tenants.status_before_deletion IS 'Status to which a restore returns; by trigger.';
COMMENT ON COLUMN tenants.version IS 'Compared with expectedVersion of a mutation; by trigger +1 per change, starting at 1.';

COMMENT ON TABLE modules IS 'The catalogue of services that keep data per tenant. A new module is a row, not code; written by registerModule and updateModule.';
COMMENT ON COLUMN modules.name IS 'Identity in the API and in module_subscriptions.module, such as finance.';
COMMENT ON COLUMN modules.description IS 'What the module does, one line for the admin page.';
COMMENT ON COLUMN modules.database_ref IS 'Name of the environment variable that holds the URL of the module''s database or server, such as FINANCE_DB_URL; never the URL itself.';
COMMENT ON COLUMN modules.database_name IS 'Name under which clients are told of the database that holds the tenants'' schemas; unused where isolation is database.';
COMMENT ON COLUMN modules.schema_prefix IS 'Issued storage names are this plus the slug with - as _: finance_ gives finance_safari_run.';
COMMENT ON COLUMN modules.isolation IS 'What a new subscription gets unless it says otherwise: schema (CREATE SCHEMA) or database (CREATE DATABASE).';
COMMENT ON COLUMN modules.migrations_folder IS 'Folder below modules/ whose SQL files build a tenant''s schema, after those of modules/_every.';
COMMENT ON COLUMN modules.created_at IS 'When the module was registered.';
COMMENT ON COLUMN modules.updated_at IS 'Last change of this row; by trigger.';
COMMENT ON COLUMN modules.version IS 'Compared with expectedVersion of a mutation; by trigger +1 per change, starting at 1.';

COMMENT ON TABLE module_subscriptions IS 'A tenant''s right to a module and the route to its data there; one row per tenant and module for ever, re-used when a cancelled module is subscribed again. Written by commands, subscribe_tenant_to_module or by hand.';
COMMENT ON COLUMN module_subscriptions.id IS 'Identity of the subscription; never changes.';
COMMENT ON COLUMN module_subscriptions.tenant_id IS 'Tenant that subscribed; never changes.';
COMMENT ON COLUMN module_subscriptions.module IS 'modules.name; never changes.';
COMMENT ON COLUMN module_subscriptions.isolation IS 'schema: a schema in the module''s database; database: a database of the tenant''s own; by trigger that of the module unless given.';
COMMENT ON COLUMN module_subscriptions.database_name IS 'Database that holds the data; by trigger that of the module (schema) or an issued name (database) unless given.';
COMMENT ON COLUMN module_subscriptions.schema_name IS 'Schema that holds the data; by trigger an issued name (schema) or public (database) unless given.';
COMMENT ON COLUMN module_subscriptions.status IS 'pending, provisioning, active, migrating, suspended, failed, deprovisioning or cancelled; only active resolves, and only for an active tenant.';
COMMENT ON COLUMN module_subscriptions.generation IS 'Counts the bindings of this tenant to a place; by trigger +1 on a move or a new start after cancelling. The guard in the service database turns older ones away.';
COMMENT ON COLUMN module_subscriptions.migration_version IS 'Newest migration of the module that ran in this storage; written by the provisioner, null before the first.';
COMMENT ON COLUMN module_subscriptions.provisioned_at IS 'When the subscription first became active; by trigger unless given.';
COMMENT ON COLUMN module_subscriptions.cancelled_at IS 'When it was cancelled; by trigger, cleared when it is subscribed again.';
COMMENT ON COLUMN module_subscriptions.purge_after IS 'When the data of a cancelled subscription may be dropped; written by the application, cleared by trigger when it is subscribed again.';
COMMENT ON COLUMN module_subscriptions.created_at IS 'When the tenant first subscribed.';
COMMENT ON COLUMN module_subscriptions.created_by IS 'Who subscribed it, in the form of registry_change.actor; null: not known.';
COMMENT ON COLUMN module_subscriptions.updated_at IS 'Last change of this row; by trigger.';
COMMENT ON COLUMN module_subscriptions.version IS 'Compared with expectedVersion of a mutation; by trigger +1 per change, starting at 1.';

COMMENT ON TABLE storage_names IS 'Which tenant owns a schema or database name, over all servers at once. Written by trigger; the application deletes a row only to give back the name of a failed creation.';
COMMENT ON COLUMN storage_names.kind IS 'schema or database: the two have names apart.';
COMMENT ON COLUMN storage_names.name IS 'The schema or database itself, at most 63 bytes, never pg_...';
COMMENT ON COLUMN storage_names.tenant_id IS 'Owner; a subscription of another tenant under this name is refused.';
COMMENT ON COLUMN storage_names.claimed_at IS 'When a subscription first named it.';
COMMENT ON COLUMN storage_names.resolved_at IS 'When a subscription under it first became active; by trigger. From then on the name is taken for ever; null: it may be given back.';

COMMENT ON TABLE tenant_settings IS 'What a tenant tells its customers about itself, one row per tenant; written at onboarding and by updateTenantSettings.';
COMMENT ON COLUMN tenant_settings.tenant_id IS 'Tenant whose settings these are.';
COMMENT ON COLUMN tenant_settings.company_name IS 'Name on quotes, invoices and e-mail; may differ from tenants.name.';
COMMENT ON COLUMN tenant_settings.support_email IS 'Where the tenant''s customers write for help.';
COMMENT ON COLUMN tenant_settings.support_phone IS 'Number the tenant''s customers call, as it is printed; personal data, only a keyed hash in the change log.';
COMMENT ON COLUMN tenant_settings.website IS 'Public URL of the tenant.';
COMMENT ON COLUMN tenant_settings.currency IS 'ISO 4217 code in which prices are shown.';
COMMENT ON COLUMN tenant_settings.timezone IS 'IANA zone in which times are shown.';
COMMENT ON COLUMN tenant_settings.email_from_name IS 'Name of the sender of e-mail that goes out for the tenant.';
COMMENT ON COLUMN tenant_settings.email_from_email IS 'Address of that sender; support_email when none was given.';
COMMENT ON COLUMN tenant_settings.updated_at IS 'Last change of this row; by trigger.';
COMMENT ON COLUMN tenant_settings.version IS 'Compared with expectedVersion of a mutation; by trigger +1 per change, starting at 1.';

COMMENT ON TABLE tenant_branding IS 'How a tenant''s pages and documents look, one row per tenant; written at onboarding and by updateTenantBranding.';
COMMENT ON COLUMN tenant_branding.tenant_id IS 'Tenant whose look this is.';
COMMENT ON COLUMN tenant_branding.preset_theme IS 'Theme that gives every colour not set below, such as professional_blue.';
COMMENT ON COLUMN tenant_branding.logo_url IS 'Where the logo is loaded from; null: no logo.';
COMMENT ON COLUMN tenant_branding.primary_color IS 'Main colour of pages and documents, #rrggbb; null: as in the theme.';
COMMENT ON COLUMN tenant_branding.secondary_color IS 'Second colour beside the main one, #rrggbb; null: as in the theme.';
COMMENT ON COLUMN tenant_branding.accent_color IS 'Colour of links and highlights, #rrggbb; null: as in the theme.';
COMMENT ON COLUMN tenant_branding.updated_at IS 'Last change of this row; by trigger.';
COMMENT ON COLUMN tenant_branding.version IS 'Compared with expectedVersion of a mutation; by trigger +1 per change, starting at 1.';

COMMENT ON TABLE members IS 'People who may act for a tenant; someone who belongs to several tenants has a row in each. Written by inviteTenantMember, removeTenantMember and by accepting an invitation.';
COMMENT ON COLUMN members.id IS 'Identity of the membership, not of the person.';
COMMENT ON COLUMN members.tenant_id IS 'Tenant the person acts for.';
COMMENT ON COLUMN members.email IS 'Address the invitation went to, lower case, once per tenant; only a keyed hash in the change log.';
COMMENT ON COLUMN members.full_name IS 'Name as the person writes it; only a keyed hash in the change log.';
COMMENT ON COLUMN members.role IS 'admin (may manage members and settings of the tenant) or member.';
COMMENT ON COLUMN members.status IS 'invited (has not accepted yet), active or removed (kept for the history, may do nothing).';
COMMENT ON COLUMN members.subject IS 'Claim sub of the identity provider''s tokens, bound when the invitation is accepted; a caller with it is bound to this tenant. Null until then.';
COMMENT ON COLUMN members.created_at IS 'When the person was first invited.';
COMMENT ON COLUMN members.updated_at IS 'Last change of this row; by trigger.';
COMMENT ON COLUMN members.version IS 'By trigger +1 per change, starting at 1.';

COMMENT ON TABLE invitations IS 'Invitations to become a member, good for one acceptance each; written by onboarding, inviteTenantMember and acceptance.';
COMMENT ON COLUMN invitations.id IS 'Identity of the invitation; not the token that accepts it.';
COMMENT ON COLUMN invitations.tenant_id IS 'Tenant the invitation is for, the same as the member''s.';
COMMENT ON COLUMN invitations.member_id IS 'Member who is invited; the row goes with the member.';
COMMENT ON COLUMN invitations.token_hash IS 'Hash, 32 bytes, of the token in the link that was sent; the token itself is not stored.';
COMMENT ON COLUMN invitations.created_at IS 'When it was sent.';
COMMENT ON COLUMN invitations.created_by IS 'Who invited, in the form of registry_change.actor; null: not known.';
COMMENT ON COLUMN invitations.expires_at IS 'From then on the token is refused.';
COMMENT ON COLUMN invitations.accepted_at IS 'When the member accepted and a subject was bound; null: open or expired.';

COMMENT ON TABLE operations IS 'Long work such as provisioning: queue, progress and history in one. Written by the command that asks for it and then by the worker that holds it; not in the change log.';
COMMENT ON COLUMN operations.id IS 'What payloads and operationProgress name.';
COMMENT ON COLUMN operations.kind IS 'subscribe_tenant, provision_module, provision_tenant or mark_module_provisioned.';
COMMENT ON COLUMN operations.tenant_id IS 'Tenant it works for; null: work that concerns no single tenant.';
COMMENT ON COLUMN operations.status IS 'queued, running, succeeded, failed, compensating (undoing its steps), compensated, cancelled or needs_attention (undoing failed too: a person must look).';
COMMENT ON COLUMN operations.actor IS 'Who asked for it, in the form of registry_change.actor.';
COMMENT ON COLUMN operations.input IS 'Arguments of the command, an object; holds no secrets.';
COMMENT ON COLUMN operations.error IS 'Why the last attempt ended badly, in words for the operator; null: it did not.';
COMMENT ON COLUMN operations.attempt IS '1 for the first run; +1 by retryOperation.';
COMMENT ON COLUMN operations.fencing_token IS 'Raised each time a worker takes the operation; a worker that holds a lower one has lost it and may write nothing more.';
COMMENT ON COLUMN operations.worker IS 'Process that holds it; null: nobody.';
COMMENT ON COLUMN operations.heartbeat_at IS 'Last sign of life of that worker; when it grows old another worker takes over.';
COMMENT ON COLUMN operations.created_at IS 'When it was queued.';
COMMENT ON COLUMN operations.started_at IS 'When a worker first took it; null: still queued.';
COMMENT ON COLUMN operations.finished_at IS 'When it ended as succeeded, failed, compensated or cancelled; null in every other status.';

COMMENT ON TABLE operation_steps IS 'What an operation does, step by step; with operations the provisioning history of a tenant, per module. Written by the worker.';
COMMENT ON COLUMN operation_steps.operation_id IS 'Operation it is a step of.';
COMMENT ON COLUMN operation_steps.position IS 'Order of doing within the operation; compensation goes backwards.';
COMMENT ON COLUMN operation_steps.name IS 'What is done, for people and for the worker that resumes.';
COMMENT ON COLUMN operation_steps.module IS 'modules.name of the storage it works on; null: none. No foreign key.';
COMMENT ON COLUMN operation_steps.status IS 'The same words as operations.status, for this step alone.';
COMMENT ON COLUMN operation_steps.error IS 'Why the step ended badly, in words for the operator; null: it did not.';
COMMENT ON COLUMN operation_steps.started_at IS 'When the worker began it; null: not yet.';
COMMENT ON COLUMN operation_steps.finished_at IS 'When it ended, well or badly; null: not yet.';

COMMENT ON TABLE api_keys IS 'Credentials of services and scripts; written by createApiKey and revokeApiKey.';
COMMENT ON COLUMN api_keys.id IS 'Identity of the key; not secret.';
COMMENT ON COLUMN api_keys.name IS 'Who or what uses it, 1 to 100 characters, not unique.';
COMMENT ON COLUMN api_keys.secret_hash IS 'Hash of the secret, by which it is found; the secret is shown once and not stored. Kept out of the change log.';
COMMENT ON COLUMN api_keys.scopes IS 'What it may do, at least one: resolve:<module>, resolve:*, registry:read, registry:write, provision, audit:read, keys:manage, schema:read, documents:any.';
COMMENT ON COLUMN api_keys.created_at IS 'When it was issued.';
COMMENT ON COLUMN api_keys.created_by IS 'Who issued it, in the form of registry_change.actor; null: not known.';
COMMENT ON COLUMN api_keys.expires_at IS 'From then on it is refused; null: never.';
COMMENT ON COLUMN api_keys.revoked_at IS 'Since when it is refused; null: not revoked.';
COMMENT ON COLUMN api_keys.last_used_at IS 'Roughly when it was last used; not in the change log.';

COMMENT ON TABLE idempotency_keys IS 'Answers to commands that carried an idempotencyKey, so that a retry gets the first answer and does nothing again; written by the application, old rows are deleted.';
COMMENT ON COLUMN idempotency_keys.caller IS 'Who sent it; keys of different callers never meet.';
COMMENT ON COLUMN idempotency_keys.key IS 'What the caller sent as idempotencyKey.';
COMMENT ON COLUMN idempotency_keys.command IS 'Command it was sent with.';
COMMENT ON COLUMN idempotency_keys.request_hash IS 'Hash of command and input; the same key with another one is refused as IDEMPOTENCY_KEY_REUSED.';
COMMENT ON COLUMN idempotency_keys.result IS 'What the first request was answered; null: it has not ended.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When the first request came; decides when the row may go.';

COMMENT ON TABLE registry_head IS 'One row: where the change log stands. Locked last by every transaction that changes the registry, so that revisions are gapless and in commit order; moved by trigger alone.';
COMMENT ON COLUMN registry_head.id IS 'Always true: there is one head.';
COMMENT ON COLUMN registry_head.revision IS 'Number of the newest change: +1 per transaction, 0 before the first. Means something only together with the epoch.';
COMMENT ON COLUMN registry_head.position IS 'Position of the newest entry within that revision, from 0.';
COMMENT ON COLUMN registry_head.hash IS 'Hash of the newest entry, empty before the first; compared with the log it shows a missing tail.';
COMMENT ON COLUMN registry_head.incarnation IS 'Part of the epoch; by trigger a new one whenever this row is inserted anew, as a data-only restore does.';
COMMENT ON COLUMN registry_head.transaction_id IS 'Transaction (xid8) that moved the head last; its further changes share the revision.';
COMMENT ON COLUMN registry_head.transaction_at IS 'Start of that transaction: the id alone could recur after a restore into a younger server.';

COMMENT ON TABLE registry_change IS 'Audit log and change feed: one entry per changed row, append-only, chained by hash, without foreign keys. Written by trigger alone; UPDATE, DELETE and TRUNCATE are refused.';
COMMENT ON COLUMN registry_change.revision IS 'Number of the transaction among all that changed the registry, from 1, without gaps.';
COMMENT ON COLUMN registry_change.position IS 'Order of the entry within its transaction, from 0.';
COMMENT ON COLUMN registry_change.tenant_id IS 'Tenant concerned; null: a module or an API key.';
COMMENT ON COLUMN registry_change.tenant_slug IS 'Slug of that tenant, so that followers can drop what they hold under it.';
COMMENT ON COLUMN registry_change.module IS 'modules.name concerned; null: none.';
COMMENT ON COLUMN registry_change.kind IS 'What happened, noun and past participle: tenant.registered, tenant.suspended, subscription.activated, settings.updated, member.removed.';
COMMENT ON COLUMN registry_change.entity_id IS 'Key of the changed row: its id, else its tenant_id (settings, branding), else its name (modules).';
COMMENT ON COLUMN registry_change.actor IS 'Who did it: setting registry.actor of the transaction, else role:<session user> for a change made by hand.';
COMMENT ON COLUMN registry_change.database_role IS 'PostgreSQL role that was logged in; unlike actor it can''t be chosen by the writer.';
COMMENT ON COLUMN registry_change.before IS 'Row before, of an update only the fields that differ; null for an insert. Without hashes of secrets; personal data as keyed hashes (hash:...), or *** where the tenant has no key.';
COMMENT ON COLUMN registry_change.after IS 'Row after, in the same form as before; null for a delete.';
COMMENT ON COLUMN registry_change.changed_at IS 'Clock of the server as the entry was written, at the end of its transaction.';
COMMENT ON COLUMN registry_change.previous_hash IS 'hash of the entry before; empty for the very first.';
COMMENT ON COLUMN registry_change.hash IS 'SHA-256 of previous_hash and everything in this entry, see registry_change_hash: no entry can be altered unnoticed.';

COMMENT ON TABLE personal_data_keys IS 'Keys under which the change log hashes personal data. Deleting a row, as a purge does, makes that tenant''s hashes meaningless.';
COMMENT ON COLUMN personal_data_keys.tenant_id IS 'Tenant whose people it protects; no foreign key.';
COMMENT ON COLUMN personal_data_keys.key IS '32 random bytes, secret; by trigger when the tenant is registered.';

COMMENT ON TABLE replicas IS 'Gateways that follow the change log; a mutation waits for them. A row older than the staleness bound is deleted by whoever waits: that gateway gets no lease any more until it starts afresh.';
COMMENT ON COLUMN replicas.id IS 'Chosen by the gateway at start, another one each time.';
COMMENT ON COLUMN replicas.hostname IS 'Machine or container it runs on, for people.';
COMMENT ON COLUMN replicas.epoch IS 'History its revisions belong to, as from registry_epoch(); null: it has not read the log yet.';
COMMENT ON COLUMN replicas.revision IS 'W: up to here the gateway has applied every change and answers nothing older; reported at each poll.';
COMMENT ON COLUMN replicas.clients_revision IS 'Lowest revision confirmed by the clients it granted leases to; null: no such client.';
COMMENT ON COLUMN replicas.staleness_ms IS 'For how long, in milliseconds, the replica trusts what a poll found; a mutation waits at most that long for it.';
COMMENT ON COLUMN replicas.started_at IS 'When the gateway began to follow.';
COMMENT ON COLUMN replicas.reported_at IS 'Its last report, by the clock of this database.';

COMMENT ON FUNCTION registry_epoch IS 'Which history the revisions belong to, 16 hex digits; differs after a failover and after every kind of restore. Primary only.';
COMMENT ON FUNCTION registry_actor IS 'Who is at work: setting registry.actor, else role:<session user>. Commands set it with set_config(''registry.actor'', ..., true).';
COMMENT ON FUNCTION registry_keyed_hash IS 'hash: and 32 hex digits: keyed SHA-256 of a piece of personal data; equal values under one key stay recognisable as equal.';
COMMENT ON FUNCTION registry_pseudonymise IS 'The document with e-mail addresses, full_name, support_phone and subject as hashes under the tenant''s key, or as *** where it has none.';
COMMENT ON FUNCTION registry_change_hash IS 'What registry_change.hash must be; recompute it to check the chain.';
COMMENT ON FUNCTION registry_change_kind IS 'What an entry is called: status changes by their new status (activated, resumed, restored for active), else registered, created, updated, removed.';
COMMENT ON FUNCTION registry_record_change IS 'Trigger, deferred to commit: moves the head, appends the entry, sends NOTIFY registry_change with the revision. Argument: the noun in kind.';
COMMENT ON FUNCTION registry_guard_log IS 'Trigger: refuses every write to registry_change and registry_head that does not come from registry_record_change.';
COMMENT ON FUNCTION registry_head_begin IS 'Trigger: a head row that is inserted starts a history of its own.';
COMMENT ON FUNCTION tenants_maintain IS 'Trigger: fills dates, version and what else follows from a status; refuses another id or slug, and a way back from purged.';
COMMENT ON FUNCTION tenants_create_personal_data_key IS 'Trigger: gives a new tenant its row in personal_data_keys.';
COMMENT ON FUNCTION module_subscriptions_maintain IS 'Trigger: issues names, counts generation and version, fills dates; refuses another tenant or module.';
COMMENT ON FUNCTION module_subscriptions_claim_name IS 'Trigger: takes the storage name for the tenant, or refuses it with the owner''s id.';
COMMENT ON FUNCTION storage_names_keep IS 'Trigger: refuses to change or give back a name that has resolved.';
COMMENT ON FUNCTION registry_touch IS 'Trigger: counts version and sets updated_at when a row really changed.';
COMMENT ON FUNCTION registry_refuse IS 'Trigger: refuses the statement. Argument: the way out, shown as HINT.';
