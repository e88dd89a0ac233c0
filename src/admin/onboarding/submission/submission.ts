import { useEffect, useRef } from 'react';
import { useChange, useScreen } from '../../api/queries.js';
import {
  OnboardingOperationDocument,
  ProvisionTenantDocument,
  RegisterTenantDocument,
  type RegisterTenantInput,
} from '../../generated/graphql.js';
import { useRights } from '../../session/rights.js';
import { type Draft, inputOf, slugOf } from '../draft/draft.js';

const pollMs = 400;
const retryMs = 2_000;

/**
 * Sends the draft, with modules by provisionTenant, else by registerTenant. The same input has the same idempotency key, so it can be sent
 * again after a lost answer without a second tenant.
 */
export function useSubmission(draft: Draft) {
  const { may } = useRights();
  const provision = useChange(ProvisionTenantDocument);
  const register = useChange(RegisterTenantDocument);
  const sent = useRef({ text: '', idempotencyKey: '', repeat: () => {} });
  const hasModules = draft.modules.length > 0;
  const { isPending, error } = hasModules ? provision : register;

  const submit = () => {
    const given = inputOf(draft);
    const text = JSON.stringify(given);
    const isSame = sent.current.text === text;
    const idempotencyKey = isSame ? sent.current.idempotencyKey : crypto.randomUUID();
    const input = { ...given, idempotencyKey };
    const { modules: _, ...registration } = input;
    (hasModules ? register : provision).reset();
    const repeat = hasModules
      ? () => provision.mutate({ input })
      : () => register.mutate({ input: withoutEmptyAdmin(registration) });
    sent.current = { text, idempotencyKey, repeat };
    repeat();
  };

  // What was sent is repeated, and never what is being typed.
  const isLost = error?.code === 'CONNECTION_LOST' && sent.current.text === JSON.stringify(inputOf(draft));
  useEffect(() => {
    if (!isLost) return;
    const timer = setInterval(() => sent.current.repeat(), retryMs);
    return () => clearInterval(timer);
  }, [isLost]);

  // provisionTenant answers at the end of its operation, which is visible before.
  const beginning = useScreen(
    OnboardingOperationDocument,
    { slug: slugOf(draft) },
    { isEnabled: hasModules && isPending && may('readRegistry'), everyMs: pollMs },
  );
  const newest = beginning.data?.tenant?.operations.edges[0]?.node;
  const begun = newest && ['QUEUED', 'RUNNING'].includes(newest.status) ? newest.id : undefined;
  const result = provision.data?.provisionTenant ?? register.data?.registerTenant ?? undefined;
  const end = provision.data?.provisionTenant?.operation?.status;
  return {
    submit,
    isPending,
    isDone: result !== undefined && (end === undefined || end === 'SUCCEEDED'),
    error,
    result,
    operationId: provision.data?.provisionTenant?.operation?.id ?? (isPending ? begun : undefined),
    reset() {
      sent.current = { text: '', idempotencyKey: '', repeat: () => {} };
      provision.reset();
      register.reset();
    },
  };
}

export type Submission = ReturnType<typeof useSubmission>;

function withoutEmptyAdmin({ adminEmail, ...input }: RegisterTenantInput): RegisterTenantInput {
  return adminEmail ? { ...input, adminEmail } : input;
}
