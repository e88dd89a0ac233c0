import './onboarding.css';
import { Group, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';
import type { ApiError } from '../api/api-error.js';
import { ProvisionTenantDocument } from '../generated/graphql.js';
import { Page, shellWord } from '../shell/page.js';
import { type Draft, forgetDraft, inputOf, isEmptyDraft, slugOf, useDraft } from './draft/draft.js';
import { AdminStep } from './steps/admin-step.js';
import { ModulesStep } from './steps/modules-step.js';
import { NameStep } from './steps/name-step.js';
import { PlanStep } from './steps/plan-step.js';
import { ProfileStep } from './steps/profile-step.js';
import { ReviewStep } from './steps/review-step.js';
import { StepNavigation } from './steps/step-navigation.js';
import { type StepId, steps } from './steps/steps.js';
import { Outcome } from './submission/outcome.js';
import { useSubmission } from './submission/submission.js';

const forms = {
  name: NameStep,
  modules: ModulesStep,
  plan: PlanStep,
  profile: ProfileStep,
  admin: AdminStep,
} as const;

/** The wizard for a new tenant. The URL holds the step, the memory of the page what was typed. */
export function Onboarding() {
  const [draft, change, clear] = useDraft();
  const submission = useSubmission(draft);
  const [wantsMending, setWantsMending] = useState(false);
  const [step, setStep] = useStep(draft);
  const isDone = submission.isDone;
  useEffect(() => {
    if (isDone) forgetDraft();
  }, [isDone]);
  useLeaveWarning(!isEmptyDraft(draft) && !submission.result);
  const { error, isPending, operationId, result } = submission;
  const hasOutcome = !wantsMending && (result !== undefined || operationId !== undefined);
  const index = steps.findIndex(({ id }) => id === step);
  const go = (distance: number) => setStep(steps[index + distance]?.id ?? 'review');
  const Form = step === 'review' ? undefined : forms[step];
  return (
    <Page
      title="New tenant"
      query={[ProvisionTenantDocument, { input: inputOf(draft) }]}
      command={commandOf(draft)}
    >
      {hasOutcome ? (
        <Outcome
          name={draft.name}
          submission={submission}
          onBack={() => setWantsMending(true)}
          onAnother={() => {
            submission.reset();
            clear();
            setStep('name');
          }}
        />
      ) : (
        <>
          <StepNavigation current={step} reached={reachedStep(draft)} onStep={setStep} />
          {Form ? (
            <Form
              key={step}
              draft={draft}
              change={change}
              fieldErrors={errorsByField(error)}
              onNext={() => go(1)}
              onBack={() => go(-1)}
            />
          ) : (
            <ReviewStep
              draft={draft}
              error={error}
              isBusy={isPending}
              onSubmit={() => {
                setWantsMending(false);
                submission.submit();
              }}
              onBack={() => go(-1)}
              onStep={setStep}
            />
          )}
          {!isEmptyDraft(draft) && step !== 'review' && (
            <Group>
              <Text size="xs" c="dimmed">
                What you have typed stays while this tab is open.
              </Text>
            </Group>
          )}
        </>
      )}
    </Page>
  );
}

/** The last step that can be opened: those after it need what is not typed yet. */
function reachedStep(draft: Draft): StepId {
  if (draft.name.trim() === '' || (draft.ownSlug !== undefined && draft.ownSlug.trim() === '')) return 'name';
  return draft.modules.length > 0 && !draft.adminEmail.includes('@') ? 'admin' : 'review';
}

function useStep(draft: Draft): [StepId, (step: StepId) => void] {
  const [parameters, setParameters] = useSearchParams();
  const wanted = steps.findIndex(({ id }) => id === parameters.get('step'));
  const reached = steps.findIndex(({ id }) => id === reachedStep(draft));
  const step = steps[Math.min(Math.max(wanted, 0), reached)]?.id ?? 'name';
  return [step, (next) => setParameters(next === 'name' ? {} : { step: next })];
}

/** The browser asks before the tab is closed or loaded again. */
function useLeaveWarning(isWanted: boolean): void {
  useEffect(() => {
    if (!isWanted) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [isWanted]);
}

function errorsByField(error: ApiError | null): Record<string, string> {
  return Object.fromEntries(error?.fields.map(({ field, message }) => [field, message]) ?? []);
}

function commandOf(draft: Draft): string {
  const { name, adminEmail, modules, plan } = draft;
  const words = [name.trim() || 'NAME', adminEmail.trim() || 'EMAIL', modules.join(',') || 'MODULES'];
  const slug = slugOf(draft) === '' ? '' : ` --slug ${shellWord(slugOf(draft))}`;
  return `tenant-registry provision ${words.map(shellWord).join(' ')}${slug} --plan ${plan.toLowerCase()}`;
}
