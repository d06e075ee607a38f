import { z } from 'zod';
import type { Site } from '../../sites/sites.ts';
import {
  areSet,
  findPermissionChanges,
  PermissionChange,
  type PermissionsWanted,
  putBackPermissions,
  setPermissions,
} from '../service-permissions.ts';
import { defineStep } from '../step.ts';
import type { Decision } from './publishing-context.ts';
import type { VerifiedService } from './verify-service.ts';

const SetPermissions = z.array(PermissionChange);
export type SetPermissions = z.output<typeof SetPermissions>;
export const noPermissions: SetPermissions = [];

type Input = {
  site: Site;
  params: { permissions?: PermissionsWanted | undefined };
  decision: Pick<Decision, 'action'>;
  service: Pick<VerifiedService, 'target'>;
};

/** Until here the service has those of its folder: a site knows no way to publish with others. */
export const permitRoles = defineStep<Input, SetPermissions, SetPermissions>({
  name: 'permissions',
  title: 'Setting who may use the service',
  share: [96, 97],
  result: SetPermissions,
  before: ({ site, service, params }, context) =>
    findPermissionChanges(site, service.target, params.permissions ?? {}, context),
  look: async ({ site, service }, context) =>
    (await areSet(site, service.target, context.before, context)) ? context.before : undefined,
  act: async ({ site, service }, context) => {
    await setPermissions(site, service.target, context.before, context);
    return context.before;
  },
  undo: async ({ site, service, decision }, _result, context) => {
    if (decision.action !== 'replace') return undefined; // it goes as a whole
    return putBackPermissions(site, service.target, context.before, context);
  },
});
