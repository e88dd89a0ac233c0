import type { ReactNode } from 'react';
import { createBrowserRouter, type RouteObject } from 'react-router';
import { CodeGone, loadCode } from './api/load-code.js';
import { NewVersion } from './parts/loading/new-version.js';
import { EmptyState } from './parts/notices/empty-state.js';
import { basePath } from './session/page-config.js';
import { Failure } from './shell/failure.js';
import { Page } from './shell/page.js';
import { Shell } from './shell/shell.js';

/** Every screen by its path. Each is loaded when somebody opens it. */
export const router = createBrowserRouter(
  [
    {
      element: <Shell />,
      errorElement: <Failure />,
      children: patient([
        { path: '/', lazy: async () => ({ Component: (await import('./overview/overview.js')).Overview }) },
        {
          path: '/tenants',
          lazy: async () => ({ Component: (await import('./tenants/list/tenants.js')).Tenants }),
        },
        {
          path: '/tenants/new',
          lazy: async () => ({ Component: (await import('./onboarding/onboarding.js')).Onboarding }),
        },
        {
          path: '/tenants/:id',
          lazy: async () => ({ Component: (await import('./tenants/detail/tenant.js')).Tenant }),
        },
        {
          path: '/rollouts',
          lazy: async () => ({ Component: (await import('./rollouts/rollouts.js')).Rollouts }),
        },
        {
          path: '/rollouts/new',
          lazy: async () => ({ Component: (await import('./rollouts/plan/rollout-start.js')).RolloutStart }),
        },
        {
          path: '/rollouts/:id',
          lazy: async () => ({ Component: (await import('./rollouts/rollout.js')).Rollout }),
        },
        {
          path: '/operations',
          lazy: async () => ({ Component: (await import('./operations/operations.js')).Operations }),
        },
        {
          path: '/operations/:id',
          lazy: async () => ({ Component: (await import('./operations/operation.js')).Operation }),
        },
        {
          path: '/modules',
          lazy: async () => ({ Component: (await import('./modules/modules.js')).Modules }),
        },
        {
          path: '/modules/:name',
          lazy: async () => ({ Component: (await import('./modules/module.js')).Module }),
        },
        { path: '/drift', lazy: async () => ({ Component: (await import('./drift/drift.js')).Drift }) },
        {
          path: '/audit',
          lazy: async () => ({ Component: (await import('./audit/audit.js')).Audit }),
        },
        {
          path: '/keys',
          lazy: async () => ({ Component: (await import('./keys/keys.js')).Keys }),
        },
        {
          path: '/explain',
          lazy: async () => ({ Component: (await import('./explain/explain.js')).Explain }),
        },
        {
          path: '/gateways',
          lazy: async () => ({ Component: (await import('./gateways/gateways.js')).Gateways }),
        },
        {
          path: '/about',
          lazy: async () => ({ Component: (await import('./about/about.js')).About }),
        },
        { path: '*', element: <NotFound /> },
      ]),
    },
  ],
  { basename: basePath },
);

/** A screen that is opened during an outage is loaded after it; one that a newer gateway does not have any more says so. */
function patient(
  screens: { path: string; lazy?: () => Promise<object>; element?: ReactNode }[],
): RouteObject[] {
  return screens.map(({ lazy, ...screen }) => (lazy ? { ...screen, lazy: () => loadScreen(lazy) } : screen));
}

function loadScreen(load: () => Promise<object>): Promise<object> {
  return loadCode(load).catch((error: unknown) => {
    if (error instanceof CodeGone) return { Component: Outdated };
    throw error;
  });
}

function Outdated() {
  return (
    <Page title="Updated">
      <NewVersion />
    </Page>
  );
}

function NotFound() {
  return (
    <Page title="No such screen">
      <EmptyState title="There is nothing at this address">Choose a screen in the navigation.</EmptyState>
    </Page>
  );
}
