import { Button, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { useChange } from '../api/queries.js';
import {
  type Isolation,
  type ModuleDetailQuery,
  RegisterModuleDocument,
  UpdateModuleDocument,
} from '../generated/graphql.js';
import { DiffView } from '../parts/differences/diff-view.js';
import { Confirm } from '../parts/forms/confirm.js';
import { Notice } from '../parts/notices/notice.js';

export type ModuleDetail = NonNullable<ModuleDetailQuery['module']>;

const empty = {
  ...{ name: '', description: '', databaseRef: '', schemaPrefix: '', migrationsFolder: '' },
  isolation: 'SCHEMA' as Isolation,
};

type Fields = typeof empty;

function fieldsOf(module: ModuleDetail): Fields {
  const { name, description, databaseRef, schemaPrefix, migrationsFolder, isolation } = module;
  return { name, description: description ?? '', databaseRef, schemaPrefix, migrationsFolder, isolation };
}

interface ModuleFormProps {
  isOpen: boolean;
  onClose: () => void;
  /** The module to change; undefined: a new one. */
  module?: ModuleDetail;
}

/** The fields of a module. What is left empty gets the usual value. */
export function ModuleForm({ isOpen, onClose, module }: ModuleFormProps) {
  const navigate = useNavigate();
  const [fields, setFields] = useState<Fields>(empty);
  /** What the form was opened with: the change is based on it, also when somebody else changes the module meanwhile. */
  const [base, setBase] = useState<ModuleDetail>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is typed stays when the module changes under the form
  useEffect(() => {
    if (!isOpen) return;
    setFields(module ? fieldsOf(module) : empty);
    setBase(module);
  }, [isOpen]);
  const register = useChange(RegisterModuleDocument, {
    onDone(_result, { input }) {
      onClose();
      navigate(`/modules/${encodeURIComponent(input.name)}`);
    },
  });
  const update = useChange(UpdateModuleDocument, { onDone: onClose });
  const change = module ? update : register;
  const submit = () => {
    if (!module) {
      const { name, isolation, ...others } = fields;
      const given = Object.fromEntries(
        Object.entries(others)
          .map(([field, value]) => [field, value.trim()] as const)
          .filter(([, value]) => value !== ''),
      );
      return register.mutate({ input: { name: name.trim(), isolation, ...given } });
    }
    update.mutate({ input: { name: module.name, expectedVersion: base?.version, ...changedFields() } });
  };
  const changedFields = (): Partial<Fields> => {
    const before = base ? fieldsOf(base) : fields;
    return Object.fromEntries(
      Object.entries(fields).filter(([field, value]) => before[field as keyof Fields] !== value),
    );
  };
  const rebase = (onto: ModuleDetail) => {
    setFields({ ...fieldsOf(onto), ...changedFields() });
    setBase(onto);
    update.reset();
  };
  const field = (name: Exclude<keyof Fields, 'isolation'>, label: string, description: string) => (
    <TextInput
      label={label}
      description={description}
      value={fields[name]}
      onChange={(event) => setFields({ ...fields, [name]: event.currentTarget.value })}
      error={change.error?.fields.find((one) => one.field === name)?.message}
      autoComplete="off"
      dir="auto"
    />
  );
  return (
    <Confirm
      isOpen={isOpen}
      title={module ? `Edit ${module.name}` : 'Add a module'}
      verb={module ? 'Save' : 'Add'}
      change={change}
      isReady={module !== undefined || fields.name.trim() !== ''}
      onConfirm={submit}
      onClose={onClose}
    >
      <Stack gap="sm">
        {!module && field('name', 'Name', 'Lower case letters, digits and _. It cannot be changed later.')}
        {field('description', 'Purpose', 'Shown in the catalogue.')}
        <NativeSelect
          label="Isolation"
          description="Of subscriptions from now on; existing ones keep theirs."
          data={[
            { value: 'SCHEMA', label: 'A schema for each tenant' },
            { value: 'DATABASE', label: 'A database for each tenant' },
          ]}
          value={fields.isolation}
          onChange={(event) => setFields({ ...fields, isolation: event.currentTarget.value as Isolation })}
        />
        {field(
          'databaseRef',
          'Variable of the database URL',
          module
            ? 'It can be changed only while the module has no subscription.'
            : 'Environment variable of the gateway. Empty: the name in capitals, then _DB_URL.',
        )}
        {field(
          'schemaPrefix',
          'Prefix of schemas',
          module ? 'Of names from now on.' : 'Empty: the name, then _.',
        )}
        {field('migrationsFolder', 'Folder of migrations', 'In MODULES_DIR. Empty: the name of the module.')}
        {module && base && base.version !== module.version && (
          <Notice tone="warning" title="Somebody else has changed the module meanwhile">
            <DiffView before={fieldsOf(base)} after={fieldsOf(module)} labels={['When you began', 'Now']} />
            <Button size="xs" variant="default" mt="xs" onClick={() => rebase(module)}>
              Put my changes on top
            </Button>
          </Notice>
        )}
      </Stack>
    </Confirm>
  );
}
