import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { useChange } from '../api/queries.js';
import {
  CancelRolloutDocument,
  PauseRolloutDocument,
  ResumeRolloutDocument,
  RetryRolloutDocument,
  type RolloutStatus,
} from '../generated/graphql.js';
import { Confirm } from '../parts/forms/confirm.js';
import { countText } from '../parts/values/count-text.js';
import { AllowedButton } from '../session/allowed-button.js';
import type { Counts } from './progress/rollout-counts.js';

interface RolloutActionsProps {
  rollout: { id: string; status: RolloutStatus; version: number };
  counts: Counts;
}

type Verb = 'pause' | 'resume' | 'retry' | 'cancel';

/** What steers a rollout. Every step is asked for once more, with what it means. */
export function RolloutActions({ rollout, counts }: RolloutActionsProps) {
  const [verb, setVerb] = useState<Verb>();
  const [reason, setReason] = useState('');
  const { id, status, version } = rollout;
  const close = () => setVerb(undefined);
  const options = { onDone: close };
  const changes = {
    pause: useChange(PauseRolloutDocument, options),
    resume: useChange(ResumeRolloutDocument, options),
    retry: useChange(RetryRolloutDocument, options),
    cancel: useChange(CancelRolloutDocument, options),
  };
  const failures = counts.failed + counts.blocked;
  const isOpen = status === 'RUNNING' || status === 'PAUSED';
  const confirm = (one: Verb) => {
    // What is known to this page: somebody else may have steered it meanwhile.
    const input = { id, expectedVersion: version };
    if (one === 'pause')
      changes.pause.mutate({ input: { ...input, ...(reason.trim() && { reason: reason.trim() }) } });
    else changes[one].mutate({ input });
  };
  const texts = {
    pause: 'Tenants that are being migrated are migrated to their end; no further one begins.',
    resume: `The rollout goes on with ${countText(counts.queued, 'tenant')}. Those that failed stay as they are, and count no more in the error budget.`,
    retry: `The rollout migrates ${countText(failures, 'failed or blocked tenant')} again, with the files as they are now.`,
    cancel: `The rollout leaves ${countText(counts.queued, 'tenant')} at the version of before. What was migrated stays so.`,
  };
  return (
    <>
      {/* One button, so that the focus stays on it when it gets another meaning. */}
      {status === 'PAUSED' ? (
        <AllowedButton action="resumeRollout" onClick={() => setVerb('resume')}>
          Resume
        </AllowedButton>
      ) : status === 'RUNNING' ? (
        <AllowedButton action="pauseRollout" variant="default" onClick={() => setVerb('pause')}>
          Pause
        </AllowedButton>
      ) : null}
      {failures > 0 && status !== 'CANCELLED' && (
        <AllowedButton action="retryRollout" variant="default" onClick={() => setVerb('retry')}>
          Retry failed
        </AllowedButton>
      )}
      {isOpen && (
        <AllowedButton action="cancelRollout" variant="outline" color="red" onClick={() => setVerb('cancel')}>
          Cancel
        </AllowedButton>
      )}
      {(['pause', 'resume', 'retry', 'cancel'] as const).map((one) => (
        <Confirm
          key={one}
          isOpen={verb === one}
          title={`${titles[one]} the rollout`}
          verb={`${titles[one]} the rollout`}
          isDangerous={one === 'cancel'}
          change={changes[one]}
          onConfirm={() => confirm(one)}
          onClose={close}
        >
          {texts[one]}
          {one === 'pause' && (
            <TextInput
              mt="sm"
              label="Reason"
              description="Everybody who opens the rollout sees it."
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              maxLength={500}
              dir="auto"
              data-autofocus
            />
          )}
        </Confirm>
      ))}
    </>
  );
}

const titles = { pause: 'Pause', resume: 'Resume', retry: 'Retry', cancel: 'Cancel' } as const;
