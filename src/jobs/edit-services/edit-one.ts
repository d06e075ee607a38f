import type { JsonObject } from '../../sites/answer-shapes.ts';
import { editService } from '../../sites/service-changes.ts';
import { findStatus } from '../../sites/service-states.ts';
import { toText } from '../../sites/service-target.ts';
import { readService, type ServiceStatus } from '../../sites/services.ts';
import { isNotFound } from '../../sites/site-errors.ts';
import {
  asOutcome,
  type OneService,
  startupMs,
  stateInWords,
  untilState,
} from '../service-change.ts';
import {
  ServiceNotAsWantedError,
  ServiceNotPutBackError,
  ServicesRefusedError,
} from '../service-errors.ts';
import { isStarted } from '../service-selection.ts';
import {
  holdsSecret,
  isSameSetting,
  readSetting,
  type WantedSetting,
  withSetting,
} from '../service-setting.ts';
import { type Place, shareOf } from '../service-steps.ts';
import { defineStep, type Step, type StepContext } from '../step.ts';
import { EditedService } from './schema.ts';

export type OneEdit = OneService & { wanted: readonly WantedSetting[] };
type Changes = EditedService['changes'];
type Before = { status: ServiceStatus | null; changes: Changes; messages: string[] };

/** Sends the whole document back with new values in it, and looks whether the site has them. */
export function editOne(place: Place): Step<OneEdit, EditedService, Before> {
  return defineStep<OneEdit, EditedService, Before>({
    name: `edit:${place.at}`,
    title: 'Editing services',
    share: shareOf(place),
    result: EditedService,
    before: lookBefore,
    look: async (one, context) => {
      const { changes, status } = context.before;
      if (changes.length === 0) return toEdited(one, context.before);
      const json = await findJson(one, context);
      if (!json || !areSet(json, changes)) return undefined;
      return (await isBack(one, status, context)) ? toEdited(one, context.before) : undefined;
    },
    act: async (one, context) => {
      const { status } = context.before;
      const edited = await asOutcome(
        one,
        status,
        () => edit(one, context),
        () => putBack(one, context),
      );
      return EditedService.parse(edited);
    },
    undo: async (one, _result, context) => (one.isKept() ? undefined : putBack(one, context)),
  });
}

