import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useChange } from '../api/queries.js';
import { RemoveModuleDocument, RetireModuleDocument, UpdateModuleDocument } from '../generated/graphql.js';
import { Confirm } from '../parts/forms/confirm.js';
import { AllowedButton } from '../session/allowed-button.js';
import { type ModuleDetail, ModuleForm } from './module-form.js';

type Dialog = 'edit' | 'retire' | 'bring-back' | 'remove';

/** What can be done with a module. */
export function ModuleActions({ module }: { module: ModuleDetail }) {
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<Dialog>();
  const close = () => setDialog(undefined);
  const retire = useChange(RetireModuleDocument, { onDone: close });
  const bringBack = useChange(UpdateModuleDocument, { onDone: close });
  const remove = useChange(RemoveModuleDocument, { onDone: () => navigate('/modules') });
  const { name, version } = module;
  const input = { name, expectedVersion: version };
  return (
    <>
      <AllowedButton action="updateModule" variant="default" onClick={() => setDialog('edit')}>
        Edit
      </AllowedButton>
      {module.isRetired ? (
        <AllowedButton action="updateModule" onClick={() => setDialog('bring-back')}>
          Bring back
        </AllowedButton>
      ) : (
        <AllowedButton action="retireModule" variant="default" onClick={() => setDialog('retire')}>
          Retire
        </AllowedButton>
      )}
      <AllowedButton action="removeModule" variant="outline" color="red" onClick={() => setDialog('remove')}>
        Remove
      </AllowedButton>
      <ModuleForm isOpen={dialog === 'edit'} onClose={close} module={module} />
      <Confirm
        isOpen={dialog === 'retire'}
        title={`Retire ${name}`}
        verb="Retire"
        change={retire}
        onConfirm={() => retire.mutate({ input })}
        onClose={close}
      >
        No tenant can be subscribed to the module any more. Existing subscriptions go on. It can be brought
        back.
      </Confirm>
      <Confirm
        isOpen={dialog === 'bring-back'}
        title={`Bring ${name} back`}
        verb="Bring back"
        change={bringBack}
        onConfirm={() => bringBack.mutate({ input: { ...input, isRetired: false } })}
        onClose={close}
      >
        Tenants can be subscribed to the module again.
      </Confirm>
      <Confirm
        isOpen={dialog === 'remove'}
        title={`Remove ${name}`}
        verb="Remove"
        typed={name}
        isDangerous
        change={remove}
        onConfirm={() => remove.mutate({ input })}
        onClose={close}
      >
        The module leaves the catalogue. Only one in which no tenant ever had data can be removed, such as one
        that was added by mistake; retire any other.
      </Confirm>
    </>
  );
}
