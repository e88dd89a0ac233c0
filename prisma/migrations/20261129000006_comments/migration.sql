-- Comments: a COMMENT on every table, column, view, type, function, procedure and trigger, for readers who meet them in psql
-- (\d+ tenants). A test refuses objects without a comment. "Set by trigger" holds for every writer, psql included.

COMMENT ON TABLE tenants IS 'All tenants of the platform, including deleted and purged ones; rows are never deleted. Written by the commands of the registry, by register_tenant or by hand; registry_change records each change.';
COMMENT ON COLUMN tenants.id IS 'Identity of the tenant in every service and in the header X-Tenant-ID. Never changes and is never reused.';
COMMENT ON COLUMN tenants.slug IS 'Readable identity of 2 to 40 characters, such as safari-run. Storage names are derived from it. Never changes and is never reused.';
COMMENT ON COLUMN tenants.name IS 'Full name for display, 1 to 200 characters, not unique.';
COMMENT ON COLUMN tenants.short_name IS 'Abbreviation for places with little room, such as menus; null means that name is shown.';
COMMENT ON COLUMN tenants.status IS 'State of the tenant: pending, provisioning, active, suspended, failed, deleted (restorable until purge_after) or purged (final). Only an active tenant resolves. It may be set by hand: a trigger fills in the dates that belong to it.';
COMMENT ON COLUMN tenants.plan IS 'Commercial plan: lite, pro or enterprise.';
COMMENT ON COLUMN tenants.max_users IS 'Quota: number of members at the same time, without removed ones.';
COMMENT ON COLUMN tenants.max_monthly_quotes IS 'Quota: number of quotes that the tenant may create in module operations per calendar month.';
COMMENT ON COLUMN tenants.max_storage_gb IS 'Quota: gigabytes in all schemas and databases of the tenant together.';
COMMENT ON COLUMN tenants.timezone IS 'IANA time zone in which the tenant works, such as Africa/Johannesburg.';
COMMENT ON COLUMN tenants.currency IS 'ISO 4217 code of the currency in which the tenant works, such as ZAR.';
COMMENT ON COLUMN tenants.primary_email IS 'Main e-mail address of the tenant. A trigger keeps it equal to email.primary in tenant_config.';
COMMENT ON COLUMN tenants.gcp_project_id IS 'Google Cloud project of the tenant''s data. A trigger keeps it equal to infrastructure.gcp.project_id in tenant_config.';
COMMENT ON COLUMN tenants.gcp_dataset IS 'BigQuery dataset in that project. A trigger keeps it equal to infrastructure.gcp.dataset in tenant_config.';
COMMENT ON COLUMN tenants.tenant_config IS
'Configuration of the services that the tenant uses. Every part may be missing; mutations refuse unknown keys. Its shape:
branding {company_name, logo_url or null, primary_color, secondary_color, accent_color, theme_id, email_signature}; colours are #rrggbb
destinations [{name, code, enabled, aliases}]; aliases is a list of further names
infrastructure {gcp {project_id, dataset, region, corpus_id or null}, supabase {url, anon_key}, vapi {api_key, phone_number_id, assistant_id}, openai {api_key, model}, sendgrid {api_key}}
email {primary, sendgrid {api_key, from_email, from_name, reply_to}, smtp {host, port, username, password}, imap {host, port}}
banking {bank_name, account_name, account_number, branch_code, swift_code, reference_prefix}
consultants [{id, name, email, active}]
agents {inbound, helpdesk, outbound}, each {enabled, prompt_file}
extensions {...}: keys of an imported client.yaml that are not part of this shape
No secret is stored here: every api_key, anon_key and password is a reference such as ${TENANT_SENDGRID_KEY}, which the service that uses it resolves. A Supabase service key does not belong here, not even as a reference.';
COMMENT ON COLUMN tenants.config_source IS 'Source of the configuration that is served: database (this row) or yaml (client.yaml in CLIENTS_DIR, until it is imported).';
COMMENT ON COLUMN tenants.created_at IS 'Time of the registration.';
COMMENT ON COLUMN tenants.created_by IS 'Actor who registered the tenant, in the form of registry_change.actor; null if unknown.';
COMMENT ON COLUMN tenants.updated_at IS 'Time of the last change of this row; set by trigger.';
COMMENT ON COLUMN tenants.suspended_at IS 'Start of the suspension; set by trigger, cleared on resume, kept while a suspended tenant is deleted.';
COMMENT ON COLUMN tenants.suspended_reason IS 'Reason of the suspension, in words that an operator can pass on; written with the suspension, cleared by trigger on resume.';
COMMENT ON COLUMN tenants.deleted_at IS 'Time of the deletion; set by trigger, cleared on restore, kept by a purge.';
COMMENT ON COLUMN tenants.purge_after IS 'Time until which a deleted tenant can be restored; set by trigger to 30 days after the deletion unless given, cleared on restore.';
COMMENT ON COLUMN tenants.status_before_deletion IS 'Status to which a restore returns; set by trigger.';
COMMENT ON COLUMN tenants.version IS 'Number that a mutation compares with expectedVersion; starts at 1, and a trigger adds 1 per change.';

