import {
  Button,
  Checkbox,
  Group,
  NativeSelect,
  NumberInput,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import type { ApiError } from '../../api/api-error.js';
import { AllowedButton } from '../../session/allowed-button.js';
import type { Action } from '../../session/rights.js';
import { ErrorCard } from '../notices/error-card.js';
import { ConflictCard } from './conflict-card.js';
import type { Draft, FieldValue } from './draft.js';

export interface Field {
  name: string;
  label: string;
  description?: string;
  kind?: 'text' | 'number' | 'checkbox' | 'select' | 'area' | 'email' | 'url';
  options?: readonly { value: string; label: string }[];
  isRequired?: boolean;
}

interface FieldsFormProps {
  fields: readonly Field[];
  draft: Draft;
  action: Action;
  tenantId?: string;
  /** The mutation that saves. */
  change: { isPending: boolean; error: ApiError | null };
  onSave: () => void;
  children?: ReactNode;
}

/** Fields over a draft, with conflicts, refusals beside their fields, and a button that saves what was changed. */
export function FieldsForm({
  fields,
  draft,
  action,
  tenantId,
  change: { isPending, error },
  onSave,
  children,
}: FieldsFormProps) {
  const hasConflicts = draft.conflicts.length > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (draft.isDirty && !hasConflicts && !isPending) onSave();
  };
  const problems = Object.fromEntries(
    (error?.fields ?? []).map(({ field, message }) => [field.split('.').at(-1) ?? field, message]),
  );
  return (
    <form onSubmit={submit}>
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }} verticalSpacing="sm" className="fields">
          {fields.map((field) => (
            <FieldInput
              key={field.name}
              field={field}
              value={draft.values[field.name] ?? null}
              problem={problems[field.name]}
              onChange={(value) => draft.set(field.name, value)}
            />
          ))}
        </SimpleGrid>
        {children}
        {draft.conflicts.map((conflict) => (
          <ConflictCard
            key={conflict.name}
            label={fields.find(({ name }) => name === conflict.name)?.label ?? conflict.name}
            conflict={conflict}
            onTake={(whose) => draft.take(conflict.name, whose)}
          />
        ))}
        {error?.code !== 'VERSION_CONFLICT' ? (
          <ErrorCard error={error} />
        ) : (
          !hasConflicts &&
          draft.isDirty && (
            <Text size="sm" role="status">
              Somebody changed other fields in the meantime; they are shown now. Save again to add your
              changes.
            </Text>
          )
        )}
        <Group>
          <AllowedButton
            action={action}
            tenantId={tenantId}
            type="submit"
            loading={isPending}
            disabled={!draft.isDirty || hasConflicts}
          >
            Save
          </AllowedButton>
          <Button variant="default" onClick={draft.reset} disabled={!draft.isDirty}>
            Discard changes
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface FieldInputProps {
  field: Field;
  value: FieldValue;
  problem: string | undefined;
  onChange: (value: FieldValue) => void;
}

function FieldInput({ field, value, problem, onChange }: FieldInputProps) {
  const { label, description, kind = 'text', options = [], isRequired } = field;
  const shared = { label, description, error: problem, required: isRequired };
  // An empty field is no value.
  const take = (text: string) => onChange(text === '' && !isRequired ? null : text);
  if (kind === 'checkbox')
    return (
      <Checkbox
        label={label}
        description={description}
        error={problem}
        checked={value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  if (kind === 'number')
    return (
      <NumberInput
        {...shared}
        min={0}
        allowDecimal={false}
        hideControls
        value={typeof value === 'number' ? value : ''}
        onChange={(given) => typeof given === 'number' && onChange(given)}
      />
    );
  if (kind === 'select')
    return (
      <NativeSelect
        {...shared}
        data={[...options]}
        value={String(value ?? '')}
        onChange={(event) => take(event.currentTarget.value)}
      />
    );
  if (kind === 'area')
    return (
      <Textarea
        {...shared}
        autosize
        minRows={2}
        maxRows={8}
        dir="auto"
        value={String(value ?? '')}
        // The registry refuses several lines.
        onChange={(event) => take(event.currentTarget.value.replaceAll(/\s*\n/g, ' '))}
      />
    );
  // Not the browser's own checks of e-mail addresses and URLs: the registry knows which it takes, and says why not.
  return (
    <TextInput
      {...shared}
      dir="auto"
      inputMode={kind}
      value={String(value ?? '')}
      onChange={(event) => take(event.currentTarget.value)}
    />
  );
}
