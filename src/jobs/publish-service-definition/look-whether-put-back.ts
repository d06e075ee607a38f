import { GatewayError } from '../../lib/errors.ts';
import { readServiceRoot } from '../../sites/rest-services.ts';
import {
  addPermission,
  editItemInfo,
  readItemInfo,
  readPermissions,
} from '../../sites/service-extras.ts';
import { sameName, toText } from '../../sites/service-target.ts';
import { readServiceStatus } from '../../sites/services.ts';
import { isRefusal } from '../../sites/site-errors.ts';
import type { StepContext } from '../step.ts';
import { inShort } from './acceptance.ts';
import { digestOf } from './content-key.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import { NotPutBackError } from './publishing-errors.ts';
import type { Snapshot } from './snapshot.ts';
import { until } from './verify-service.ts';

type Input = Publishing & { decision: Decision };
type Context = Pick<StepContext, 'signal' | 'timing' | 'pause'>;

/** @throws NotPutBackError when the service that stands there now is not the one of before */
export async function lookWhetherPutBack(
  { site, decision }: Input,
  { status, service }: Snapshot,
  context: Context,
): Promise<void> {
  const { target, live } = decision;
  if (!live || !sameName(status.realTimeState, 'STARTED')) return;
  const { signal, timing } = context;
  let seen = '';
  const startupMs = (Number(service.maxStartupTime) || 300) * 1_000;
  const isStarted = await until(context, startupMs, async () => {
    const { realTimeState } = await readServiceStatus(site, target, { signal });
    seen = realTimeState;
    return sameName(realTimeState, 'STARTED') || undefined;
  });
  if (!isStarted) {
    throw new NotPutBackError(
      `${toText(target)} was published again from the definition that made it, but it is ${seen}.`,
    );
  }
  const wanted = live.layers.map(({ id, name }) => `${id} ${name}`);
  const isWhole = await until(context, timing.listedWithinMs, async () => {
    const names = await findLayers({ site, target, signal });
    seen = inShort(names);
    return wanted.every((name) => names.includes(name)) || undefined;
  });
  if (isWhole) return;
  throw new NotPutBackError(
    `${site.name} reported that ${toText(target)} was published again from the definition that made it, but it shows ${seen || 'nothing'} in place of ${inShort(wanted)}.`,
  );
}

async function findLayers({
  site,
  target,
  signal,
}: Pick<Input, 'site'> & { target: Decision['target']; signal: AbortSignal }): Promise<string[]> {
  try {
    const { layers, tables } = await readServiceRoot(site, target, { signal });
    return [...layers, ...tables].map(({ id, name }) => `${id} ${name}`);
  } catch (error) {
    if (error instanceof GatewayError && error.again === 'never') return [];
    throw error;
  }
}

/**
 * Item information and permissions as they were. No documented operation removes one entry of the
 * permissions of one service, so one that is new stays and is named.
 *
 * @returns what was put back, in words
 * @throws NotPutBackError when the site refuses
 */
export async function putBackExtras(
  { site, decision }: Input,
  { itemInfo, permissions }: Snapshot,
  { signal, intends }: { signal: AbortSignal; intends: (done: string[]) => Promise<void> },
): Promise<string[]> {
  const { target } = decision;
  const done: string[] = [];
  try {
    if (itemInfo && digestOf(await readItemInfo(site, target, { signal })) !== digestOf(itemInfo)) {
      done.push('its item information was put back');
      await intends(done);
      await editItemInfo(site, target, itemInfo, { signal });
    }
    if (!permissions) return done;
    const now = await readPermissions(site, target, { signal });
    const changed = permissions.filter(
      (before) => !now.some((each) => digestOf(each) === digestOf(before)),
    );
    if (changed.length > 0) {
      done.push('its permissions were put back');
      await intends(done);
    }
    for (const permission of changed) await addPermission(site, target, permission, { signal });
    const added = now.filter(
      ({ principal }) => !permissions.some((each) => each.principal === principal),
    );
    if (added.length > 0)
      done.push(
        `entries of its permissions that were not there before stay: ${inShort(added.map(({ principal }) => principal))}`,
      );
    return done;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new NotPutBackError(
      `${toText(target)} is there again, but its item information and permissions could not be put back: ${error.message}`,
    );
  }
}
