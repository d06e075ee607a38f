import { defineJobType } from '../job-type.ts';
import { reportServiceFailure } from '../service-failure.ts';
import { setServicePermissions } from './handler.ts';
import { SetServicePermissionsParams, SetServicePermissionsResult } from './schema.ts';

export const setServicePermissionsJob = defineJobType({
  name: 'set-service-permissions',
  title: 'Set permissions of services',
  summary: 'Says who may use services: roles, or everybody',
  params: SetServicePermissionsParams,
  result: SetServicePermissionsResult,
  example: { site: 'demo', services: { folder: 'Planning' }, allow: ['Planners'], public: false },
  queue: 'site',
  steps: ['find', 'roles', 'permit', 'keep'],
  scopes: () => ['services:edit'],
  handler: setServicePermissions,
  failure: reportServiceFailure,
});
