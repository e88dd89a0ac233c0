import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import { CodeGone, loadCode } from '../../api/load-code.js';
import { NewVersion } from './new-version.js';

/** A part of a screen whose code is loaded when it is shown. After an update of the gateway it says so, and the rest of the screen stays. */
export function latePart<Props extends object>(
  load: () => Promise<{ default: ComponentType<Props> }>,
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(() =>
    loadCode(load).catch((error: unknown) => {
      if (error instanceof CodeGone) return { default: NewVersion as ComponentType<Props> };
      throw error;
    }),
  );
}