COMMENT ON TABLE modules IS 'The services that keep data per tenant. A new module is a row, not code; written by registerModule and updateModule.';
COMMENT ON COLUMN modules.name IS 'Identity in the API and in module_subscriptions.module, such as finance.';
COMMENT ON COLUMN modules.description IS 'Purpose of the module, one line for the admin page.';
COMMENT ON COLUMN modules.database_ref IS 'Name of the environment variable that holds the URL of the module''s database or server, such as FINANCE_DB_URL; never the URL itself.';
COMMENT ON COLUMN modules.database_name IS 'Name of the database with the tenants'' schemas, as clients see it; not used where isolation is database.';
COMMENT ON COLUMN modules.schema_prefix IS 'Prefix of issued storage names; the slug follows, with _ in place of -: finance_ gives finance_safari_run.';
COMMENT ON COLUMN modules.isolation IS 'Default for new subscriptions: schema (CREATE SCHEMA) or database (CREATE DATABASE).';
COMMENT ON COLUMN modules.migrations_folder IS 'Folder in modules/ whose SQL files create the tables of a tenant, after the files of modules/_every.';
COMMENT ON COLUMN modules.created_at IS 'Time when the module was registered.';
COMMENT ON COLUMN modules.updated_at IS 'Time of the last change of this row; set by trigger.';
COMMENT ON COLUMN modules.version IS 'Number that a mutation compares with expectedVersion; starts at 1, and a trigger adds 1 per change.';

COMMENT ON TABLE module_subscriptions IS 'Right of a tenant to use a module, and the location of its data there. One row per tenant and module for ever: subscribing again after a cancellation uses the same row. Written by commands, subscribe_tenant_to_module or by hand.';
COMMENT ON COLUMN module_subscriptions.id IS 'Identity of the subscription; never changes.';
COMMENT ON COLUMN module_subscriptions.tenant_id IS 'Tenant that subscribed; never changes.';
COMMENT ON COLUMN module_subscriptions.module IS 'Module, as in modules.name; never changes.';
COMMENT ON COLUMN module_subscriptions.isolation IS 'Kind of storage: schema (a schema in the module''s database) or database (a database of the tenant''s own); set by trigger to that of the module unless given.';
COMMENT ON COLUMN module_subscriptions.database_name IS 'Database that holds the data; set by trigger to that of the module (isolation schema) or to an issued name (isolation database) unless given.';
COMMENT ON COLUMN module_subscriptions.schema_name IS 'Schema that holds the data; set by trigger to an issued name (isolation schema) or to public (isolation database) unless given.';
COMMENT ON COLUMN module_subscriptions.status IS 'State of the subscription: pending, provisioning, active, migrating, suspended, failed, deprovisioning or cancelled. Only an active subscription of an active tenant resolves.';
COMMENT ON COLUMN module_subscriptions.generation IS 'Number of the binding between this tenant and its storage; a trigger adds 1 on a move and when a cancelled subscription starts again. The guard in the service database rejects older generations.';
COMMENT ON COLUMN module_subscriptions.migration_version IS 'Newest migration of the module that ran in this storage; written by the provisioner, null before the first.';
COMMENT ON COLUMN module_subscriptions.provisioned_at IS 'Time when the subscription first became active; set by trigger unless given.';
COMMENT ON COLUMN module_subscriptions.cancelled_at IS 'Time of the cancellation; set by trigger, cleared when the tenant subscribes again.';
COMMENT ON COLUMN module_subscriptions.purge_after IS 'Time after which the data of a cancelled subscription may be dropped; set by trigger to 30 days after the cancellation unless given, cleared when the tenant subscribes again.';
COMMENT ON COLUMN module_subscriptions.created_at IS 'Time of the first subscription.';
COMMENT ON COLUMN module_subscriptions.created_by IS 'Actor who subscribed the tenant, in the form of registry_change.actor; null if unknown.';
COMMENT ON COLUMN module_subscriptions.updated_at IS 'Time of the last change of this row; set by trigger.';
COMMENT ON COLUMN module_subscriptions.version IS 'Number that a mutation compares with expectedVersion; starts at 1, and a trigger adds 1 per change.';
COMMENT ON COLUMN module_subscriptions.storage_removed_at IS 'Time when the data was dropped after purge_after; null if it was not. Subscribing again creates new storage under the same name.';

COMMENT ON TABLE storage_names IS 'Owners of schema and database names, over all servers. Written by trigger; the application deletes a row only to release the name of a failed creation.';
COMMENT ON COLUMN storage_names.kind IS 'Kind of the name: schema or database. The two are separate, so a schema and a database may have the same name.';
COMMENT ON COLUMN storage_names.name IS 'Name of the schema or database, at most 63 bytes, never pg_...';
COMMENT ON COLUMN storage_names.tenant_id IS 'Owner of the name; a subscription of another tenant under it is refused.';
COMMENT ON COLUMN storage_names.claimed_at IS 'Time when a subscription first used the name.';
COMMENT ON COLUMN storage_names.resolved_at IS 'Time when a subscription under the name first became active; set by trigger. From then on the name is taken for ever; while this is null it can be released.';

COMMENT ON TABLE tenant_settings IS 'Contact data that a tenant shows to its customers, one row per tenant; written at onboarding and by updateTenantSettings.';
COMMENT ON COLUMN tenant_settings.tenant_id IS 'Tenant to which the settings belong.';
COMMENT ON COLUMN tenant_settings.company_name IS 'Company name on quotes, invoices and e-mail; may differ from tenants.name.';
COMMENT ON COLUMN tenant_settings.support_email IS 'E-mail address of support for the tenant''s customers.';
COMMENT ON COLUMN tenant_settings.support_phone IS 'Telephone number of support for the tenant''s customers, in the form in which it is printed. Personal data: the change log holds only a keyed hash.';
COMMENT ON COLUMN tenant_settings.website IS 'Public URL of the tenant.';
COMMENT ON COLUMN tenant_settings.currency IS 'ISO 4217 code of the currency in which prices are shown.';
COMMENT ON COLUMN tenant_settings.timezone IS 'IANA time zone in which times are shown.';
COMMENT ON COLUMN tenant_settings.email_from_name IS 'Sender name of e-mail that is sent for the tenant.';
COMMENT ON COLUMN tenant_settings.email_from_email IS 'Sender address of that e-mail; support_email unless given.';
COMMENT ON COLUMN tenant_settings.updated_at IS 'Time of the last change of this row; set by trigger.';
COMMENT ON COLUMN tenant_settings.version IS 'Number that a mutation compares with expectedVersion; starts at 1, and a trigger adds 1 per change.';

