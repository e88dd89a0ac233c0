import { builder } from './builder.js';
import './fields/scalars.js';
import './routes/route.js';
import './routes/route-explanation.js';
import './routes/route-changes.js';
import './tenants/tenant.js';
import './tenants/tenant-modules.js';
import './tenants/member-list.js';
import './tenants/tenant-list.js';
import './tenants/tenant-registration.js';
import './tenants/tenant-lifecycle.js';
import './tenants/member-invitation.js';
import './tenants/tenant-profile-update.js';
import './tenants/client-config.js';
import './modules/module.js';
import './modules/module-subscription.js';
import './modules/module-subscribing.js';
import './operations/operation.js';
import './operations/operation-list.js';
import './operations/operation-control.js';
import './operations/operation-progress.js';
import './audit/audit-log.js';
import './access/api-key.js';
import './access/viewer.js';
import './routes/gateway.js';
import './tenants/slug-suggestion.js';

/** The complete schema; each import above adds one noun to the builder. */
export const schema = builder.toSchema();
