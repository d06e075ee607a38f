import { findStatus } from '../../sites/service-states.ts';
import { toText } from '../../sites/service-target.ts';
import type { ServiceStatus } from '../../sites/services.ts';
import { asOutcome, type OneService } from '../service-change.ts';
import {
  areSet,
  findPermissionChanges,
  type PermissionChange,
  type PermissionsWanted,
  putBackPermissions,
  setPermissions,
} from '../service-permissions.ts';
import { type Place, refuseGone, shareOf } from '../service-steps.ts';
import { defineStep, type Step } from '../step.ts';
import { PermittedService } from './schema.ts';

type OnePermission = OneService & { wanted: PermissionsWanted };
type Before = { status: ServiceStatus | null; changes: PermissionChange[] };

export function permitOne(place: Place): Step<OnePermission, PermittedService, Before> {
  return defineStep<OnePermission, PermittedService, Before>({
    name: `permit:${place.at}`,
    title: 'Setting permissions',
    share: shareOf(place),
    result: PermittedService,
    before: async ({ site, target, wanted }, context) => {
      const status = (await findStatus(site, target, context)) ?? null;
      const changes = status ? await findPermissionChanges(site, target, wanted, context) : [];
      return { status, changes };
    },
    look: async (one, context) => {
      const { status, changes } = context.before;
      if (!status || !(await areSet(one.site, one.target, changes, context))) return undefined;
      return toPermitted(one, changes);
    },
    act: async (one, context) => {
      const { status, changes } = context.before;
      const permit = async () => {
        refuseGone(one, status);
        await setPermissions(one.site, one.target, changes, context);
        return toPermitted(one, changes);
      };
      const putBack = () => putBackPermissions(one.site, one.target, changes, context);
      return PermittedService.parse(await asOutcome(one, status, permit, putBack));
    },
    undo: async (one, _result, context) => {
      const { status, changes } = context.before;
      if (!status || changes.length === 0 || one.isKept()) return undefined;
      return putBackPermissions(one.site, one.target, changes, context);
    },
  });
}

function toPermitted({ target }: OneService, changes: PermissionChange[]): PermittedService {
  return {
    service: toText(target),
    outcome: changes.length > 0 ? 'done' : 'already',
    messages: [],
    changes,
  };
}