COMMENT ON TABLE tenant_branding IS 'Appearance of a tenant''s pages and documents, one row per tenant; written at onboarding and by updateTenantBranding.';
COMMENT ON COLUMN tenant_branding.tenant_id IS 'Tenant to which the branding belongs.';
COMMENT ON COLUMN tenant_branding.preset_theme IS 'Theme that supplies every colour that is not set below, such as professional_blue.';
COMMENT ON COLUMN tenant_branding.logo_url IS 'URL of the logo; null if there is none.';
COMMENT ON COLUMN tenant_branding.primary_color IS 'Main colour of pages and documents, #rrggbb; null means the colour of the theme.';
COMMENT ON COLUMN tenant_branding.secondary_color IS 'Second colour beside the main one, #rrggbb; null means the colour of the theme.';
COMMENT ON COLUMN tenant_branding.accent_color IS 'Colour of links and highlights, #rrggbb; null means the colour of the theme.';
COMMENT ON COLUMN tenant_branding.updated_at IS 'Time of the last change of this row; set by trigger.';
COMMENT ON COLUMN tenant_branding.version IS 'Number that a mutation compares with expectedVersion; starts at 1, and a trigger adds 1 per change.';

COMMENT ON TABLE members IS 'People who may act for a tenant; a person who belongs to several tenants has a row in each. Written by inviteTenantMember, by removeTenantMember and when an invitation is accepted.';
COMMENT ON COLUMN members.id IS 'Identity of the membership, not of the person.';
COMMENT ON COLUMN members.tenant_id IS 'Tenant for which the person acts.';
COMMENT ON COLUMN members.email IS 'Address to which the invitation was sent, in lower case, unique per tenant; the change log holds only a keyed hash.';
COMMENT ON COLUMN members.full_name IS 'Name of the person; the change log holds only a keyed hash.';
COMMENT ON COLUMN members.role IS 'Role of the person: admin (may manage members and settings of the tenant) or member.';
COMMENT ON COLUMN members.status IS 'State of the membership: invited (not accepted yet), active, or removed (kept for the history, without any rights).';
COMMENT ON COLUMN members.subject IS 'Claim sub of the identity provider''s tokens, stored when the invitation is accepted; a token with it gives access to this tenant. Null until then.';
COMMENT ON COLUMN members.created_at IS 'Time of the first invitation.';
COMMENT ON COLUMN members.updated_at IS 'Time of the last change of this row; set by trigger.';
COMMENT ON COLUMN members.version IS 'Number of the row version; starts at 1, and a trigger adds 1 per change.';

COMMENT ON TABLE invitations IS 'Invitations to become a member, each valid for one acceptance; written by onboarding, by inviteTenantMember and on acceptance.';
COMMENT ON COLUMN invitations.id IS 'Identity of the invitation; not the token that accepts it.';
COMMENT ON COLUMN invitations.tenant_id IS 'Tenant of the invitation, the same as that of the member.';
COMMENT ON COLUMN invitations.member_id IS 'Member who is invited; the invitation is deleted with the member.';
COMMENT ON COLUMN invitations.token_hash IS 'Hash, 32 bytes, of the token in the link that was sent; the token itself is not stored.';
COMMENT ON COLUMN invitations.created_at IS 'Time when the invitation was created.';
COMMENT ON COLUMN invitations.created_by IS 'Actor who invited, in the form of registry_change.actor; null if unknown.';
COMMENT ON COLUMN invitations.expires_at IS 'Time from which the token is rejected.';
COMMENT ON COLUMN invitations.accepted_at IS 'Time when the member accepted and a subject was stored; null while the invitation is open or if it expired.';

