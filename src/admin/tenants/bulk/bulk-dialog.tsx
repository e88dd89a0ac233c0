import { Button, Group, Modal, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Link } from 'react-router';
import { useScreen } from '../../api/queries.js';
import {
  BulkPreviewDocument,
  type BulkPreviewQuery,
  ModuleNamesDocument,
  type Plan,
} from '../../generated/graphql.js';
import { LiveOperation } from '../../operations/live-operation.js';
import { ErrorCard } from '../../parts/notices/error-card.js';
import { countText } from '../../parts/values/count-text.js';
import { statusText } from '../../parts/values/status-badge.js';
import { plans } from '../list/tenant-filter.js';
import { BulkFailures } from './bulk-failures.js';
import type { Selected } from './selection.js';
import { type BulkAction, useBulkChange } from './use-bulk-change.js';

export type { BulkAction };

const titles: Record<BulkAction, string> = {
  SUSPEND: 'Suspend tenants',
  RESUME: 'Resume tenants',
  SUBSCRIBE: 'Subscribe tenants to a module',
  UPDATE: 'Change the plan of tenants',
};

interface BulkDialogProps {
  kind: BulkAction;
  selected: Selected;
  onClose: () => void;
  onStarted: () => void;
}

/** A change of many tenants: what it would do, then its progress and its failures. */
export function BulkDialog({ kind, selected, onClose, onStarted }: BulkDialogProps) {
  const [reason, setReason] = useState('');
  const [module, setModule] = useState('');
  const [plan, setPlan] = useState<Plan>('PRO');
  const [operation, setOperation] = useState<string>();
  const modules = useScreen(ModuleNamesDocument, {}, { isEnabled: kind === 'SUBSCRIBE' });
  const where = selected.kind === 'ids' ? { tenantIds: [...selected.ids] } : { filter: selected.filter };
  const details = { ...(kind === 'SUBSCRIBE' && { module }), ...(kind === 'UPDATE' && { plan }) };
  const isComplete = (kind !== 'SUBSCRIBE' || module !== '') && (kind !== 'SUSPEND' || reason.trim() !== '');
  const preview = useScreen(
    BulkPreviewDocument,
    { change: kind, ...where, ...details },
    { isEnabled: (kind !== 'SUBSCRIBE' || module !== '') && operation === undefined, keepsPrevious: true },
  );
  const { start, isPending, error } = useBulkChange(kind, (id) => {
    setOperation(id);
    onStarted();
  });
  const counted = preview.data?.bulkPreview;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!counted || !isComplete) return;
    // More than a mutation may select is refused with the reason.
    start({ ...where, expectedCount: counted.selected, reason: reason.trim(), module, plan });
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={titles[kind]}
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
      closeOnClickOutside={operation === undefined}
    >
      {operation ? (
        <Stack>
          <LiveOperation key={operation} id={operation} />
          <BulkFailures operationId={operation} />
          <Group justify="space-between">
            <Link to={`/operations/${operation}`}>Everything about this operation</Link>
            <Button onClick={onClose}>Close</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            {kind === 'SUSPEND' && (
              <TextInput
                label="Reason"
                value={reason}
                onChange={(event) => setReason(event.currentTarget.value)}
                required
                data-autofocus
                dir="auto"
              />
            )}
            {kind === 'SUBSCRIBE' && (
              <NativeSelect
                label="Module"
                data={[
                  { value: '', label: 'Choose…' },
                  ...(modules.data?.modules ?? [])
                    .filter(({ isRetired }) => !isRetired)
                    .map(({ name }) => ({ value: name, label: name })),
                ]}
                value={module}
                onChange={(event) => setModule(event.currentTarget.value)}
                data-autofocus
              />
            )}
            {kind === 'UPDATE' && (
              <NativeSelect
                label="Plan"
                data={plans.map((value) => ({ value, label: value.toLowerCase() }))}
                value={plan}
                onChange={(event) => setPlan(event.currentTarget.value as Plan)}
                data-autofocus
              />
            )}
            {counted && <Preview preview={counted} />}
            <ErrorCard error={error ?? preview.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button
                type="submit"
                color={kind === 'SUSPEND' ? 'red' : undefined}
                loading={isPending}
                disabled={!isComplete || !counted || counted.changed + counted.unchanged === 0}
              >
                {counted ? `${titles[kind].split(' ')[0]} ${counted.changed.toLocaleString()}` : 'Counting…'}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

function Preview({ preview }: { preview: BulkPreviewQuery['bulkPreview'] }) {
  const { selected, selectedIsCapped, evaluated, changed, unchanged, refused } = preview;
  return (
    <div role="status">
      <Text size="sm">
        {selectedIsCapped ? 'More than ' : ''}
        {countText(selected, 'tenant')} {selected === 1 ? 'is' : 'are'} selected. {changed.toLocaleString()}{' '}
        would be changed
        {unchanged > 0 && `, ${unchanged.toLocaleString()} are so already`}.
        {evaluated < selected && ` The numbers are about the first ${evaluated.toLocaleString()}.`}
      </Text>
      {refused.length > 0 && (
        <>
          <Text size="sm" mt="xs">
            Refused would be:
          </Text>
          <ul className="rows">
            {refused.map(({ code, count }) => (
              <li key={code}>
                <Text size="sm">{statusText(code)}</Text>
                <Text size="sm">{count.toLocaleString()}</Text>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
