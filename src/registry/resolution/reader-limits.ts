import type { Caller } from '../../auth/caller.js';
import { RegistryError } from '../../errors.js';
import type { ResolutionRates } from '../../rates/rates.js';
import type { ExplainedResolution, Reader } from './reader.js';
import type { Resolution } from './route.js';

/**
 * A reader that counts the routes which it resolves: for the caller before it reads, for the tenant once that is known. The
 * reader itself where no limit is configured.
 */
export function limitReader(
  reader: Reader,
  { rates, caller }: { rates: ResolutionRates | undefined; caller: Caller },
): Reader {
  if (!rates) return reader;
  const ofTenant = (resolution: Resolution): Resolution =>
    resolution instanceof RegistryError ? resolution : (rates.ofTenant(resolution.tenantId) ?? resolution);
  const explainedOfTenant = (explained: ExplainedResolution): ExplainedResolution => ({
    ...explained,
    resolution: ofTenant(explained.resolution),
  });

  return {
    resolve(request) {
      const refused = rates.ofCaller(caller, 1);
      if (refused) return refused;
      const resolved = reader.resolve(request);
      return resolved instanceof Promise ? resolved.then(ofTenant) : ofTenant(resolved);
    },
    explain(request) {
      const refused = rates.ofCaller(caller, 1);
      if (refused) return { resolution: refused, answer: undefined };
      const explained = reader.explain(request);
      return explained instanceof Promise ? explained.then(explainedOfTenant) : explainedOfTenant(explained);
    },
    explainAll(requests) {
      const refused = rates.ofCaller(caller, requests.length);
      if (refused) return requests.map(() => ({ resolution: refused, answer: undefined }));
      const explained = reader.explainAll(requests);
      return explained instanceof Promise
        ? explained.then((all) => all.map(explainedOfTenant))
        : explained.map(explainedOfTenant);
    },
    config: (tenantId, minRevision) => reader.config(tenantId, minRevision),
    isConfigFile: (tenantId, minRevision) => reader.isConfigFile(tenantId, minRevision),
    changed: (revision) => reader.changed(revision),
  };
}