COMMENT ON TABLE operations IS 'Long-running work such as provisioning: queue, progress and history in one table. Written by the command that requests the work and then by the worker that holds it; not part of the change log.';
COMMENT ON COLUMN operations.id IS 'Identity of the operation in payloads and in operationProgress.';
COMMENT ON COLUMN operations.kind IS 'Purpose of the operation: subscribe_tenant, provision_module, provision_tenant, mark_module_provisioned, adopt_storage, bind_storage (updates the guards), remove_storage (of a cancelled subscription) or purge_tenant.';
COMMENT ON COLUMN operations.tenant_id IS 'Tenant of the operation; null for work that concerns no single tenant.';
COMMENT ON COLUMN operations.status IS 'State of the operation: queued, running, succeeded, failed, compensating (its steps are being undone), compensated, cancelled or needs_attention (undoing failed as well, and a person must look at it).';
COMMENT ON COLUMN operations.actor IS 'Actor who requested the operation, in the form of registry_change.actor.';
COMMENT ON COLUMN operations.error IS 'Reason why the last attempt failed, in words for the operator; null if it did not fail.';
COMMENT ON COLUMN operations.attempt IS 'Number of the attempt: 1 for the first, and retryOperation adds 1.';
COMMENT ON COLUMN operations.fencing_token IS 'Number that is raised each time a worker takes the operation; a worker with a lower number has lost the operation and may not write any more.';
COMMENT ON COLUMN operations.worker IS 'Process that holds the operation; null if none does.';
COMMENT ON COLUMN operations.heartbeat_at IS 'Last heartbeat of that worker; when it is too old, another worker takes over.';
COMMENT ON COLUMN operations.created_at IS 'Time when the operation was queued.';
COMMENT ON COLUMN operations.started_at IS 'Time when a worker first took the operation; null while it is queued.';
COMMENT ON COLUMN operations.finished_at IS 'Time of the end as succeeded, failed, compensated or cancelled; null in every other status.';
COMMENT ON COLUMN operations.run_after IS 'Earliest time of the start: the due time of a removal, or the time of the next attempt after a failure.';
COMMENT ON COLUMN operations.cancel_requested_at IS 'Time when cancelOperation was called; the worker checks it before each step. Null if it was not called.';
COMMENT ON COLUMN operations.idempotency_key IS 'Key of the request that created the operation (idempotency_keys.key); a repeated request is answered with the revision at the end of the operation. Null if there was none.';

COMMENT ON TABLE operation_steps IS 'Steps of an operation; together with operations they are the provisioning history of a tenant, per module. Written by the worker.';
COMMENT ON COLUMN operation_steps.operation_id IS 'Operation to which the step belongs.';
COMMENT ON COLUMN operation_steps.position IS 'Order of the step in the operation; steps are undone in reverse order.';
COMMENT ON COLUMN operation_steps.name IS 'Action of the step, such as create_schema or activate_route.';
COMMENT ON COLUMN operation_steps.module IS 'Module on whose storage the step works, as in modules.name; null if none. No foreign key.';
COMMENT ON COLUMN operation_steps.status IS 'State of this step, with the same values as operations.status.';
COMMENT ON COLUMN operation_steps.error IS 'Reason why the step failed, in words for the operator; null if it did not fail.';
COMMENT ON COLUMN operation_steps.started_at IS 'Time when the worker started the step; null before.';
COMMENT ON COLUMN operation_steps.finished_at IS 'Time when the step ended, successfully or not; null before.';
COMMENT ON COLUMN operation_steps.facts IS 'Results of the step as an object: found (the storage existed before) and migrationVersion. A worker that takes over the operation reads them.';

COMMENT ON TABLE api_keys IS 'Credentials of services and scripts; written by createApiKey and revokeApiKey.';
COMMENT ON COLUMN api_keys.id IS 'Identity of the key; not secret.';
COMMENT ON COLUMN api_keys.name IS 'Name of the service or script that uses the key, 1 to 100 characters, not unique.';
COMMENT ON COLUMN api_keys.secret_hash IS 'Hash of the secret, by which the key is found; the secret is shown once and not stored. Not part of the change log.';
COMMENT ON COLUMN api_keys.scopes IS 'Permissions of the key, at least one: resolve:<module>, resolve:*, registry:read, registry:write, provision, audit:read, keys:manage, schema:read, documents:any.';
COMMENT ON COLUMN api_keys.created_at IS 'Time when the key was created.';
COMMENT ON COLUMN api_keys.created_by IS 'Actor who created the key, in the form of registry_change.actor; null if unknown.';
COMMENT ON COLUMN api_keys.expires_at IS 'Time from which the key is rejected; null if it does not expire.';
COMMENT ON COLUMN api_keys.revoked_at IS 'Time of the revocation, from which the key is rejected; null if it is not revoked.';
COMMENT ON COLUMN api_keys.last_used_at IS 'Approximate time of the last use; not part of the change log.';

COMMENT ON TABLE idempotency_keys IS 'Answers to commands that carried an idempotencyKey, so that a repeated request gets the first answer and changes nothing. Written by the application, which also deletes old rows.';
COMMENT ON COLUMN idempotency_keys.caller IS 'Caller who sent the key; the same key of another caller is a different one.';
COMMENT ON COLUMN idempotency_keys.key IS 'Value of idempotencyKey in the request.';
COMMENT ON COLUMN idempotency_keys.command IS 'Command of the request.';
COMMENT ON COLUMN idempotency_keys.request_hash IS 'Hash of command and input; the same key with another hash is refused as IDEMPOTENCY_KEY_REUSED.';
COMMENT ON COLUMN idempotency_keys.result IS 'Answer to the first request; null while it is running.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'Time of the first request, by which old rows are deleted.';

COMMENT ON TABLE registry_head IS 'Position of the change log, in one row. It is the last row that a transaction which changes the registry locks, so revisions have no gaps and follow the order of commits. Written by trigger only.';
COMMENT ON COLUMN registry_head.id IS 'Always true, so that there is one row only.';
COMMENT ON COLUMN registry_head.revision IS 'Number of the newest change: 1 more per transaction, 0 before the first. It has a meaning only together with the epoch.';
COMMENT ON COLUMN registry_head.position IS 'Position of the newest entry within that revision, from 0.';
COMMENT ON COLUMN registry_head.hash IS 'Hash of the newest entry, empty before the first; a comparison with the log shows missing entries at its end.';
COMMENT ON COLUMN registry_head.incarnation IS 'Part of the epoch; a trigger sets a new one when this row is inserted again, as a data-only restore does.';
COMMENT ON COLUMN registry_head.transaction_id IS 'Transaction (xid8) of the newest entry; further changes of the same transaction get the same revision.';
COMMENT ON COLUMN registry_head.transaction_at IS 'Start of that transaction, because the id alone could repeat after a restore into a newer server.';

