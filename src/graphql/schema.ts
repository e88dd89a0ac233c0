import { builder } from './builder.js';
import './scalars.js';
import './route.js';
import './explanation.js';
import './routes-changed.js';
import './tenant.js';
import './tenant-list.js';
import './registration.js';
import './lifecycle.js';
import './membership.js';
import './profile-update.js';
import './client-config.js';
import './module.js';
import './module-subscription.js';
import './subscribing.js';
import './operation.js';
import './operation-control.js';
import './operation-progress.js';
import './audit-log.js';
import './api-key.js';

/** The whole schema: each file above adds its noun to the builder. */
export const schema = builder.toSchema();
