import type { Action } from '../session/rights.js';

/** The screens of the navigation. `g` and then the key leads to one. */
export interface Place {
  path: string;
  label: string;
  key: string;
  group: 'Registry' | 'Work' | 'System';
  /** Without it the screen has nothing to show. */
  needs: Action | undefined;
}

export const places: readonly Place[] = [
  { path: '/', label: 'Overview', key: 'h', group: 'Registry', needs: 'readRegistry' },
  { path: '/tenants', label: 'Tenants', key: 't', group: 'Registry', needs: 'readRegistry' },
  { path: '/modules', label: 'Modules', key: 'm', group: 'Registry', needs: 'readRegistry' },
  { path: '/operations', label: 'Operations', key: 'o', group: 'Work', needs: 'readRegistry' },
  { path: '/rollouts', label: 'Rollouts', key: 'r', group: 'Work', needs: 'readRegistry' },
  { path: '/drift', label: 'Drift', key: 'd', group: 'Work', needs: 'readRegistry' },
  { path: '/audit', label: 'Audit', key: 'a', group: 'System', needs: 'readAuditLog' },
  { path: '/keys', label: 'Keys', key: 'k', group: 'System', needs: 'listApiKeys' },
  { path: '/explain', label: 'Explain', key: 'e', group: 'System', needs: undefined },
  { path: '/gateways', label: 'Gateways', key: 'w', group: 'System', needs: 'readRegistry' },
  { path: '/about', label: 'About', key: 'b', group: 'System', needs: undefined },
];