COMMENT ON TABLE registry_change IS 'Audit log and change feed: one entry per changed row, append-only, linked by hashes, without foreign keys. Written by trigger only; UPDATE, DELETE and TRUNCATE are refused.';
COMMENT ON COLUMN registry_change.revision IS 'Number of the transaction among all that changed the registry, from 1, without gaps.';
COMMENT ON COLUMN registry_change.position IS 'Order of the entry within its transaction, from 0.';
COMMENT ON COLUMN registry_change.tenant_id IS 'Tenant of the changed row; null for a module or an API key.';
COMMENT ON COLUMN registry_change.tenant_slug IS 'Slug of that tenant, so that followers can drop cache entries under it.';
COMMENT ON COLUMN registry_change.module IS 'Module of the changed row, as in modules.name; null if none.';
COMMENT ON COLUMN registry_change.kind IS 'Event as noun and past participle: tenant.registered, tenant.suspended, subscription.activated, settings.updated, member.removed.';
COMMENT ON COLUMN registry_change.entity_id IS 'Key of the changed row: its id, else its tenant_id (settings, branding), else its name (modules).';
COMMENT ON COLUMN registry_change.actor IS 'Actor of the change: the setting registry.actor of the transaction, else role:<session user> for a change made by hand.';
COMMENT ON COLUMN registry_change.database_role IS 'PostgreSQL role of the session; unlike actor, the writer cannot choose it.';
COMMENT ON COLUMN registry_change.before IS 'Row before the change, for an update only the fields that differ; null for an insert. Hashes of secrets are left out; personal data is stored as keyed hashes (hash:...), or as *** if the tenant has no key.';
COMMENT ON COLUMN registry_change.after IS 'Row after the change, in the same form as before; null for a delete.';
COMMENT ON COLUMN registry_change.changed_at IS 'Clock of the server when the entry was written, at the end of its transaction.';
COMMENT ON COLUMN registry_change.previous_hash IS 'Hash of the previous entry; empty for the very first.';
COMMENT ON COLUMN registry_change.hash IS 'SHA-256 of previous_hash and this entry, as registry_change_hash computes it; an altered entry can be detected.';

COMMENT ON TABLE personal_data_keys IS 'Keys for the hashes of personal data in the change log. A purge deletes the row, and the hashes of that tenant lose their meaning.';
COMMENT ON COLUMN personal_data_keys.tenant_id IS 'Tenant whose personal data the key protects; no foreign key.';
COMMENT ON COLUMN personal_data_keys.key IS 'Random secret of 32 bytes; set by trigger when the tenant is registered.';

COMMENT ON TABLE cache_secret IS 'One row: the secret with which gateways sign the entries that they put into Redis. Grant it to nobody: whoever knows it can forge routes.';
COMMENT ON COLUMN cache_secret.is_only IS 'Always true: the key that allows one row.';
COMMENT ON COLUMN cache_secret.secret IS 'Random secret of at least 32 bytes. After an UPDATE gateways use it from their next start or the next epoch on, and do not read older entries.';
COMMENT ON TABLE replicas IS 'Gateways that follow the change log and for which mutations wait. A waiting mutation deletes a row that is older than the staleness bound; that gateway gets no lease until it starts again.';
COMMENT ON COLUMN replicas.id IS 'Identity of the gateway process, chosen at each start.';
COMMENT ON COLUMN replicas.hostname IS 'Host or container of the gateway, for display.';
COMMENT ON COLUMN replicas.epoch IS 'Epoch of its revisions, as registry_epoch() returns it; null until the gateway has read the log.';
COMMENT ON COLUMN replicas.revision IS 'Revision up to which the gateway has applied every change, reported at each poll; it answers nothing older.';
COMMENT ON COLUMN replicas.clients_revision IS 'Lowest revision that the clients with a lease from this gateway have confirmed; null if there is no such client.';
COMMENT ON COLUMN replicas.staleness_ms IS 'Staleness bound of the gateway in milliseconds: the time for which it trusts the result of a poll, and for which a mutation waits at most.';
COMMENT ON COLUMN replicas.started_at IS 'Time when the gateway began to follow the log.';
COMMENT ON COLUMN replicas.reported_at IS 'Time of its last report, by the clock of this database.';

COMMENT ON VIEW tenant_registry IS 'Tenants that are not purged, one row each, for services that read the registry through SQL. Modules and schemas are those that resolve now: tenant and subscription are both active.';
COMMENT ON COLUMN tenant_registry.tenant_id IS 'Id of the tenant, as in tenants.id and in the header X-Tenant-ID.';
COMMENT ON COLUMN tenant_registry.tenant_slug IS 'Slug of the tenant; never changes.';
COMMENT ON COLUMN tenant_registry.tenant_name IS 'Name of the tenant, for display.';
COMMENT ON COLUMN tenant_registry.status IS 'Status of the tenant as text; only active resolves.';
COMMENT ON COLUMN tenant_registry.modules_subscribed IS 'Names of the modules that resolve now, sorted; empty while the tenant is not active.';
COMMENT ON COLUMN tenant_registry.operations_schema IS 'Schema of the operations data; null if it does not resolve now or is in a database of its own.';
COMMENT ON COLUMN tenant_registry.finance_schema IS 'Schema of the finance data; null if it does not resolve now or is in a database of its own.';
COMMENT ON COLUMN tenant_registry.inventory_schema IS 'Schema of the inventory data; null if it does not resolve now or is in a database of its own.';
COMMENT ON COLUMN tenant_registry.module_schemas IS 'Object of schemas by module, for modules without a column here: module_schemas ->> ''crm''. Modules with a database per tenant are left out.';
COMMENT ON COLUMN tenant_registry.module_databases IS 'Object of databases by module: the database with the schema, or the tenant''s own.';
COMMENT ON COLUMN tenant_registry.created_at IS 'Time when the tenant was registered.';
COMMENT ON COLUMN tenant_registry.updated_at IS 'Time of the last change of the tenant or of one of its subscriptions.';

