import { z } from 'zod';
import { expectedVersion, idempotencyKey, omittable, uuid, wait } from '../../registry/input.js';

/** Input of the commands on a rollout. */
export const rolloutInput = z.object({
  id: uuid,
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});
