import { Checkbox, NativeSelect, SimpleGrid, TextInput } from '@mantine/core';
import type { StrategyForm } from './strategy.js';

interface StrategyFieldsProps {
  form: StrategyForm;
  onChange: (change: Partial<StrategyForm>) => void;
}

/** The fields of how a rollout goes through its tenants. */
export function StrategyFields({ form, onChange }: StrategyFieldsProps) {
  const field = (name: keyof StrategyForm, label: string, description: string) => (
    <TextInput
      label={label}
      description={description}
      inputMode={name === 'canary' && form.canaryKind === 'named' ? undefined : 'numeric'}
      value={String(form[name])}
      onChange={(event) => onChange({ [name]: event.currentTarget.value })}
      autoComplete="off"
      inputWrapperOrder={['label', 'input', 'description', 'error']}
    />
  );
  const isNamed = form.canaryKind === 'named';
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
      <NativeSelect
        label="Canary"
        description="Tenants that are migrated before all others."
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        data={[
          { value: 'none', label: 'None' },
          { value: 'tenants', label: 'A number, at random' },
          { value: 'percent', label: 'A share in percent, at random' },
          { value: 'named', label: 'Named tenants' },
        ]}
        value={form.canaryKind}
        onChange={(event) =>
          onChange({ canaryKind: event.currentTarget.value as StrategyForm['canaryKind'], canary: '' })
        }
      />
      {form.canaryKind !== 'none' &&
        field(
          'canary',
          isNamed ? 'Tenants of the canary' : 'Size of the canary',
          isNamed ? 'Slugs or ids, separated by commas.' : 'A whole number.',
        )}
      {form.canaryKind !== 'none' && (
        <Checkbox
          mt={{ sm: 30 }}
          label="Pause after the canary"
          checked={form.pauseAfterCanary}
          onChange={(event) => onChange({ pauseAfterCanary: event.currentTarget.checked })}
        />
      )}
      {field('waves', 'Waves', 'After the canary, at most 100.')}
      {field('parallelism', 'Parallelism', 'Tenants at the same time, at most 16.')}
      {field('budget', 'Error budget', 'More failures than this pause the rollout.')}
      <NativeSelect
        label="Error budget in"
        data={[
          { value: 'count', label: 'Tenants' },
          { value: 'percent', label: 'Percent of the tenants' },
        ]}
        value={form.budgetKind}
        onChange={(event) =>
          onChange({ budgetKind: event.currentTarget.value as StrategyForm['budgetKind'] })
        }
      />
      {field('lockTimeoutMs', 'Lock timeout (ms)', 'Services wait no longer behind a file.')}
      {field('statementTimeoutMs', 'Statement timeout (ms)', 'A longer statement is cancelled.')}
    </SimpleGrid>
  );
}