COMMENT ON VIEW tenant_module_log IS 'Provisioning history of each tenant and module: action, actor, times and outcome, one row per operation and module.';
COMMENT ON COLUMN tenant_module_log.operation_id IS 'Operation, as in operations.id; an operation on several modules has a row for each.';
COMMENT ON COLUMN tenant_module_log.tenant_id IS 'Tenant of the operation.';
COMMENT ON COLUMN tenant_module_log.tenant_slug IS 'Slug of that tenant.';
COMMENT ON COLUMN tenant_module_log.module IS 'Module of the row.';
COMMENT ON COLUMN tenant_module_log.action IS 'Kind of the operation as text, such as subscribe_tenant or mark_module_provisioned.';
COMMENT ON COLUMN tenant_module_log.status IS 'Status of the operation as text, such as running, succeeded or failed.';
COMMENT ON COLUMN tenant_module_log.performed_by IS 'Actor who requested the operation, in the form of registry_change.actor; role:<name> for a procedure.';
COMMENT ON COLUMN tenant_module_log.attempt IS 'Number of the attempt, from 1.';
COMMENT ON COLUMN tenant_module_log.error IS 'Reason why the operation failed, the error of this module first; null if it succeeded or is still running.';
COMMENT ON COLUMN tenant_module_log.created_at IS 'Time when the operation was requested.';
COMMENT ON COLUMN tenant_module_log.started_at IS 'Time when the operation started; null before.';
COMMENT ON COLUMN tenant_module_log.finished_at IS 'Time when the operation ended; null before.';

COMMENT ON TYPE tenant_status IS 'State of a tenant: pending, provisioning (its storage is being created), active (the only state that resolves), suspended, failed (provisioning was undone), deleted (can be restored), purged (its data is gone, its names stay taken).';
COMMENT ON TYPE subscription_status IS 'State of a subscription: pending, provisioning, active (the only state that resolves), migrating, suspended, failed, deprovisioning, cancelled (its data is kept until purge_after).';
COMMENT ON TYPE operation_status IS 'State of an operation or a step: queued, running, succeeded, failed, compensating (is being undone), compensated (was undone), cancelled, needs_attention (could not be undone; a person must look at it).';
COMMENT ON TYPE operation_kind IS 'Purpose of an operation, see operations.kind.';
COMMENT ON TYPE isolation IS 'Separation of a tenant''s data from that of others: a schema in the module''s database, or a database of its own.';
COMMENT ON TYPE plan IS 'Commercial plan of a tenant.';
COMMENT ON TYPE config_source IS 'Source of a tenant''s configuration: yaml (its client.yaml, until it is imported) or database.';
COMMENT ON TYPE member_role IS 'Role of a member in the tenant: admin or member.';
COMMENT ON TYPE member_status IS 'State of a membership: invited, active (has accepted), removed.';

