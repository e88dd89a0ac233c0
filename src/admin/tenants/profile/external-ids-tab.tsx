import { Group, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useChange, useScreen } from '../../api/queries.js';
import {
  AddTenantExternalIdDocument,
  RemoveTenantExternalIdDocument,
  TenantLimitsDocument,
} from '../../generated/graphql.js';
import { Confirm } from '../../parts/forms/confirm.js';
import { ScreenState } from '../../parts/loading/screen-state.js';
import { ErrorCard } from '../../parts/notices/error-card.js';
import { CopyText } from '../../parts/values/copy-text.js';
import { AllowedButton } from '../../session/allowed-button.js';

/** Ids of older platforms, which resolve like the slug. */
export function ExternalIdsTab({ tenantId }: { tenantId: string }) {
  const query = useScreen(TenantLimitsDocument, { id: tenantId });
  const [text, setText] = useState('');
  const [removed, setRemoved] = useState<string>();
  const add = useChange(AddTenantExternalIdDocument, { onDone: () => setText('') });
  const remove = useChange(RemoveTenantExternalIdDocument, { onDone: () => setRemoved(undefined) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === '') return;
    add.mutate({ input: { tenantId, externalId: text.trim() } });
  };
  return (
    <Stack maw={560}>
      <Text size="sm" c="dimmed">
        A tenant can have ids from older platforms. Each resolves like the slug, and belongs to this tenant
        for ever.
      </Text>
      <ScreenState query={query}>
        {({ tenant }) =>
          tenant && tenant.externalIds.length > 0 ? (
            <ul className="rows">
              {tenant.externalIds.map((externalId) => (
                <li key={externalId}>
                  <CopyText value={externalId} label={`external id ${externalId}`} />
                  <AllowedButton
                    action="removeTenantExternalId"
                    size="compact-xs"
                    variant="default"
                    aria-label={`Remove ${externalId}`}
                    onClick={() => setRemoved(externalId)}
                  >
                    Remove
                  </AllowedButton>
                </li>
              ))}
            </ul>
          ) : (
            <Text size="sm">None.</Text>
          )
        }
      </ScreenState>
      <form onSubmit={submit}>
        <Group align="flex-end">
          <TextInput
            label="Another external id"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            spellCheck={false}
          />
          <AllowedButton
            action="addTenantExternalId"
            type="submit"
            loading={add.isPending}
            disabled={text.trim() === ''}
          >
            Add
          </AllowedButton>
        </Group>
      </form>
      <ErrorCard error={add.error} />
      <Confirm
        isOpen={removed !== undefined}
        onClose={() => setRemoved(undefined)}
        title="Remove an external id"
        verb="Remove"
        typed={removed}
        isDangerous
        change={remove}
        onConfirm={() => removed && remove.mutate({ input: { tenantId, externalId: removed } })}
      >
        Services that ask for the tenant by this id are refused from now on.
      </Confirm>
    </Stack>
  );
}
