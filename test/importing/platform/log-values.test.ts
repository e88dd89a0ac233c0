import { expect, test } from 'vitest';
import { readAttempt } from '../../../src/importing/platform/log-values.js';

/** A row of a log with this action and status. */
const attempt = (action: string | null, status: string | null) => {
  const cells = { module: 'finance', created_at: '2024-05-01 10:00:00+00', action, status };
  const row = { source: 'log in crm', place: 'row 1', cells } as unknown as Parameters<typeof readAttempt>[0];
  return readAttempt(row, new Date(), () => undefined);
};

test.each([
  ['subscribe', 'SUBSCRIBE_TENANT'],
  ['module_activated', 'SUBSCRIBE_TENANT'],
  ['unsubscribe', 'REMOVE_STORAGE'],
  ['deactivate', 'REMOVE_STORAGE'],
  ['MODULE_DEACTIVATED', 'REMOVE_STORAGE'],
  ['drop schema', 'REMOVE_STORAGE'],
  ['provision', 'PROVISION_MODULE'],
  [null, 'PROVISION_MODULE'],
])('action %s is the kind %s', (action, kind) => {
  expect(attempt(action, 'success')?.kind).toBe(kind);
});

test.each([
  ['success', 'SUCCEEDED'],
  ['Completed', 'SUCCEEDED'],
  ['in_progress', 'CANCELLED'],
  ['in progress', 'CANCELLED'],
  ['In-Progress', 'CANCELLED'],
  ['pending', 'CANCELLED'],
  ['failed', 'FAILED'],
  ['invalid', 'FAILED'],
])('status %s is %s', (status, expected) => {
  expect(attempt('provision', status)?.status).toBe(expected);
});