COMMENT ON FUNCTION registry_epoch IS 'Epoch to which revisions belong, 16 hexadecimal digits; changes after a restart, a failover and every kind of restore. Works on the primary only.';
COMMENT ON FUNCTION registry_actor IS 'Actor of the current transaction: the setting registry.actor, else role:<session user>. Commands set it with set_config(''registry.actor'', ..., true).';
COMMENT ON FUNCTION registry_keyed_hash IS 'Keyed SHA-256 of a piece of personal data: the text hash: and 32 hexadecimal digits. Equal values under one key give equal hashes.';
COMMENT ON FUNCTION registry_pseudonymise IS 'The document with e-mail addresses, full_name, support_phone, subject and the names of consultants replaced by hashes under the tenant''s key, or by *** if the tenant has no key.';
COMMENT ON FUNCTION registry_change_hash IS 'Value that registry_change.hash must have; computing it again checks the chain.';
COMMENT ON FUNCTION registry_change_kind IS 'Name of the event of an entry: for a change of status the new status (activated, resumed or restored for active), else registered, created, updated or removed.';
COMMENT ON FUNCTION registry_record_change IS 'Trigger function, deferred to COMMIT: advances the head, appends the entry and sends NOTIFY registry_change with the revision. Its argument is the noun of the event.';
COMMENT ON FUNCTION registry_guard_log IS 'Trigger function: refuses every write to registry_change and registry_head that does not come from registry_record_change.';
COMMENT ON FUNCTION registry_head_begin IS 'Trigger function: starts a new history when the head row is inserted.';
COMMENT ON FUNCTION tenants_maintain IS 'Trigger function: sets the version and the columns that follow from the status; refuses a change of id or slug and a change of a purged tenant''s status.';
COMMENT ON FUNCTION tenants_create_personal_data_key IS 'Trigger function: creates the row of a new tenant in personal_data_keys.';
COMMENT ON FUNCTION module_subscriptions_maintain IS 'Trigger function: fills in storage names, dates, generation and version; refuses a change of tenant or module.';
COMMENT ON FUNCTION module_subscriptions_claim_name IS 'Trigger function: claims the storage name for the tenant, or refuses it and names the owner.';
COMMENT ON FUNCTION storage_names_keep IS 'Trigger function: refuses to change or release a name that a subscription has used while active.';
COMMENT ON FUNCTION registry_touch IS 'Trigger function: sets version and updated_at when the row really changes.';
COMMENT ON FUNCTION registry_refuse IS 'Trigger function: refuses the statement. Its argument is shown as HINT.';
COMMENT ON FUNCTION registry_find_secret IS 'Kind of secret that a text in a configuration looks like; null if it does not look like one. The first argument is the key of the text.';
COMMENT ON FUNCTION registry_find_config_secret IS 'Path and kind of the first value of a configuration that looks like a secret, without the value itself; null if there is none.';
COMMENT ON FUNCTION registry_keep_in_step IS 'A configuration and the column that repeats one of its fields, made equal after either of them changed.';
COMMENT ON FUNCTION tenants_config_maintain IS 'Trigger function: refuses secrets in tenant_config and keeps the columns that repeat its fields equal to them.';
COMMENT ON FUNCTION registry_refuse_call(text, text, text, text) IS 'Raises the error of a refused call and never returns: the message begins with the code that GraphQL would give, the code determines the SQLSTATE, and HINT says how to go on.';
COMMENT ON FUNCTION registry_require_given(text, text) IS 'Refuses null for an argument of a procedure.';
COMMENT ON FUNCTION registry_slug_problem(text) IS 'Reason why a text is not a valid slug; null if it is valid.';
COMMENT ON FUNCTION registry_read_text(text, text, int) IS 'The given text without blanks at both ends; refuses a text that is empty, too long or has invisible characters.';
COMMENT ON FUNCTION registry_require_active_tenant(text) IS 'The active tenant with this id or slug, locked until the end of the transaction; refuses every other reference.';
COMMENT ON FUNCTION registry_require_module(text) IS 'The module with this name; refuses every other name.';
COMMENT ON FUNCTION registry_require_free_name(uuid, isolation, text, text) IS 'Refuses a storage name that is not valid or is taken. Until the end of the transaction no other transaction can take a name.';
COMMENT ON FUNCTION registry_enqueue_binding(uuid) IS 'Queues the operation that updates the guards of a tenant in the service databases. Called by triggers.';
COMMENT ON FUNCTION registry_follow_binding() IS 'Trigger function: queues an update of the guards when access to storage begins, ends or moves.';
COMMENT ON FUNCTION registry_guard_state(subscription_status) IS 'State that the guard in the service database has for a status of the subscription.';
COMMENT ON FUNCTION module_subscriptions_keep_removal() IS 'Trigger function: sets purge_after of a cancelled subscription and clears storage_removed_at when the tenant subscribes again.';

COMMENT ON PROCEDURE register_tenant(text, text, uuid) IS 'Registers an active tenant with settings and branding, like registerTenant: CALL register_tenant(''acme'', ''Acme Corp''). Returns tenant_id; a given tenant_id becomes the id of the new tenant.';
COMMENT ON PROCEDURE subscribe_tenant_to_module(text, text, text) IS 'Subscribes an active tenant, by id or slug, to a module with its data in this schema (or in this database, if the module has a database per tenant). The caller then creates the storage with ensure_<module>_tenant_schema in the module''s database and calls mark_module_provisioned.';
COMMENT ON PROCEDURE subscribe_tenant_to_module(uuid, text, text) IS 'The same as subscribe_tenant_to_module(text, text, text), for callers whose tenant_id has type uuid.';
COMMENT ON PROCEDURE mark_module_provisioned(text, text, text) IS 'Reports the outcome for storage that the caller created: with success (or succeeded) the module resolves at once, with failed it does not. tenant_module_log shows the call.';
COMMENT ON PROCEDURE mark_module_provisioned(uuid, text, text) IS 'The same as mark_module_provisioned(text, text, text), for callers whose tenant_id has type uuid.';

