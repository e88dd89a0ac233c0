import { Alert, Group, NativeSelect, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { useChange, useScreen } from '../../api/queries.js';
import { RolloutPlanDocument, RolloutsDocument, StartRolloutDocument } from '../../generated/graphql.js';
import { Confirm } from '../../parts/forms/confirm.js';
import { ScreenState } from '../../parts/loading/screen-state.js';
import { EmptyState } from '../../parts/notices/empty-state.js';
import { AllowedButton } from '../../session/allowed-button.js';
import { Page, shellWord } from '../../shell/page.js';
import { type Plan, PlanView } from './plan-view.js';
import { type StrategyForm, toStrategy, usualStrategy } from './strategy.js';
import { StrategyFields } from './strategy-fields.js';
import '../rollouts.css';

/** What a rollout of a module would do, and the form that starts it. */
export function RolloutStart() {
  const [parameters, setParameters] = useSearchParams();
  const module = parameters.get('module') ?? '';
  const modules = useScreen(RolloutsDocument, { first: 1 });
  const plan = useScreen(RolloutPlanDocument, { module }, { isEnabled: module !== '' });
  return (
    <Page
      title="Plan a rollout"
      query={module === '' ? undefined : [RolloutPlanDocument, { module }]}
      command={module === '' ? undefined : `tenant-registry rollout plan ${shellWord(module)}`}
    >
      <ScreenState query={modules}>
        {(data) => (
          <NativeSelect
            label="Module"
            maw={320}
            data={[
              { value: '', label: 'Choose a module' },
              ...data.modules.map(({ name }) => ({ value: name, label: name })),
            ]}
            value={module}
            onChange={(event) =>
              setParameters(event.currentTarget.value ? { module: event.currentTarget.value } : {}, {
                replace: true,
              })
            }
          />
        )}
      </ScreenState>
      {module === '' ? (
        <EmptyState title="No module chosen">
          The plan shows the files that tenants lack, their locks and risks. Nothing is changed.
        </EmptyState>
      ) : (
        <ScreenState query={plan}>
          {({ rolloutPlan }) => (
            <Stack>
              <PlanView plan={rolloutPlan} />
              <StartForm key={rolloutPlan.module} plan={rolloutPlan} />
            </Stack>
          )}
        </ScreenState>
      )}
    </Page>
  );
}

function StartForm({ plan }: { plan: Plan }) {
  const navigate = useNavigate();
  const [form, setForm] = useState<StrategyForm>(usualStrategy);
  const [isAsking, setAsking] = useState(false);
  const start = useChange(StartRolloutDocument, {
    onDone: (result) => navigate(`/rollouts/${result.startRollout?.rollout.id}`),
  });
  const read = toStrategy(form);
  const problem = 'problem' in read ? read.problem : undefined;
  const obstacle =
    plan.problems.length > 0
      ? 'Correct the files above first.'
      : plan.behindCount === 0
        ? 'No tenant is behind: there is nothing to migrate.'
        : undefined;
  return (
    <>
      <Title order={2} size="h4">
        Strategy
      </Title>
      <StrategyFields form={form} onChange={(change) => setForm((old) => ({ ...old, ...change }))} />
      {problem && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
      <Group>
        <AllowedButton
          action="startRollout"
          disabled={obstacle !== undefined || problem !== undefined}
          onClick={() => setAsking(true)}
        >
          Start the rollout
        </AllowedButton>
        {obstacle && (
          <Text size="sm" c="dimmed">
            {obstacle}
          </Text>
        )}
      </Group>
      <Confirm
        isOpen={isAsking}
        title={`Migrate ${plan.module}`}
        verb="Start"
        change={start}
        onConfirm={() =>
          'strategy' in read && start.mutate({ input: { module: plan.module, strategy: read.strategy } })
        }
        onClose={() => setAsking(false)}
      >
        {plan.pending.length} files run in the storage of {plan.behindCount.toLocaleString()} tenants. What
        has run cannot be undone by the registry; the rollout can be paused and cancelled.
      </Confirm>
    </>
  );
}
