import { toText } from '../../sites/service-target.ts';
import { digestOf } from './content-key.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import { NotPublishableError } from './publishing-errors.ts';
import type { Snapshot } from './snapshot.ts';

/** The live service, as far as a plan is bound to it. */
export type LivePicture = Pick<Snapshot, 'service' | 'status' | 'lastModifiedMs' | 'permissions'>;

/** All that a plan holds for, in words and short digests: equal plans are for equal requests on an equal site. */
export type PlannedState = Record<string, string>;

type Planned = {
  action: Decision['action'] | 'unchanged' | 'refuse';
  target: Decision['target'];
  method?: Decision['method'] | undefined;
  restorable?: string | undefined;
  refusals?: string[];
  picture?: LivePicture | undefined;
};

/** Most differences that a problem lists. */
const mostTold = 50;
const hashed = 'digest:';

export function describePlanned(
  { site, params, upload }: Pick<Publishing, 'site' | 'params' | 'upload'>,
  { action, target, method, restorable, refusals = [], picture }: Planned,
): PlannedState {
  const { serviceDefinition: _, ifPlanIs: __, site: ___, ...inputs } = params;
  return {
    site: site.name,
    service: toText(target),
    'SHA-256 of the definition': upload.sha256,
    'what would be done': action,
    ...(refusals.length > 0 && { 'what stands against it': refusals.join(', ') }),
    ...(method !== undefined && { 'way of replacing': method }),
    ...(restorable !== undefined && { 'what could be put back': restorable }),
    ...hashes('the input', inputs),
    ...(picture && describeLive(picture)),
  };
}

function describeLive({ service, status, lastModifiedMs, permissions }: LivePicture): PlannedState {
  const { configuredState: _, properties, ...members } = service;
  return {
    'configured state of the live service': status.configuredState,
    'real state of the live service': status.realTimeState,
    ...(lastModifiedMs !== undefined && {
      'last change of the live service': new Date(lastModifiedMs).toISOString(),
    }),
    ...(permissions && { 'permissions of the live service': hashOf(permissions) }),
    ...hashes('the live service, in', members),
    ...hashes('the live service, in properties.', properties),
  };
}

function hashes(prefix: string, members: unknown): PlannedState {
  if (members === null || typeof members !== 'object') return {};
  const separator = prefix.endsWith('.') ? '' : ' ';
  return Object.fromEntries(
    Object.entries(members)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [`${prefix}${separator}${name}`, hashOf(value)]),
  );
}

/** Values may hold connection strings, and may be long. */
function hashOf(value: unknown): string {
  return hashed + digestOf(value).slice(0, 16);
}

export type PlanDifference = { what: string; planned: string | null; now: string | null };

export function differencesOf(planned: PlannedState, now: PlannedState): PlanDifference[] {
  const keys = [...new Set([...Object.keys(planned), ...Object.keys(now)])];
  return keys
    .filter((key) => planned[key] !== now[key])
    .map((what) => ({ what, planned: shown(planned[what]), now: shown(now[what]) }));
}

function shown(value: string | undefined): string | null {
  if (value === undefined) return null;
  return value.startsWith(hashed) ? 'another value' : value;
}

/**
 * Nothing has been sent to the site yet.
 *
 * @throws NotPublishableError plan_changed, saying what differs
 */
export async function refuseIfNotAsPlanned(
  publishing: Publishing,
  planned: Planned,
): Promise<void> {
  const { params, ledger, site } = publishing;
  if (params.ifPlanIs === undefined) return;
  const now = describePlanned(publishing, planned);
  if (digestOf(now) === params.ifPlanIs) return;
  const before = await ledger.findPlan(params.ifPlanIs);
  const differences = before ? differencesOf(before, now) : [];
  const names = differences.map(({ what }) => what);
  const why = before
    ? `It differs in: ${names.slice(0, mostTold).join('; ')}.`
    : 'What was planned is not known any more, so it cannot be said what differs.';
  throw new NotPublishableError(
    'plan_changed',
    `${toText(planned.target)} on ${site.name} is not as it was planned. ${why} Nothing was changed. Plan again, look at the plan and send its digest.`,
    {
      site: site.name,
      service: toText(planned.target),
      differences: differences.slice(0, mostTold),
    },
  );
}