COMMENT ON TRIGGER tenants_config_maintain ON tenants IS 'Refuses secrets in tenant_config and keeps the columns that repeat its fields equal. Runs before tenants_maintain.';
COMMENT ON TRIGGER tenants_maintain ON tenants IS 'Sets version, dates and the columns that follow from the status; keeps id and slug, and keeps a purged tenant purged.';
COMMENT ON TRIGGER tenants_create_personal_data_key ON tenants IS 'Gives a new tenant its key for the hashes of personal data.';
COMMENT ON TRIGGER tenants_follow_binding ON tenants IS 'Queues an update of the guards when the status of the tenant changes.';
COMMENT ON TRIGGER tenants_record_change ON tenants IS 'Appends the change to the change log at COMMIT.';
COMMENT ON TRIGGER tenants_refuse_delete ON tenants IS 'Refuses DELETE, because ids and slugs stay taken and the history refers to them.';
COMMENT ON TRIGGER tenants_refuse_truncate ON tenants IS 'Refuses TRUNCATE, which would bypass the change log.';
COMMENT ON TRIGGER modules_touch ON modules IS 'Sets version and updated_at.';
COMMENT ON TRIGGER modules_record_change ON modules IS 'Appends the change to the change log at COMMIT.';
COMMENT ON TRIGGER modules_refuse_truncate ON modules IS 'Refuses TRUNCATE, which would bypass the change log.';
COMMENT ON TRIGGER module_subscriptions_maintain ON module_subscriptions IS 'Fills in storage names, dates, generation and version; keeps tenant and module.';
COMMENT ON TRIGGER module_subscriptions_removal ON module_subscriptions IS 'Sets the date after which the data of a cancelled subscription may be dropped, and clears storage_removed_at when it starts again.';
COMMENT ON TRIGGER module_subscriptions_claim_name ON module_subscriptions IS 'Claims the storage name, so that no other tenant can use it.';
COMMENT ON TRIGGER module_subscriptions_begin_binding ON module_subscriptions IS 'Queues an update of the guard for a subscription that is inserted as active.';
COMMENT ON TRIGGER module_subscriptions_follow_binding ON module_subscriptions IS 'Queues an update of the guard when a change of the subscription matters to it.';
COMMENT ON TRIGGER module_subscriptions_record_change ON module_subscriptions IS 'Appends the change to the change log at COMMIT.';
COMMENT ON TRIGGER module_subscriptions_refuse_delete ON module_subscriptions IS 'Refuses DELETE, because storage names stay taken and the history refers to them.';
COMMENT ON TRIGGER module_subscriptions_refuse_truncate ON module_subscriptions IS 'Refuses TRUNCATE, which would bypass the change log.';
COMMENT ON TRIGGER storage_names_keep ON storage_names IS 'Keeps a name with its tenant once a subscription has used it while active.';
COMMENT ON TRIGGER storage_names_refuse_truncate ON storage_names IS 'Refuses TRUNCATE, which would release names that are taken for ever.';
COMMENT ON TRIGGER tenant_settings_touch ON tenant_settings IS 'Sets version and updated_at.';
COMMENT ON TRIGGER tenant_settings_record_change ON tenant_settings IS 'Appends the change to the change log at COMMIT.';
COMMENT ON TRIGGER tenant_settings_refuse_truncate ON tenant_settings IS 'Refuses TRUNCATE, which would bypass the change log.';
COMMENT ON TRIGGER tenant_branding_touch ON tenant_branding IS 'Sets version and updated_at.';
COMMENT ON TRIGGER tenant_branding_record_change ON tenant_branding IS 'Appends the change to the change log at COMMIT.';
COMMENT ON TRIGGER tenant_branding_refuse_truncate ON tenant_branding IS 'Refuses TRUNCATE, which would bypass the change log.';
COMMENT ON TRIGGER members_touch ON members IS 'Sets version and updated_at.';
COMMENT ON TRIGGER members_record_change ON members IS 'Appends the change to the change log at COMMIT.';
COMMENT ON TRIGGER members_refuse_truncate ON members IS 'Refuses TRUNCATE, which would bypass the change log.';
COMMENT ON TRIGGER invitations_record_change ON invitations IS 'Appends the change to the change log at COMMIT.';
COMMENT ON TRIGGER invitations_refuse_truncate ON invitations IS 'Refuses TRUNCATE, which would bypass the change log.';
COMMENT ON TRIGGER api_keys_record_change ON api_keys IS 'Appends the change to the change log at COMMIT.';
COMMENT ON TRIGGER api_keys_refuse_truncate ON api_keys IS 'Refuses TRUNCATE, which would bypass the change log.';
COMMENT ON TRIGGER personal_data_keys_refuse_truncate ON personal_data_keys IS 'Refuses TRUNCATE, which would make the hashes of all tenants meaningless.';
COMMENT ON TRIGGER registry_head_begin ON registry_head IS 'Starts a new history when the head row is inserted again, as a data-only restore does.';
COMMENT ON TRIGGER registry_head_guard ON registry_head IS 'Refuses UPDATE and DELETE that do not come from registry_record_change.';
COMMENT ON TRIGGER registry_head_guard_truncate ON registry_head IS 'Refuses TRUNCATE, because the change log is append-only.';
COMMENT ON TRIGGER registry_change_guard ON registry_change IS 'Refuses UPDATE and DELETE, and INSERT that does not come from registry_record_change.';
COMMENT ON TRIGGER registry_change_guard_truncate ON registry_change IS 'Refuses TRUNCATE, because the change log is append-only.';

-- Prisma creates this table before the first migration. The databases in which Prisma only compares schemas do not have it.
DO $$
BEGIN
  IF to_regclass('public._prisma_migrations') IS NULL THEN
    RETURN;
  END IF;
  COMMENT ON TABLE public._prisma_migrations IS 'Migrations of this database, one row per attempt. Written by tenant-registry migrate and by Prisma.';
  COMMENT ON COLUMN public._prisma_migrations.id IS 'UUID of the attempt, as text.';
  COMMENT ON COLUMN public._prisma_migrations.checksum IS 'SHA-256 of the script of the migration; shows whether the script was edited afterwards.';
  COMMENT ON COLUMN public._prisma_migrations.finished_at IS 'Time when the migration was complete; null if it did not complete.';
  COMMENT ON COLUMN public._prisma_migrations.migration_name IS 'Folder of the migration in prisma/migrations.';
  COMMENT ON COLUMN public._prisma_migrations.logs IS 'Error of a failed attempt; null if it did not fail.';
  COMMENT ON COLUMN public._prisma_migrations.rolled_back_at IS 'Time when a failed attempt was set aside so that the next can begin; null if it was not.';
  COMMENT ON COLUMN public._prisma_migrations.started_at IS 'Time when the attempt began.';
  COMMENT ON COLUMN public._prisma_migrations.applied_steps_count IS 'Number of completed steps; 1 for a complete migration.';
END
$$;
