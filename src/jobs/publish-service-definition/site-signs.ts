import { z } from 'zod';
import { publishingToolsTarget } from '../../sites/publishing-tools.ts';
import { findService, readLifecycle, readStatistics } from '../../sites/services.ts';
import { isNotFound, isRefusal } from '../../sites/site-errors.ts';
import type { Site } from '../../sites/sites.ts';
import { readUploadItem } from '../../sites/upload-items.ts';
import type { StepContext } from '../step.ts';
import type { Decision, Publishing } from './publishing-context.ts';

// What still tells something where a site shows no job: the target, and whether anything is worked on.

type Input = Publishing & { decision: Decision };

/** How the target stood before the site was told to publish. */
export const TargetState = z.object({
  isThere: z.boolean(),
  lastModifiedMs: z.number().optional(),
});
export type TargetState = z.output<typeof TargetState>;

export async function readTargetState(
  { site, decision }: Input,
  signal: AbortSignal,
): Promise<TargetState> {
  const target = await findService(site, decision.target, { signal });
  if (!target) return { isThere: false };
  const { lastModifiedMs } = await readLifecycle(site, target, { signal });
  return { isThere: true, ...(lastModifiedMs !== undefined && { lastModifiedMs }) };
}

/** True when the target came, went or was changed since. */
export async function hasTargetMoved(
  input: Input,
  before: TargetState,
  signal: AbortSignal,
): Promise<boolean> {
  const now = await readTargetState(input, signal);
  return now.isThere !== before.isThere || now.lastModifiedMs !== before.lastModifiedMs;
}

/** The site removes an item that a site job has used up. */
export async function isItemThere(
  site: Site,
  itemId: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await readUploadItem(site, itemId, { signal })) !== undefined;
  } catch (error) {
    if (isNotFound(error) || isRefusal(error)) return false;
    throw error;
  }
}

/** Where a site shows no job of ours: until the target moves, or the site works on nothing any more. */
export async function untilMovedOrIdle(
  input: Input,
  { before, patienceMs }: { before: TargetState; patienceMs: number },
  { signal, timing, pause }: Pick<StepContext, 'signal' | 'timing' | 'pause'>,
): Promise<void> {
  const untilMs = Date.now() + patienceMs;
  for (let waitMs = timing.pollMinMs; ; waitMs = Math.min(waitMs * 1.3, timing.pollMaxMs)) {
    const isOver =
      (await hasTargetMoved(input, before, signal)) ||
      (await arePublishingToolsBusy(input, signal)) === false ||
      Date.now() + waitMs > untilMs;
    if (isOver) return;
    await pause(waitMs);
  }
}

/**
 * Whether the publishing tools work on anything at the moment, be it ours or not; undefined where our
 * account may not see it.
 */
export async function arePublishingToolsBusy(
  { site, decision }: Input,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  try {
    const tools = publishingToolsTarget(decision.tools.name);
    const { summary } = await readStatistics(site, tools, { signal });
    return summary.busy === undefined ? undefined : summary.busy > 0;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** How long a publish may take at most: the site's own limit, and time for the site to notice it. */
export function longestPublishMs({ decision }: Pick<Input, 'decision'>): number {
  return decision.tools.maxUsageTimeSeconds * 1000 + 60_000;
}
