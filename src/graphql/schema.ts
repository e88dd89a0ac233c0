import { builder } from './builder.js';
import './scalars.js';
import './route.js';
import './route-explanation.js';
import './route-changes.js';
import './tenant.js';
import './tenant-modules.js';
import './tenant-list.js';
import './tenant-registration.js';
import './tenant-lifecycle.js';
import './member-invitation.js';
import './tenant-profile-update.js';
import './client-config.js';
import './module.js';
import './module-subscription.js';
import './module-subscribing.js';
import './operation.js';
import './operation-list.js';
import './operation-control.js';
import './operation-progress.js';
import './audit-log.js';
import './api-key.js';
import './viewer.js';
import './gateway.js';
import './slug-suggestion.js';

/** The complete schema; each import above adds one noun to the builder. */
export const schema = builder.toSchema();
