import { Checkbox, MultiSelect, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useChange, useScreen } from '../api/queries.js';
import { CreateApiKeyDocument, ExplainModulesDocument } from '../generated/graphql.js';
import { allScopes } from '../generated/registry-facts.js';
import { Confirm } from '../parts/forms/confirm.js';
import { useRights } from '../session/rights.js';
import type { NewSecret } from './key.js';
import { scopeText } from './scope-texts.js';

interface NewKeyDialogProps {
  isOpen: boolean;
  onClose: () => void;
  onSecret: (created: NewSecret) => void;
}

const emptyKey = { name: '', scopes: [] as string[], modules: [] as string[], expires: '' };

export function NewKeyDialog({ isOpen, onClose, onSecret }: NewKeyDialogProps) {
  const { may, scopes: own } = useRights();
  const [key, setKey] = useState(emptyKey);
  const change = (part: Partial<typeof emptyKey>) => setKey((previous) => ({ ...previous, ...part }));
  const { data } = useScreen(ExplainModulesDocument, {}, { isEnabled: isOpen && may('readRegistry') });
  const create = useChange(CreateApiKeyDocument, {
    onDone({ createApiKey }) {
      setKey(emptyKey);
      if (createApiKey) onSecret({ name: createApiKey.apiKey.name, secret: createApiKey.secret });
    },
  });
  const holds = (scope: string) =>
    own.includes(scope) || (scope.startsWith('resolve:') && own.includes('resolve:*'));
  const scopes = [...key.modules.map((module) => `resolve:${module}`), ...key.scopes];
  const modules = data?.modules.map(({ name }) => name) ?? [];
  const fields = Object.fromEntries(create.error?.fields.map(({ field, message }) => [field, message]) ?? []);
  return (
    <Confirm
      isOpen={isOpen}
      onClose={onClose}
      title="New key"
      verb="Create the key"
      isReady={key.name.trim() !== '' && scopes.length > 0}
      change={create}
      onConfirm={() =>
        create.mutate({
          input: {
            name: key.name.trim(),
            scopes,
            ...(key.expires && { expiresAt: new Date(key.expires).toISOString() }),
          },
        })
      }
    >
      <Stack>
        <TextInput
          label="Name"
          description="Of the service or person that uses it."
          value={key.name}
          onChange={(event) => change({ name: event.currentTarget.value })}
          error={fields.name}
          maxLength={100}
          required
          data-autofocus
          dir="auto"
          autoComplete="off"
        />
        <Checkbox.Group
          label="Scopes"
          description="Give what it needs and no more. You can only give what you hold."
          value={key.scopes}
          onChange={(chosen) => change({ scopes: chosen })}
          error={fields.scopes}
        >
          <Stack gap={8} mt="xs">
            {allScopes
              .filter((scope) => !scope.includes('<'))
              .map((scope) => (
                <Checkbox
                  key={scope}
                  value={scope}
                  label={scope}
                  description={holds(scope) ? scopeText(scope) : `You do not hold it. ${scopeText(scope)}`}
                  disabled={!holds(scope)}
                />
              ))}
          </Stack>
        </Checkbox.Group>
        {!key.scopes.includes('resolve:*') && modules.length > 0 && (
          <MultiSelect
            label="Routes of single modules"
            searchable
            description="Scope resolve:<module> for each."
            data={modules.filter((module) => holds(`resolve:${module}`))}
            value={key.modules}
            onChange={(chosen) => change({ modules: chosen })}
          />
        )}
        <TextInput
          type="datetime-local"
          label="Expires"
          description="Empty: after the usual lifetime of keys of this registry."
          value={key.expires}
          onChange={(event) => change({ expires: event.currentTarget.value })}
          error={fields.expiresAt}
        />
      </Stack>
    </Confirm>
  );
}