async function findJson(
  { site, target }: OneService,
  { signal }: { signal: AbortSignal },
): Promise<JsonObject | undefined> {
  try {
    return await readService(site, target, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function lookBefore(one: OneEdit, context: StepContext): Promise<Before> {
  const status = (await findStatus(one.site, one.target, context)) ?? null;
  const json = status ? await findJson(one, context) : undefined;
  return json
    ? { status, ...planEdit(json, one.wanted) }
    : { status: null, changes: [], messages: [] };
}

/** What would change, and what is not changed although it was asked for. */
export function planEdit(
  json: JsonObject,
  wanted: readonly WantedSetting[],
): Pick<Before, 'changes' | 'messages'> {
  const changes: Changes = [];
  const messages: string[] = [];
  for (const { key, to, onlyIf } of wanted) {
    const from = readSetting(json, key);
    if (isSameSetting(key, from, to)) continue;
    if (onlyIf !== undefined && !isSameSetting(key, from, onlyIf)) {
      messages.push(`${key} is ${JSON.stringify(from)} by now: somebody else's value stays.`);
      continue;
    }
    changes.push({ key, from, to });
    if (from === null && onlyIf === undefined)
      messages.push(`${key} was not there before: see that it is spelled as the site spells it.`);
  }
  return { changes, messages };
}

/** @throws ServicesRefusedError for what could not work, or not be put back. Nothing was changed. */
export function refuseEdit(one: OneService, json: JsonObject, changes: Changes): void {
  const after = changes.reduce((sofar, { key, to }) => withSetting(sofar, key, to), json);
  const [min, max] = [
    readSetting(after, 'minInstancesPerNode'),
    readSetting(after, 'maxInstancesPerNode'),
  ];
  const name = toText(one.target);
  const refused = (message: string) =>
    new ServicesRefusedError('conflict', message, { site: one.site.name, service: name });
  if (min !== null && max !== null && Number(min) > Number(max)) {
    throw refused(`${name} would have at least ${min} and at most ${max} instances per machine.`);
  }
  const secret = changes.find(({ from, to }) => holdsSecret(from) || holdsSecret(to));
  if (secret) throw refused(`${secret.key} of ${name} holds a login: it is not edited here.`);
}

async function edit(one: OneEdit, context: StepContext<Before>): Promise<EditedService> {
  const { site, target } = one;
  const { status, changes } = context.before;
  const name = toText(target);
  const json = status ? await findJson(one, context) : undefined;
  if (!json) {
    throw new ServicesRefusedError('not_found', `${name} is not on ${site.name} any more.`, {
      site: site.name,
      service: name,
    });
  }
  if (changes.length === 0) return toEdited(one, context.before);
  refuseEdit(one, json, changes);
  if (!areSet(json, changes)) {
    refuseChanged(one, json, changes);
    await editService(site, target, withValues(json, changes, 'to'), context);
  }
  if (!(await isBack(one, status, context))) {
    const now = await findStatus(site, target, context);
    throw new ServiceNotAsWantedError(
      `${name} was edited and did not come back: ${stateInWords(now)}.`,
      { facts: { site: site.name, service: name } },
    );
  }
  const after = await readService(site, target, context);
  const lost = changes.filter(({ key, to }) => !isSameSetting(key, readSetting(after, key), to));
  if (lost.length > 0) {
    throw new ServiceNotAsWantedError(
      `${site.name} took the edit of ${name}, and still has ${lost.map(({ key }) => `${key}=${JSON.stringify(readSetting(after, key))}`).join(', ')}.`,
      { facts: { site: site.name, service: name } },
    );
  }
  await context.log.info(`${name} on ${site.name}: ${changes.map(inWords).join(', ')}.`);
  return toEdited(one, context.before);
}

function inWords({ key, from, to }: Changes[number]): string {
  return `${key} ${JSON.stringify(from)} → ${JSON.stringify(to)}`;
}

function areSet(json: JsonObject, changes: Changes): boolean {
  return changes.every(({ key, to }) => isSameSetting(key, readSetting(json, key), to));
}

function withValues(json: JsonObject, changes: Changes, side: 'from' | 'to'): JsonObject {
  return changes.reduce((sofar, change) => withSetting(sofar, change.key, change[side]), json);
}

/** Somebody else may have edited it between the look and the edit. */
function refuseChanged({ site, target }: OneService, json: JsonObject, changes: Changes): void {
  const other = changes.find(
    ({ key, from, to }) =>
      !isSameSetting(key, readSetting(json, key), from) &&
      !isSameSetting(key, readSetting(json, key), to),
  );
  if (!other) return;
  throw new ServicesRefusedError(
    'conflict',
    `${other.key} of ${toText(target)} on ${site.name} was changed by somebody else after this job had looked at it.`,
    { site: site.name, service: toText(target) },
  );
}

/** A site restarts what is edited (Esri, "Edit Service"): it is away until it runs as before. */
async function isBack(
  one: OneService,
  before: ServiceStatus | null,
  context: StepContext<unknown>,
): Promise<boolean> {
  if (!before) return false;
  const wanted = before.realTimeState.toUpperCase();
  const patienceMs = await startupMs(one, context.signal);
  const isSo = (state: string) => state.toUpperCase() === wanted;
  const now = await untilState(one, context, { patienceMs, isSo });
  // One that should run and did not may run now: nothing is lost by that.
  return now !== undefined && (isSo(now.realTimeState) || isStarted(now.realTimeState));
}

function toEdited({ target }: OneService, { status, changes, messages }: Before): EditedService {
  return {
    service: toText(target),
    outcome: changes.length > 0 ? 'done' : 'already',
    messages,
    changes,
    restarts: changes.length > 0 && status !== null && isStarted(status.realTimeState),
    ...(status && { before: status, after: status }),
  };
}

/** Only values that are still as this job left them: what somebody changed since is not ours. */
async function putBack(one: OneService, context: StepContext<Before>): Promise<string | undefined> {
  const { status, changes } = context.before;
  const json = changes.length > 0 ? await findJson(one, context) : undefined;
  if (!json) return undefined;
  const ours = changes.filter(({ key, to }) => isSameSetting(key, readSetting(json, key), to));
  const name = `${toText(one.target)} on ${one.site.name}`;
  const note = `${name} has its earlier values again: ${ours.map(({ key }) => key).join(', ')}`;
  if (ours.length > 0) {
    await context.intends(note);
    await editService(one.site, one.target, withValues(json, ours, 'from'), context);
  }
  if (!(await isBack(one, status, context))) {
    const now = await findStatus(one.site, one.target, context);
    throw new ServiceNotPutBackError(`${name} has its earlier values, but ${stateInWords(now)}.`);
  }
  return ours.length === 0 ? undefined : note;
}
