import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Suspense, useState } from 'react';
import { useChange } from '../../api/queries.js';
import { UpdateTenantConfigDocument } from '../../generated/graphql.js';
import { DiffView } from '../../parts/differences/diff-view.js';
import { isEqual, isObject } from '../../parts/differences/differences.js';
import { Confirm } from '../../parts/forms/confirm.js';
import { latePart } from '../../parts/loading/late-part.js';
import { countText } from '../../parts/values/count-text.js';
import { AllowedButton } from '../../session/allowed-button.js';
import type { TenantDetail } from '../detail/tenant-detail.js';
import { configSchema, findProblems } from './config-schema.js';
import { applyMergePatch, createMergePatch, findOverlap } from './merge-patch.js';

const JsonEditor = latePart(() => import('./json-editor.js'));

const toText = (config: unknown) => JSON.stringify(config ?? {}, undefined, 2);

/** What is being edited, and the configuration on which it is based. */
interface Edit {
  text: string;
  base: unknown;
}

export function ConfigTab({ tenant }: { tenant: TenantDetail }) {
  const server = tenant.config ?? {};
  const [edit, setEdit] = useState<Edit>();
  const [isSaving, setSaving] = useState(false);
  const text = edit?.text ?? toText(server);
  const mine = parse(text);
  const isDirty = edit !== undefined && !(mine !== undefined && isEqual(mine, server));
  const isBehind = edit !== undefined && isDirty && !isEqual(edit.base, server);
  const update = useChange(UpdateTenantConfigDocument, {
    onDone() {
      setSaving(false);
      setEdit(undefined);
      notifications.show({ color: 'teal', message: 'Configuration saved' });
    },
  });
  const isFile = tenant.configSource === 'YAML';
  const problems = mine === undefined ? 1 : findProblems(mine, configSchema).length;
  const patch = createMergePatch(server, mine);
  return (
    <Stack gap="sm">
      {isFile && (
        <Alert title="This configuration is a file">
          It comes from the tenant’s <Code>client.yaml</Code> and is changed there.
        </Alert>
      )}
      <Suspense fallback={<Text c="dimmed">Loading the editor…</Text>}>
        <JsonEditor
          text={text}
          isReadOnly={isFile}
          onChange={(next) => setEdit({ text: next, base: edit?.base ?? server })}
        />
      </Suspense>
      {isBehind && mine !== undefined && (
        <MergeCard
          base={edit.base}
          mine={mine}
          theirs={server}
          onMerge={() =>
            setEdit({
              base: server,
              text: toText(applyMergePatch(server, createMergePatch(edit.base, mine))),
            })
          }
          onDrop={() => setEdit(undefined)}
        />
      )}
      <Group>
        <AllowedButton
          action="updateTenantConfig"
          disabled={!isDirty || problems > 0 || isBehind || isFile}
          onClick={() => setSaving(true)}
        >
          Review and save
        </AllowedButton>
        <Button variant="default" disabled={!isDirty} onClick={() => setEdit(undefined)}>
          Discard changes
        </Button>
        {problems > 0 && (
          <Text size="sm" c="red" role="status">
            {mine === undefined
              ? 'The text is not a JSON object yet.'
              : `${countText(problems, 'problem')}; see the marks in the text.`}
          </Text>
        )}
      </Group>
      <Confirm
        isOpen={isSaving}
        onClose={() => setSaving(false)}
        title="Save the configuration"
        verb="Save"
        size="xl"
        change={update}
        onConfirm={() =>
          update.mutate({ input: { tenantId: tenant.id, expectedVersion: tenant.version, patch } })
        }
      >
        <DiffView before={server} after={mine} labels={['Now', 'Then']} />
      </Confirm>
    </Stack>
  );
}

interface MergeCardProps {
  base: unknown;
  mine: unknown;
  theirs: unknown;
  onMerge: () => void;
  onDrop: () => void;
}

function MergeCard({ base, mine, theirs, onMerge, onDrop }: MergeCardProps) {
  const overlap = findOverlap(base, mine, theirs);
  return (
    <Alert color="yellow" role="alert" title="Somebody changed the configuration while you were typing">
      <Stack gap="sm">
        <DiffView before={base} after={theirs} labels={['It was', 'They made it']} />
        <Text size="sm">
          {overlap.length === 0
            ? 'Your changes are in other places, so both fit together.'
            : `You changed the same places; a merge keeps yours: ${overlap.join(', ')}.`}
        </Text>
        <Group gap="xs">
          <Button size="xs" onClick={onMerge}>
            Merge both
          </Button>
          <Button size="xs" variant="default" onClick={onDrop}>
            Take theirs
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}

/** The object that the text is; undefined when it is none. */
function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
