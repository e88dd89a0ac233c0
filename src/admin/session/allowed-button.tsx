import { Button, type ButtonProps, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { type Action, scopeOf, useRights } from './rights.js';

interface AllowedButtonProps extends ButtonProps {
  action: Action;
  /** Members of this tenant may be allowed to do it without a scope. */
  tenantId?: string;
  onClick?: () => void;
  type?: 'button' | 'submit';
  'aria-label'?: string;
  children: ReactNode;
}

/** A button for an action; disabled, with the scope that is missing, where the caller may not do it. */
export function AllowedButton({ action, tenantId, onClick, children, ...props }: AllowedButtonProps) {
  const { may, mayIn } = useRights();
  const isAllowed = tenantId === undefined ? may(action) : mayIn(action, tenantId);
  if (isAllowed)
    return (
      <Button {...props} onClick={onClick}>
        {children}
      </Button>
    );
  return (
    <Tooltip label={`Needs scope ${scopeOf(action)}`} events={{ hover: true, focus: true, touch: true }}>
      {/* It stays in the tab order, so that its reason can be read by keyboard. */}
      <Button {...props} data-disabled aria-disabled onClick={(event) => event.preventDefault()}>
        {children}
      </Button>
    </Tooltip>
  );
}
